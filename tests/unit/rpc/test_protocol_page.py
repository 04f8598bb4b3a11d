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
from maasha.rpc.credentials import Credential, Kind, rack_key, seal
from maasha.rpc.handshake import Greeting, Hello, Side, prove, transcript
from maasha.rpc.reference import refreshed
from maasha.rpc.versions import Versions

PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"
Vector = dict[str, str]
ROOT = bytes(range(0xA0, 0xC0)).hex()
"""The key_root of the vectors."""


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


def field(value: bytes) -> bytes:
    """Put its length before it."""
    return len(value).to_bytes(4, "big") + value


def mac(key: bytes, *parts: bytes) -> bytes:
    """Make an HMAC-SHA256."""
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def by_the_page(vector: Vector, side: str) -> tuple[bytes, bytes]:
    """Make transcript and proof from the page's words alone."""
    said = (
        b"maasha handshake 1",
        vector["lowest"].encode(),
        vector["highest"].encode(),
        vector["rack_version"].encode(),
        vector["rack_system_id"].encode(),
        vector["rack_instance"].encode(),
        vector["credential"].encode(),
        vector["token"].encode(),
        bytes.fromhex(vector["rack_nonce"]),
        vector["protocol"].encode(),
        vector["region_lowest"].encode(),
        vector["region_highest"].encode(),
        vector["region_version"].encode(),
        vector["region_system_id"].encode(),
        vector["region_instance"].encode(),
        bytes.fromhex(vector["region_nonce"]),
        bytes.fromhex(vector["binding"]),
    )
    text = b"".join(map(field, said))
    key = bytes.fromhex(vector["secret"])
    return text, mac(key, field(side.encode()), text)


def key_by_the_page(vector: Vector, system_id: str) -> bytes:
    """Make a rack's key from the page's words alone."""
    named = (b"maasha rack key 1", vector["region_instance"].encode(), system_id.encode())
    return mac(bytes.fromhex(ROOT), *map(field, named))


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
        Credential(Kind(vector["credential"]), vector["token"]),
        bytes.fromhex(vector["rack_nonce"]),
    )
    greeting = Greeting(
        int(vector["protocol"]),
        Versions(int(vector["region_lowest"]), int(vector["region_highest"])),
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


def sealed_vectors() -> list[Vector]:
    """Give the vectors of racks that get their key."""
    return [vector for vector in vectors() if "sealed_key" in vector]


@pytest.mark.parametrize("vector", sealed_vectors(), ids=lambda vector: vector["name"])
def test_sealed_keys_follow_from_the_words_of_the_page(vector: Vector) -> None:
    """Key, mask and tag can be made with hashlib; the code makes the same bytes."""
    assert vector["key_root"] == ROOT
    secret, said = bytes.fromhex(vector["secret"]), bytes.fromhex(vector["transcript"])
    key = key_by_the_page(vector, vector["welcome_system_id"])
    mask = mac(secret, field(b"maasha key seal 1"), said)
    masked = bytes(one ^ other for one, other in zip(key, mask, strict=True))
    tag = mac(secret, field(b"maasha key tag 1"), field(masked), said)
    assert (key.hex(), (masked + tag).hex()) == (vector["key"], vector["sealed_key"])
    instance, name = InstanceId(UUID(vector["region_instance"])), vector["welcome_system_id"]
    assert rack_key(bytes.fromhex(ROOT), instance, SystemId(name)) == key
    assert seal(secret, said, key).hex() == vector["sealed_key"]


def test_a_key_is_the_secret_of_its_rack() -> None:
    """The vector of a rack with its own key has the key that the root gives its name."""
    (vector,) = [vector for vector in vectors() if vector["credential"] == "key"]
    assert vector["secret"] == key_by_the_page(vector, vector["rack_system_id"]).hex()


def test_every_kind_of_credential_has_a_vector() -> None:
    """None is left to guess."""
    assert {vector["credential"] for vector in vectors()} == {kind.value for kind in Kind}
