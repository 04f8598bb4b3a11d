"""Over real TCP, with TLS and without: megabytes cross, and every way to die is noticed."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from attrs import define, evolve
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.protocols.portforward import ProxyFactory

from maasha.rpc.errors import LinkLost, Unreachable, WrongSecret
from maasha.rpc.gate import Limits
from maasha.rpc.ground import TIMING, Ground, Timing
from maasha.rpc.handshake import RackFacts
from maasha.rpc.porter import Porter
from maasha.rpc.rack_side import Session, join
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.socket_options import socket_of
from maasha.rpc.tls import PLAIN_WORD, secure, tcp_below
from tests.unit.rpc.parts import (
    EPOCH,
    INTRODUCTION,
    OTHER_SECRET,
    PLAN,
    RACK_FACTS,
    REGION_FACTS,
    REPORT,
    Counter,
    Door,
    Hands,
    Peer,
)

reactor: Any = global_reactor  # its type depends on the platform
HASTY = Timing(heartbeat=0.05, proof=0.5, farewell=0.1)


class Relay(ProxyFactory):
    """Passes bytes on between a rack and a region, until it freezes."""

    noisy = False

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port)
        self.passed: list[Any] = []

    def buildProtocol(self, addr: Any) -> Any:
        """Keep the connection."""
        self.passed.append(super().buildProtocol(addr))
        return self.passed[-1]

    def freeze(self) -> None:
        """Read nothing any more, close nothing: as SIGSTOP does, or an unplugged host."""
        for server in self.passed:
            server.transport.pauseProducing()
            server.peer.transport.pauseProducing()


@define
class Region:
    """A region that listens on the loopback, behind a relay."""

    door: Door
    relay: Relay
    direct: int
    relayed: int
    tls: bool

    async def join(self, timing: Timing = TIMING, facts: RackFacts = RACK_FACTS) -> Session:
        """Join through the relay."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.relayed)
        return await join(
            Ground(reactor, timing),
            endpoint,
            facts,
            lambda: INTRODUCTION,
            Hands(),
            Counter(),
            tls=self.tls,
        )


@pytest.fixture(params=[True, False], ids=["TLS", "plain"])
def tls(request: pytest.FixtureRequest) -> bool:
    """Whether the channel is TLS."""
    return bool(request.param)


@pytest_twisted.async_yield_fixture(params=[HASTY])
async def region(request: pytest.FixtureRequest, tls: bool) -> AsyncIterator[Region]:
    """Start a region with the timing of the parameter and a relay in front of it."""
    door = Door()
    factory = RegionFactory(
        Ground(reactor, request.param),
        REGION_FACTS,
        door,
        Counter(),
        porter=Porter(reactor, Limits(unproved_per_source=100)),
    )
    offered = secure(factory, reactor) if tls else factory
    ports: list[Any] = []

    async def listen(what: Any) -> int:
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        ports.append(await endpoint.listen(what))
        number: int = ports[-1].getHost().port
        return number

    direct = await listen(offered)
    relay = Relay(direct)
    yield Region(door, relay, direct, await listen(relay), tls)
    heard: list[Any] = [tcp_below(rack._link.channel) for rack in door.racks]
    assert all(transport.named for transport in heard)
    for rack in door.racks:
        rack.abort("the test is over")
    for port in ports:
        await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_link_sends_at_once_and_probes_the_network(region: Region) -> None:
    """TCP_NODELAY, keepalive and TCP_USER_TIMEOUT are set on both ends."""
    session = await region.join()
    for link in (session._link, region.door.racks[0]._link):
        handle = socket_of(link.channel)
        assert handle is not None
        options = [
            handle.getsockopt(level, option)
            for level, option in (
                (socket.IPPROTO_TCP, socket.TCP_NODELAY),
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            )
        ]
        assert options == [1, 1, 1, 1, 2, 10_000]
    await session.leave()


@pytest_twisted.ensureDeferred
async def test_a_megabyte_crosses(region: Region) -> None:
    """A long plan and its answer cross while the heartbeat goes on."""
    session = await region.join()
    plan = evolve(PLAN, config="é" * 500_000)
    assert await region.door.racks[0].configure_dhcp(EPOCH, plan) == REPORT
    await session.leave()


@pytest_twisted.ensureDeferred
async def test_a_frozen_peer_is_noticed_by_both_sides(region: Region) -> None:
    """Without a FIN, silence ends the link on both sides, and calls that wait fail."""
    session = await region.join(HASTY)
    ended = region.door.racks[0].closed
    region.relay.freeze()
    with pytest.raises(LinkLost):
        await session.remote.report_dhcp(REPORT)
    assert await session.closed == "silent for 0.35 s or more"
    assert await ended == "silent for 0.35 s or more"
    assert region.door.desk.ended == ["silent for 0.35 s or more"]


@pytest_twisted.ensureDeferred
async def test_leaving_a_peer_that_does_not_read_ends(region: Region) -> None:
    """Megabytes that nobody takes do not keep a polite close open."""
    session = await region.join(evolve(HASTY, heartbeat=60))
    region.relay.freeze()
    report = ensureDeferred(session.remote.report_dhcp(evolve(REPORT, problem="x" * 15_000_000)))
    reason = await session.leave("enough")
    assert reason == "enough"
    with pytest.raises(LinkLost):
        await report


@pytest_twisted.ensureDeferred
async def test_a_peer_that_dies_is_noticed_at_once(region: Region) -> None:
    """A connection that is reset ends the link with the network's reason."""
    session = await region.join()
    region.relay.passed[0].transport.abortConnection()
    assert "lost" in await session.closed


@pytest_twisted.ensureDeferred
async def test_a_wrong_secret_is_told_before_the_connection_ends(region: Region) -> None:
    """The error crosses although the region closes."""
    with pytest.raises(WrongSecret):
        await region.join(facts=evolve(RACK_FACTS, secret=OTHER_SECRET))


@pytest_twisted.ensureDeferred
async def test_nobody_listens(region: Region) -> None:
    """A closed port is named as what it is."""
    port = socket.create_server(("127.0.0.1", 0))
    closed = port.getsockname()[1]
    port.close()
    region.relayed = closed
    with pytest.raises(Unreachable, match="refused"):
        await region.join()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("words", [b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01" * 50, b""])
async def test_garbage_harms_no_one_else(region: Region, words: bytes) -> None:
    """The connection of a stranger ends within the deadline; a rack's link goes on."""
    session = await region.join()
    stranger = Peer()
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", region.direct)
    await connectProtocol(endpoint, stranger)
    assert stranger.transport is not None
    stranger.transport.write(words)
    await stranger.ended
    await session.remote.report_dhcp(REPORT)
    assert stranger.heard in (b"", PLAIN_WORD)  # TLS is told that this is plain TCP
    await session.leave()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("region", [TIMING], indirect=True)
async def test_many_racks_share_a_region(region: Region) -> None:
    """Fifty racks join side by side, each has its own link, and all can call at once."""
    joining = [ensureDeferred(region.join()) for _ in range(50)]
    sessions = [await each for each in joining]
    assert len(region.door.racks) == 50
    for _ in range(3):
        reports = [ensureDeferred(session.remote.report_dhcp(REPORT)) for session in sessions]
        orders = [ensureDeferred(rack.own(EPOCH)) for rack in region.door.racks]
        assert [await order for order in orders] == [REPORT] * 50
        await gatherResults(reports)
    for session in sessions:
        await session.leave()
