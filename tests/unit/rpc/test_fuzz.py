"""No bytes harm a region: arbitrary ones, ones that are almost right, and all that ever did."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus"
CASES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())

KEYS = (
    st.sampled_from([b"_ask", b"_command", b"_answer", b"_error", b"_error_code", b"version"])
    | st.sampled_from([b"lowest", b"highest", b"system_id", b"instance", b"nonce", b"proof"])
    | st.sampled_from([b"proof.2", b"introduction", b"report", b"lost", b"interfaces"])
    | st.binary(min_size=1, max_size=20)
)
VALUES = (
    st.sampled_from([b"Hello", b"Prove", b"Register", b"Ping", b"ReportLeases", b"Claim", b"1"])
    | st.sampled_from([b"n" * 32, b"{}", b"[]", b"null", b"-1", b"9" * 30, b"\xff\xfe"])
    | st.binary(max_size=80)
)


def strings(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Write a box, as AMP has it."""
    written = (len(text).to_bytes(2, "big") + text for pair in pairs for text in pair)
    return b"".join(written) + b"\0\0"


BOXES = st.lists(st.tuples(KEYS, VALUES), max_size=12).map(strings)
STREAMS = st.lists(BOXES | st.binary(max_size=100), max_size=8).map(b"".join)
LENGTHS = st.binary(min_size=1, max_size=1)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.name[:20]}")
def test_what_once_did_harm_does_none(path: Path) -> None:
    """Cases of the corpus are kept for ever."""
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_there_is_a_corpus(target: str) -> None:
    """Every target has cases to begin with."""
    assert any(path.parent.name == target for path in CASES)


@settings(deadline=None)
@given(LENGTHS, STREAMS)
def test_a_stranger_may_say_anything(length: bytes, said: bytes) -> None:
    """Boxes that are almost right, cut anywhere."""
    TARGETS["stranger"](length + said)


@settings(deadline=None)
@given(LENGTHS, st.sampled_from([b"", b"\x16\3\1\0\xc8", b"\0"]), st.binary(max_size=300))
def test_a_stranger_may_say_anything_to_tls(length: bytes, first: bytes, said: bytes) -> None:
    """Records that are almost right, cut anywhere."""
    TARGETS["stranger_tls"](length + first + said)


@settings(deadline=None)
@given(LENGTHS, STREAMS)
def test_a_rack_may_say_anything(length: bytes, said: bytes) -> None:
    """What it may call fails as an error box, or the link ends."""
    TARGETS["trusted"](length + said)
