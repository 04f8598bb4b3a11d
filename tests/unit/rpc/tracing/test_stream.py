"""Boxes are found however they are cut, and cost bounded memory however long they are."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from maasha.rpc.tracing.stream import KEPT, ROUTED, Message, Stream
from maasha.rpc.wire.boxes import box_of, pair
from tests.unit.rpc.wire.parts import boxes


def fed(chunks: Iterable[bytes]) -> list[Message]:
    """Feed a new stream."""
    stream = Stream()
    return [message for chunk in chunks for message in stream.feed(chunk)]


def cut(data: bytes, size: int) -> list[bytes]:
    """Cut into chunks of one size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(st.lists(boxes, max_size=5), st.integers(1, 700))
def test_boxes_are_found_however_they_are_cut(several: list[dict[bytes, bytes]], size: int) -> None:
    """Each once, whole and in order, with its length on the wire."""
    data = [box_of(box) for box in several]
    found = fed(cut(b"".join(data), size))
    assert [message.pairs for message in found] == several
    assert [message.size for message in found] == [len(box) for box in data]
    assert all(message.whole for message in found)


def test_of_a_long_message_only_what_routes_it_is_kept() -> None:
    """While it still comes in; the next message is whole again."""
    stream = Stream()
    piece = pair(b"x", b"y" * 65_535)
    routing = pair(b"_command", b"Spread") + pair(b"_ask", b"1") + pair(b"_error", b"z" * 2000)
    found, most = [], 0
    for chunk in [routing, *[piece] * 100, b"\0\0", box_of({b"a": b"b"})]:
        found += stream.feed(chunk)
        kept = sum(map(len, stream._pairs.values())) + sum(map(len, stream._chunks))
        most = max(most, kept)
    long, short = found
    assert len(routing) > ROUTED
    assert long.pairs == {b"_command": b"Spread", b"_ask": b"1"}
    assert (long.whole, long.size) == (False, len(routing) + 100 * len(piece) + 2)
    assert (short.pairs, short.whole) == ({b"a": b"b"}, True)
    assert most < 2 * KEPT


def test_tiny_pairs_are_no_way_around_that() -> None:
    """The memory of a pair counts besides its bytes."""
    many = b"".join(pair(b"%05d" % number, b"x") for number in range(10_000))
    (found,) = fed([*cut(many, 1000), b"\0\0"])
    assert not found.whole
    assert found.pairs == {}


def test_what_is_not_amp_ends_it() -> None:
    """What stood before is found, nothing after it is kept."""
    stream = Stream()
    found = stream.feed(box_of({b"a": b"b"}) + b"\x16\x03\x01")
    assert [message.pairs for message in found] == [{b"a": b"b"}]
    assert stream.broken
    assert stream.feed(box_of({b"a": b"b"})) == []
    assert stream._chunks == []
