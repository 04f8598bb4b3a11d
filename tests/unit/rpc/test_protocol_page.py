"""What docs/protocol.md says is what the code does."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from uuid import UUID

import pytest

from maasha.model.cluster import InstanceId, SystemId
from maasha.rpc.handshake import Greeting, Hello, Side, prove, transcript
from maasha.rpc.reference import refreshed
from maasha.rpc.versions import Versions

PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"
Vector = dict[str, str]


def vectors() -> list[Vector]:
    """Read the test vectors from the page."""
    found = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    vectors: list[Vector] = json.loads(found.group(1))
    return vectors


def test_the_tables_are_up_to_date() -> None:
    """`python -m maasha.rpc.reference docs/protocol.md` would change nothing."""
    page = PAGE.read_text()
    assert refreshed(page) == page


def by_the_page(vector: Vector, side: str) -> tuple[bytes, bytes]:
    """Make transcript and proof from the page's words alone."""

    def field(value: bytes) -> bytes:
        return len(value).to_bytes(4, "big") + value

    said = (
        b"maasha handshake 1",
        vector["lowest"].encode(),
        vector["highest"].encode(),
        vector["rack_version"].encode(),
        vector["rack_system_id"].encode(),
        vector["rack_instance"].encode(),
        bytes.fromhex(vector["rack_nonce"]),
        vector["protocol"].encode(),
        vector["region_version"].encode(),
        vector["region_system_id"].encode(),
        vector["region_instance"].encode(),
        bytes.fromhex(vector["region_nonce"]),
        bytes.fromhex(vector["binding"]),
    )
    text = b"".join(map(field, said))
    key = bytes.fromhex(vector["secret"])
    return text, hmac.new(key, field(side.encode()) + text, hashlib.sha256).digest()


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
@pytest.mark.parametrize("side", ["rack", "region"])
def test_the_vectors_follow_from_the_words_of_the_page(vector: Vector, side: str) -> None:
    """Whoever reads the page can make the proofs with hashlib."""
    text, proof = by_the_page(vector, side)
    assert text.hex() == vector["transcript"]
    assert proof.hex() == vector[f"{side}_proof"]


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_the_code_makes_the_vectors(vector: Vector) -> None:
    """The handshake's functions give the very bytes of the page."""
    pinned, known_as = vector["rack_instance"], vector["rack_system_id"]
    hello = Hello(
        Versions(int(vector["lowest"]), int(vector["highest"])),
        vector["rack_version"],
        SystemId(known_as) if known_as else None,
        InstanceId(UUID(pinned)) if pinned else None,
        bytes.fromhex(vector["rack_nonce"]),
    )
    greeting = Greeting(
        int(vector["protocol"]),
        vector["region_version"],
        SystemId(vector["region_system_id"]),
        InstanceId(UUID(vector["region_instance"])),
        bytes.fromhex(vector["region_nonce"]),
    )
    said = transcript(hello, greeting, bytes.fromhex(vector["binding"]))
    assert said.hex() == vector["transcript"]
    for side in Side:
        proof = prove(bytes.fromhex(vector["secret"]), side, said)
        assert proof.value.hex() == vector[f"{side.value}_proof"]
