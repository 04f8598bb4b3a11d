"""Values of the public command set are never empty and never long on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.protocols import amp

from maasha.rpc.wire.codecs import codec_of
from maasha.rpc.wire.errors import BadArgument
from maasha.rpc.wire.limits import Limits
from maasha.rpc.wire.values import LONGEST, Number, Octets, Text, Value
from tests.unit.rpc.wire.parts import Spread


class Protocol:
    """What the generated code needs of a protocol."""

    limits = Limits()


lengths = st.sampled_from([0, 1, LONGEST - 1, LONGEST, LONGEST + 1, 3 * LONGEST, 100_001])


@settings(max_examples=50, deadline=None)
@given(lengths, st.none() | lengths.map(lambda length: "ä" * (length // 2)), st.integers(0, 9))
def test_no_value_is_empty_or_long(length: int, text: str | None, number: int) -> None:
    """Generated code and stock code write the same pairs, each of 1 to 32,767 bytes."""
    codec = codec_of(Spread)
    assert codec is not None
    given: dict[str, Any] = {"octets": b"x" * length, "text": text, "number": number}
    [fast] = amp.parseString(codec.ask(b"1", b"", given, Protocol()))
    slow = Spread.makeArguments(given, None)
    assert fast == slow | {amp.ASK: b"1", amp.COMMAND: b"Spread"}
    assert all(0 < len(value) <= LONGEST for value in fast.values())
    read = Spread.parseArguments(fast, None)
    assert read == given | {"text": text or None}


@settings(max_examples=50, deadline=None)
@given(lengths)
def test_long_answers_take_the_fast_path(length: int) -> None:
    """The pieces are joined by the generated code too."""
    codec = codec_of(Spread)
    assert codec is not None
    answer = {"octets": b"x" * length, "text": "ä" * length}
    box = codec.reply(b"\0\x011", answer, Protocol())
    assert codec.answered(box, 12, None) == (len(box), answer)


@pytest.mark.parametrize("digits", [b"", b"x", b"1 ", b"+1", b"1_0", b"1" * 19, b"\xb2", b"1\n"])
def test_a_number_is_digits(digits: bytes) -> None:
    """What Python would read as a number but is none is refused."""
    with pytest.raises(BadArgument):
        Number().fromBox(b"n", {b"n": digits}, {}, None)


@pytest.mark.parametrize("value", [10**18, -(10**18), "1", None])
def test_only_a_number_is_written(value: Any) -> None:
    """At most 18 digits."""
    with pytest.raises(BadArgument):
        Number().toBox(b"n", {}, {"n": value}, None)


@pytest.mark.parametrize("value", [0, -1, 10**18 - 1, 1 - 10**18])
def test_numbers_come_back(value: int) -> None:
    """All that have at most 18 digits."""
    box: dict[bytes, bytes] = {}
    found: dict[str, Any] = {}
    Number().toBox(b"n", box, {"n": value}, None)
    Number().fromBox(b"n", box, found, None)
    assert found == {"n": value}


def test_what_is_missing_is_named() -> None:
    """The error says which argument it is about."""
    with pytest.raises(BadArgument, match="argument n: missing"):
        Number().fromBox(b"n", {}, {}, None)
    with pytest.raises(BadArgument, match="argument t: a piece is missing after 1"):
        Text().fromBox(b"t", {b"t": b"x", b"t.3": b"y"}, {}, None)
    with pytest.raises(BadArgument, match=r"argument t: .*codec"):
        Text().fromBox(b"t", {b"t": b"\xff"}, {}, None)


def test_an_optional_number_may_be_absent() -> None:
    """None has no key."""
    box: dict[bytes, bytes] = {}
    found: dict[str, Any] = {}
    Number(optional=True).toBox(b"n", box, {"n": None}, None)
    Number(optional=True).fromBox(b"n", box, found, None)
    assert (box, found) == ({}, {"n": None})


def test_pieces_of_other_lengths_are_joined() -> None:
    """Others may cut where they like."""
    found: dict[str, Any] = {}
    Octets().fromBox(b"o", {b"o": b"1", b"o.2": b"23", b"o.x": b"!"}, found, None)
    assert found == {"o": b"123"}


def test_the_conversion_is_the_subclasses() -> None:
    """There is none to begin with."""
    with pytest.raises(NotImplementedError):
        Value().to_bytes(1)
    with pytest.raises(NotImplementedError):
        Value().from_bytes(b"")
