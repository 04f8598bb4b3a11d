"""Boxes leave in one write per turn, at once where that is safe, and never without bound."""

from __future__ import annotations

from twisted.internet.defer import gatherResults
from twisted.internet.task import Clock
from twisted.protocols import amp

from maasha.rpc.wire import AMP
from maasha.rpc.wire.limits import Limits
from tests.asynchronous import asynchronous
from tests.unit.rpc.wire.loopback import Counted, plain, until
from tests.unit.rpc.wire.parts import (
    Desk,
    Lookup,
    Pair,
    Spread,
    Timed,
    Transport,
    Wait,
    outcome,
    timed,
)


@asynchronous
async def test_an_idle_tcp_transport_is_written_to_at_once() -> None:
    """A lone call is on its way before callRemote returns."""
    line = await plain()
    line.client.transport.socket = counted = Counted(line.client.transport.socket)
    call = line.client.callRemote(Lookup, id=1, name="x")
    assert len(counted.sent) == 1
    assert (await call)["count"] == 2
    await line.close()


@asynchronous
async def test_small_calls_do_not_wait_for_others() -> None:
    """Nagle's algorithm is off at both ends."""
    line = await plain()
    for end in (line.client, line.server):
        assert end.transport.getTcpNoDelay()
    await line.close()


@asynchronous
async def test_the_calls_of_one_turn_take_two_writes_at_most() -> None:
    """The first leaves at once, the reactor takes the rest together."""
    line = await plain()
    line.client.transport.socket = counted = Counted(line.client.transport.socket)
    line.server.transport.socket = answered = Counted(line.server.transport.socket)
    calls = [line.client.callRemote(Lookup, id=n, name="x") for n in range(50)]
    answers = await gatherResults(calls)
    assert [answer["count"] for answer in answers] == list(range(1, 51))
    assert len(counted.sent) == 2
    assert len(answered.sent) == 2
    await line.close()


@asynchronous
async def test_a_peer_that_does_not_read_costs_bounded_memory() -> None:
    """Over real TCP: calls queue here, and their order is kept when the peer reads again."""
    line = await plain()
    line.client.limits = Limits(in_flight=1000)
    await line.client.callRemote(Lookup, id=1, name="what follows is in the turn of this answer")
    line.server.transport.pauseProducing()
    blob = b"x" * 100_000
    ends = [
        outcome(line.client.callRemote(Spread, number=0, octets=blob, text=str(n)))
        for n in range(300)
    ]
    await until(lambda: line.client.choked)
    transport = line.client.transport
    kept = len(transport.dataBuffer) + transport._tempDataLen
    assert kept < 3 * len(blob)
    line.server.transport.resumeProducing()
    await until(lambda: all(ends))
    assert [end[0]["text"] for end in ends] == [str(n) for n in range(300)]
    assert not line.client.choked
    await line.close()


def test_a_turn_is_one_write() -> None:
    """All answers to one chunk leave together."""
    pair = Pair(AMP(), AMP(locator=Desk()))
    for number in range(5):
        outcome(pair.client.callRemote(Lookup, id=number, name="x"))
    pair.server.dataReceived(pair.near.take())
    assert len(pair.far.written) == 1


def test_large_answers_do_not_gather() -> None:
    """They are handed over as they come, in order."""
    pair = Pair(AMP(), AMP(locator=Desk()))
    for number in (1, 20_000, 2):
        outcome(pair.client.callRemote(Spread, number=1, octets=b"x" * number, text=""))
    pair.server.dataReceived(pair.near.take())
    assert len(pair.far.written) == 2
    answers = amp.parseString(pair.far.take())
    assert [len(answer[b"octets"]) for answer in answers] == [1, 20_000, 2]


def test_somebody_elses_producer_is_left_alone() -> None:
    """A transport that has a producer already is simply written to."""
    transport = Transport()
    transport.producer = object()
    client = Timed(Clock(), Limits(unsent=10))
    client.makeConnection(transport)
    outcome(client.callRemote(Lookup, id=1, name="x"))
    assert transport.written
    assert not client.choked


def test_no_producer_stays_registered() -> None:
    """One that stayed would keep a TLS connection from closing."""
    clock = Clock()
    pair, _ = timed(clock, client_limits=Limits(unsent=10))
    outcome(pair.client.callRemote(Lookup, id=1, name="x"))
    assert pair.near.producer is None
    pair.near.stuck = True
    outcome(pair.client.callRemote(Wait, id=1))
    assert pair.client.choked
    pair.near.unstick()
    assert pair.near.producer is None
