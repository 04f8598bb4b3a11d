"""Who observes a connection hears its boxes whole, both ways, from whenever on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import gatherResults
from twisted.protocols import amp

from maasha.rpc.wire import AMP
from maasha.rpc.wire.boxes import box_of
from tests.asynchronous import asynchronous
from tests.unit.rpc.parts import Listener
from tests.unit.rpc.wire.loopback import Loopback, plain, secured, until
from tests.unit.rpc.wire.parts import Desk, Lookup, Pair, Ping, Spread, Transport, boxes, outcome

pytestmark = pytest.mark.filterwarnings(  # Twisted makes the certificates in an old way
    "ignore::DeprecationWarning:twisted", "ignore::DeprecationWarning:OpenSSL"
)
FAST = box_of({amp.ASK: b"1", amp.COMMAND: b"Lookup", b"id": b"7", b"name": b"x"})


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.sent = self.received = b""

    def __call__(self, sent: bool, data: bytes) -> None:
        """Keep it."""
        if sent:
            self.sent += data
        else:
            self.received += data


def served() -> tuple[Any, Transport, Ear]:
    """Make a server and an ear for it."""
    transport, server = Transport(), AMP(locator=Desk())
    server.makeConnection(transport)
    return server, transport, Ear()


@given(st.lists(boxes, max_size=6), st.data())
def test_an_observer_may_come_at_any_time(several: list[dict[bytes, bytes]], data: Any) -> None:
    """Wherever in a box the bytes stand then, it hears that box from its beginning."""
    ends: list[int] = []
    stream = b""
    for box in several:
        stream += box_of({amp.ANSWER: b"nobody's", **box})
        ends.append(len(stream))
    begin = data.draw(st.integers(0, len(stream)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)) | {begin})
    server, _, ear = served()
    server.garbage = lambda _: None
    position = 0
    for cut in [*cuts, len(stream)]:
        if position == begin:
            server.observe(ear)
        server.dataReceived(stream[position:cut])
        position = cut
    heard_from = max((end for end in ends if end <= begin), default=0)
    if begin < len(stream):
        assert amp.parseString(ear.received) == amp.parseString(stream[heard_from:])


def test_a_box_that_is_taken_apart_already_is_heard_whole() -> None:
    """A very long one is not kept as bytes while it comes in; its pairs are told anyway."""
    server, transport, ear = served()
    request = box_of({b"%05d" % n: b"x" for n in range(500)} | {b"id": b"7", b"name": b"y"})
    for start in range(0, len(request) - 2, 7):
        server.dataReceived(request[start : min(start + 7, len(request) - 2)])
    assert server._box
    server.observe(ear)
    server.dataReceived(box_of({amp.ASK: b"1", amp.COMMAND: b"Lookup"}))
    assert len(transport.take()) > 0
    (heard,) = amp.parseString(ear.received)
    assert len(heard) == 504


def test_what_was_written_is_heard_once() -> None:
    """Calls within a turn and outside, small answers and large ones: all of it, in its order."""
    client, ear, far = AMP(), Ear(), Ear()
    pair = Pair(client, AMP(locator=Desk()))
    client.observe(ear)
    pair.server.observe(far)
    written = b""
    write = pair.near.write

    def noting(data: bytes) -> None:
        nonlocal written
        written += data
        write(data)

    pair.near.write = noting  # type: ignore[method-assign]  # to see what leaves
    for number in (1, 20_000, 2):
        outcome(client.callRemote(Spread, number=1, octets=b"x" * number, text=""))
    outcome(client.callRemote(Lookup, id=1, name="x"))
    pair.flush()
    assert ear.sent == written
    assert far.received == ear.sent
    assert far.sent == ear.received


@pytest.mark.parametrize("connect", [plain, secured])
@asynchronous
async def test_both_ends_of_a_real_connection_hear_the_same(connect: Any) -> None:
    """Over TCP, where writes go past the transport, and over TLS."""
    line: Loopback = await connect()
    near, far = Ear(), Ear()
    line.client.observe(near)
    line.server.observe(far)
    await gatherResults([line.client.callRemote(Lookup, id=n, name="x") for n in range(100)])
    blob = b"x" * 500_000
    await line.client.callRemote(Spread, number=1, octets=blob, text="")
    await until(lambda: near.received == far.sent)
    assert far.received == near.sent
    assert len(amp.parseString(near.sent)) == 101
    await line.close()


def test_nobody_hears_anything_any_more() -> None:
    """Once the observer is taken away."""
    server, transport, ear = served()
    server.observe(ear)
    server.dataReceived(FAST[:5])
    server.observe(None)
    server.dataReceived(FAST[5:])
    assert transport.take()
    assert (ear.received, ear.sent) == (FAST[:5], b"")


def test_an_observer_that_fails_hears_no_more(logged: Listener) -> None:
    """The connection does not notice."""

    def ear(*_: object) -> None:
        raise ZeroDivisionError

    server, transport, _ = served()
    server.observe(ear)
    server.dataReceived(FAST * 2)
    assert len(amp.parseString(transport.take())) == 2
    assert [type(error) for error in logged.failures] == [ZeroDivisionError]


def test_nobody_begins_within_a_turn() -> None:
    """Half of the chunk is read then, and nobody could say where a box begins."""

    class Door(amp.CommandLocator):
        @Ping.responder
        def ping(self) -> dict[str, object]:
            with pytest.raises(RuntimeError, match="another turn"):
                server.observe(Ear())
            server.observe(None)
            return {}

    server, transport, _ = served()
    server.locator = Door()
    server.dataReceived(box_of({amp.ASK: b"1", amp.COMMAND: b"Ping"}))
    assert transport.take() == box_of({amp.ANSWER: b"1"})


def test_calls_in_flight_are_counted() -> None:
    """Those that wait for their place too."""
    pair = Pair(AMP(), AMP(locator=Desk()))
    calls = [outcome(pair.client.callRemote(Lookup, id=n, name="x")) for n in range(3)]
    pair.client.withhold(True)
    calls.append(outcome(pair.client.callRemote(Lookup, id=3, name="x")))
    assert pair.client.in_flight == 4
    pair.client.withhold(False)
    pair.flush()
    assert all(calls)
    assert pair.client.in_flight == 0
