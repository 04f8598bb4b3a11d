"""Arguments of any size cross the wire in small values; garbage is refused by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.dhcp import DhcpPlan
from maasha.model.network import Interface
from maasha.model.stamp import Stamp
from maasha.rpc.arguments import Bytes, Record, Uuid
from maasha.rpc.errors import BadArgument
from maasha.rpc.wire.values import LONGEST, Number, Text, Value


def carried(argument: Value, value: Any, **noise: bytes) -> Any:
    """Write a value into a box, add unknown keys, and read it again."""
    strings: dict[bytes, bytes] = {}
    argument.toBox(b"it", strings, {"it": value}, None)
    assert all(1 <= len(piece) <= LONGEST for piece in strings.values())
    strings.update({key.encode(): piece for key, piece in noise.items()})
    objects: dict[str, Any] = {}
    argument.fromBox(b"it", strings, objects, None)
    return objects["it"]


def refused(argument: Value, strings: dict[bytes, bytes]) -> str:
    """Give the reason why a box is refused."""
    with pytest.raises(BadArgument) as caught:
        argument.fromBox(b"it", strings, {}, None)
    assert caught.value.argument == "it"
    return caught.value.reason


@given(st.integers(-(10**17), 10**17))
def test_numbers_cross(number: int) -> None:
    """A number arrives as it was."""
    assert carried(Number(), number) == number


@pytest.mark.parametrize("digits", [b"", b"1.5", b" 1", b"1_0", b"0x1", b"9" * 19, b"\xd9\xa1"])
def test_only_plain_digits_are_a_number(digits: bytes) -> None:
    """Python's own liberties are not part of the protocol."""
    assert "no number" in refused(Number(), {b"it": digits})


def test_a_missing_number_is_refused() -> None:
    """A number is always there."""
    assert refused(Number(), {}) == "missing"


def test_a_number_that_nobody_could_read_is_not_sent() -> None:
    """The sender refuses what the receiver would."""
    with pytest.raises(BadArgument):
        carried(Number(), 10**18)


def test_bytes_have_one_length() -> None:
    """Bytes of another length are refused on both sides."""
    assert carried(Bytes(3), b"\0\1\2") == b"\0\1\2"
    assert refused(Bytes(3), {b"it": b"\0\1"}) == "2 bytes instead of 3"
    assert refused(Bytes(3), {}) == "missing"
    with pytest.raises(BadArgument):
        carried(Bytes(3), b"")


@given(st.text(), st.integers(0, 3), st.sampled_from(["a", "é", "😀"]))
def test_texts_of_any_length_cross(text: str, pieces: int, letter: str) -> None:
    """A text arrives whole, wherever its pieces are cut, and unknown keys do no harm."""
    text += letter * (pieces * LONGEST // len(letter.encode()) + len(text))
    assert carried(Text(), text, other=b"x", it_2=b"y", **{"it.x": b"z"}) == text


@pytest.mark.parametrize("length", [0, 1, LONGEST, LONGEST + 1, 1_000_000])
def test_the_edges_of_a_piece(length: int) -> None:
    """No piece is empty and none is missing at the edges."""
    assert carried(Text(), "x" * length) == "x" * length


@pytest.mark.parametrize(
    "strings", [{b"it": b"a", b"it.3": b"c"}, {b"it.2": b"b"}, {b"it": b"a", b"it.02": b"b"}]
)
def test_a_text_with_a_missing_piece_is_refused(strings: dict[bytes, bytes]) -> None:
    """Half a text is never taken for the whole."""
    assert "a piece is missing" in refused(Text(), strings)


def test_a_text_must_be_utf_8() -> None:
    """Other bytes are refused on arrival, broken text before it is sent."""
    assert "utf-8" in refused(Text(), {b"it": b"\xff"})
    with pytest.raises(BadArgument):
        carried(Text(), "\ud800")


def test_uuids_cross() -> None:
    """A UUID arrives as it was; None needs leave."""
    assert carried(Uuid(), UUID(int=5)) == UUID(int=5)
    assert carried(Uuid(optional=True), None) is None
    assert refused(Uuid(), {}) == "missing"
    assert "badly formed" in refused(Uuid(optional=True), {b"it": b"zz"})


def test_records_cross() -> None:
    """Records and tuples of them arrive equal, however long."""
    plan = DhcpPlan(Stamp(1, 2), "x\n" * 500_000, ("eth0",), ())
    assert carried(Record(DhcpPlan), plan) == plan
    interfaces = (Interface("eth0", "aa:bb:cc:dd:ee:ff"),) * 3
    assert carried(Record(tuple[Interface, ...]), interfaces) == interfaces
    assert carried(Record(tuple[Interface, ...]), ()) == ()


@pytest.mark.parametrize(
    "strings", [{}, {b"it": b"{}"}, {b"it": b"[1]"}, {b"it": b'{"incarnation":1,"counter":"2"}'}]
)
def test_half_a_record_is_refused(strings: dict[bytes, bytes]) -> None:
    """Garbage never becomes a record."""
    assert refused(Record(Stamp), strings)


def test_a_record_that_json_cannot_carry_is_not_sent() -> None:
    """The sender is told, by name."""
    with pytest.raises(BadArgument):
        carried(Record(Interface), Interface("\ud800", ""))


def test_an_argument_says_how_it_is_carried() -> None:
    """A kind of argument must say how it is written and read."""
    with pytest.raises(NotImplementedError):
        carried(Value(), 1)
    with pytest.raises(NotImplementedError):
        Value().from_bytes(b"")


def test_bytes_may_be_absent_where_they_are_optional() -> None:
    """None has no key at all; what is there is measured all the same."""
    argument = Bytes(4, optional=True)
    assert carried(argument, None) is None
    assert carried(argument, b"four") == b"four"
    assert "3 bytes instead of 4" in refused(argument, {b"it": b"thr"})
