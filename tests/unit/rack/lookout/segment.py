"""An Ethernet in memory: hosts with stations and TCP on one clock, and ways to break it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any, cast

from attrs import define, field
from twisted.internet.address import IPv4Address as Place
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError, ConnectionRefusedError, TimeoutError
from twisted.internet.interfaces import IDelayedCall, IProtocolFactory
from twisted.internet.protocol import ClientFactory
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import IOPump

from maasha.host.ether import BROADCAST, SHORTEST, Frame, Heard, Lost
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Peer, Watch
from maasha.rack.lookout.scene import Dialler, Scene
from tests.unit.rpc.parts import Wire

VLAN = VlanId(5)
KEY = "5e" * 32
DELAY = 0.001
"""Seconds that a frame takes."""
EPOCH = 1_700_000_000.0
"""What the clocks show that are right, when a test begins."""


@define(eq=False)
class MemoryStation:
    """A station of a host."""

    segment: Segment
    mac: bytes
    heard: Heard
    lost: Lost

    def send(self, target: bytes, payload: bytes) -> None:
        """Send a frame to whoever is there."""
        if self.segment.down:
            raise OSError(errno.ENETDOWN, "Network is down")
        self.segment.carry(Frame(self.mac, target, payload.ljust(SHORTEST - 14, b"\0")))

    def close(self) -> None:
        """Hear no more."""
        self.segment.stations.remove(self)


@define(eq=False)
class Segment:
    """The wire between the hosts."""

    clock: Clock = field(factory=Clock)
    stations: list[MemoryStation] = field(factory=list)
    listeners: dict[tuple[str, int], IProtocolFactory] = field(factory=dict)
    filtered: set[str] = field(factory=set)
    """Hosts whose TCP is dropped on the way there."""
    unopened: OSError | None = None
    """Why no station can be opened on it."""
    refusal: OSError | None = None
    """Why no port can be opened on it."""
    deaf: set[bytes] = field(factory=set)
    """Stations that hear nothing."""
    down: bool = False
    frames: list[Frame] = field(factory=list)
    """All that were sent."""
    calls: list[tuple[str, str]] = field(factory=list)
    """Who called whom."""
    _pumps: list[IOPump] = field(factory=list)

    def carry(self, frame: Frame) -> None:
        """Take a frame where it goes."""
        self.frames.append(frame)
        for station in self.stations:
            here = frame.target in (BROADCAST, station.mac) and station.mac != frame.source
            if here and station.mac not in self.deaf:
                self.clock.callLater(DELAY, self._arrive, station, frame)

    def join(self, client: Wire, server: Wire) -> None:
        """Connect two ends."""
        pump = IOPump(client.protocol, server.protocol, client, server, False, self.clock)
        self._pumps.append(pump)
        server.protocol.makeConnection(server)
        client.protocol.makeConnection(client)

    def go(self, seconds: float = 0.0) -> None:
        """Let time pass, from each thing that is due to the next, and all bytes move that can."""
        self._flush()
        end = self.clock.seconds() + seconds
        while due := [call.getTime() for call in self.clock.getDelayedCalls()]:
            if min(due) > end:
                break
            self.clock.advance(max(0.0, min(due) - self.clock.seconds()))
            self._flush()
        self.clock.advance(end - self.clock.seconds())

    def _flush(self) -> None:
        moving = True
        while moving:
            self.clock.advance(0)
            moving = any([pump.flush() for pump in tuple(self._pumps)])

    def _arrive(self, station: MemoryStation, frame: Frame) -> None:
        if station in self.stations:
            station.heard(frame)


@define(eq=False)
class MemoryPort:
    """An open port."""

    segment: Segment
    place: tuple[str, int]

    def stopListening(self) -> Deferred[None]:
        """Close it; it is free a turn later, as a real one."""
        closed: Deferred[None] = Deferred()
        self.segment.clock.callLater(0, self._free, closed)
        return closed

    def _free(self, closed: Deferred[None]) -> None:
        del self.segment.listeners[self.place]
        closed.callback(None)


@define(eq=False)
class Connector:
    """A connection that is being made."""

    destination: Place
    giving_up: IDelayedCall | None = None

    def getDestination(self) -> Place:
        """Say where it leads."""
        return self.destination

    def stopConnecting(self) -> None:
        """Try no more."""
        if self.giving_up is not None:
            self.giving_up.cancel()


@define(eq=False)
class Host:
    """A host: its number is its rack's, the end of its address and of its station's."""

    segment: Segment
    number: int
    ahead: float = 0.0
    """Seconds by which its clock is ahead."""
    nonces: int = 0
    chance: Callable[[], float] = lambda: 0.0

    @property
    def address(self) -> str:
        """Its address on the segment."""
        return f"10.0.0.{self.number}"

    @property
    def peer(self) -> Peer:
        """What others call it."""
        return Peer(RackKey(self.number), IPv4Address(self.address), f"host{self.number}")

    @property
    def scene(self) -> Scene:
        """What a lookout gets of it."""
        return Scene(cast(Dialler, self), self.open_station, self.time, self.nonce, self.chance)

    def watch(self, *others: Host, key: str = KEY, vlan: VlanId = VLAN) -> Watch:
        """Give the order to look out for others."""
        peers = tuple(other.peer for other in others)
        own = self.peer
        return Watch(vlan, own.rack, "eth1", own.address, peers, key)

    def time(self) -> float:
        """Read its clock."""
        return EPOCH + self.segment.clock.seconds() + self.ahead

    def nonce(self) -> bytes:
        """Give one that no host has given before."""
        self.nonces += 1
        return bytes([self.number]) + self.nonces.to_bytes(15, "big")

    def open_station(
        self, interface: str, ethertype: int, heard: Heard, lost: Lost
    ) -> MemoryStation:
        """Plug it in."""
        assert (interface, ethertype) == ("eth1", 0x88B5)
        if self.segment.unopened is not None:
            raise self.segment.unopened
        station = MemoryStation(self.segment, self.mac, heard, lost)
        self.segment.stations.append(station)
        return station

    @property
    def mac(self) -> bytes:
        """Its station's name."""
        return bytes(5) + bytes([self.number])

    # its reactor

    def seconds(self) -> float:
        """Give the clock that nobody sets."""
        return self.segment.clock.seconds()

    def callLater(self, delay: float, call: Callable[..., Any], *more: object) -> IDelayedCall:
        """Do something later."""
        return self.segment.clock.callLater(delay, call, *more)

    def listenTCP(
        self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = ""
    ) -> MemoryPort:
        """Open a port on its own address."""
        assert (interface, backlog) == (self.address, 50)
        place = (interface, port)
        if self.segment.refusal is not None:
            raise CannotListenError(interface, port, self.segment.refusal)
        if place in self.segment.listeners:
            raise CannotListenError(interface, port, OSError(errno.EADDRINUSE, "in use"))
        self.segment.listeners[place] = factory
        return MemoryPort(self.segment, place)

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: ClientFactory,
        timeout: float = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> Connector:
        """Connect at once, be refused, or wait for nothing."""
        assert bindAddress == (self.address, 0)
        self.segment.calls.append((self.address, host))
        far = Place("TCP", host, port)
        connector: Any = Connector(far)
        factory.startedConnecting(connector)
        there = self.segment.listeners.get((host, port))
        if host in self.segment.filtered:
            silence = Failure(TimeoutError())
            connector.giving_up = self.callLater(
                timeout, factory.clientConnectionFailed, connector, silence
            )
        elif there is None:
            factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
        else:
            self._connect(far, factory, there)
        return cast(Connector, connector)

    def _connect(self, far: Place, factory: ClientFactory, there: IProtocolFactory) -> None:
        near = Place("TCP", self.address, 40000)
        client, server = factory.buildProtocol(far), there.buildProtocol(near)
        self.segment.join(Wire(client, False, near, far), Wire(server, True, far, near))


def nowhere() -> Scene:
    """Give a host on a segment of its own."""
    return Host(Segment(), 1).scene
