"""Stock AMP says what is right: the same bytes give the same boxes, calls and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.protocols import amp
from zope.interface import implementer

from maasha.rpc.wire import AMP
from maasha.rpc.wire.boxes import box_of
from maasha.rpc.wire.codecs import codec_of
from tests.unit.rpc.wire.parts import (
    Desk,
    Fail,
    Lookup,
    Oops,
    Pair,
    Spread,
    Sundry,
    Timed,
    Transport,
    Unknown,
    boxes,
    cutter,
    outcome,
)

sizes = st.lists(st.integers(1, 40) | st.integers(1, 5000), min_size=1, max_size=8)
GARBAGE = b"\x01\x00" + b"x" * 300


@implementer(amp.IBoxReceiver)
class Receiver:
    """Notes the boxes it gets."""

    def __init__(self) -> None:
        self.boxes: list[dict[bytes, bytes]] = []

    def startReceivingBoxes(self, sender: object) -> None:
        """Begin."""

    def ampBoxReceived(self, box: amp.AmpBox) -> None:
        """Note it."""
        self.boxes.append(dict(box))

    def stopReceivingBoxes(self, reason: object) -> None:
        """End."""


def received(kind: type[amp.AMP], chunks: Iterable[bytes]) -> tuple[list[Any], bool]:
    """Feed chunks to a protocol until it closes; gives the boxes and whether it did."""
    receiver, transport = Receiver(), Transport()
    protocol = kind(boxReceiver=receiver)
    protocol.makeConnection(transport)
    for chunk in chunks:
        protocol.dataReceived(chunk)
        if transport.disconnecting:
            break
    return receiver.boxes, transport.disconnecting


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, max_size=6), st.booleans(), sizes)
def test_chunks_do_not_matter(sent: list[dict[bytes, bytes]], bad: bool, sizes: list[int]) -> None:
    """However a stream is cut, the boxes are those that stock AMP sees, garbage included."""
    stream = b"".join(map(box_of, sent)) + (GARBAGE if bad else b"")
    chunks = list(cutter(cycle(sizes))(stream))
    assert received(AMP, chunks) == received(amp.AMP, chunks)


lookups = st.builds(lambda id, name: (Lookup, {"id": id, "name": name}), st.integers(), st.text())
sundries = st.builds(
    lambda **given: (Sundry, given),
    flag=st.booleans(),
    Class=st.none() | st.text(max_size=5),
    numbers=st.lists(st.integers(), max_size=3),
    raw=st.none() | st.binary(max_size=300),
    ratio=st.floats(allow_nan=False),
)
spreads = st.builds(
    lambda **given: (Spread, given),
    number=st.integers(0, 3),
    octets=st.sampled_from([b"", b"x", b"y" * 40_000]),
    text=st.sampled_from([None, "ä", "ß" * 20_000]),
)
fails = st.sampled_from(["declared", "later"]).map(lambda how: (Fail, {"how": how}))
mistakes = st.sampled_from(
    [
        (Unknown, {}),
        (Lookup, {"id": 1}),
        (Lookup, {"id": 1, "name": "x", "more": 2}),
    ]
)
conversations = st.lists(st.one_of(lookups, sundries, spreads, fails, mistakes), max_size=12)


def held(
    kinds: tuple[Callable[..., Any], Callable[..., Any]],
    calls: list[tuple[Any, dict[str, Any]]],
    cut: Callable[[bytes], Iterator[bytes]],
) -> list[Any]:
    """Hold a conversation, all calls at once, and give how each ended."""
    pair = Pair(kinds[0](), kinds[1](locator=Desk()), cut)
    ask = pair.client.callRemote
    ends = [outcome(maybeDeferred(ask, command, **given)) for command, given in calls]
    pair.flush()
    return ends


def timed(**given: Any) -> Timed:
    """Make one of ours that sends deadlines and traces."""
    return Timed(Clock(), **given)


KINDS = [(AMP, amp.AMP), (amp.AMP, AMP), (AMP, AMP), (timed, amp.AMP), (timed, timed)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), conversations, sizes)
def test_a_stock_peer_notices_nothing(
    kinds: tuple[Any, Any], calls: list[tuple[Any, dict[str, Any]]], sizes: list[int]
) -> None:
    """Pipelined and cut at random, every call ends as between two stock ends."""
    expected = held((amp.AMP, amp.AMP), calls, cutter(cycle(sizes)))
    assert held(kinds, calls, cutter(cycle(sizes))) == expected


@settings(deadline=None)
@given(lookups | spreads | sundries)
def test_requests_are_the_bytes_of_stock(call: tuple[Any, dict[str, Any]]) -> None:
    """Without a deadline a request is the same bytes, in the same order, as stock AMP's."""
    command, given = call
    written = []
    for kind in (amp.AMP, AMP):
        protocol, transport = kind(), Transport()
        protocol.makeConnection(transport)
        protocol.callRemote(command, **given)
        written.append(amp.parseString(transport.take()))
    assert written[0] == written[1]


@settings(max_examples=30, deadline=None)
@given(st.integers(), st.text(max_size=50))
def test_small_answers_are_the_bytes_of_stock(count: int, said: str) -> None:
    """An answer is the same bytes as stock AMP's."""
    for command, answer in (
        (Lookup, {"ok": True, "count": count}),
        (Sundry, {"rows": [{"key": said}], "said": said}),
    ):
        codec = codec_of(command)
        assert codec is not None
        box = command.makeResponse(answer, None)
        box[amp.ANSWER] = b"a1"
        assert codec.reply(b"\0\x02a1", answer, None) == box.serialize()


@pytest.mark.parametrize("how", ["none", "text", "empty"])
def test_an_answer_that_does_not_fit_closes_as_stock_does(how: str) -> None:
    """By stock's policy an undeclared error ends the connection on both sides."""
    ended = []
    for kinds in ((amp.AMP, amp.AMP), (AMP, AMP), (timed, timed)):
        pair = Pair(kinds[0](), kinds[1](locator=Desk()))
        end = outcome(pair.client.callRemote(Fail, how=how))
        pair.flush()
        ended.append((end, pair.client.transport, pair.server.transport))
    assert ended[0] == ended[1] == ended[2]
    assert ended[0][1] is None


def test_the_declared_error_is_the_commands() -> None:
    """A declared error arrives as its own type."""
    pair = Pair(AMP(), AMP(locator=Desk()))
    end = outcome(pair.client.callRemote(Fail, how="declared"))
    pair.flush()
    assert end == [(Oops, "é")]
