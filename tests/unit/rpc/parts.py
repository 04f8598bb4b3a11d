"""Racks and regions in memory: records, duties that note what they hear, and a wire to pump."""

from __future__ import annotations

import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID

from attrs import define, evolve, field, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump
from zope.interface import implementer

from maasha.model.cluster import (
    InstanceId,
    Introduction,
    Move,
    Ownership,
    SystemId,
    Welcome,
    WorkerId,
)
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.orders import Act
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding, Probe
from maasha.model.sighting import Sighting, Watch
from maasha.model.stamp import Stamp
from maasha.rpc.credentials import Credential
from maasha.rpc.errors import RpcError
from maasha.rpc.extension import Extension
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts, RegionFacts
from maasha.rpc.rack_side import RackDuties, Session, join
from maasha.rpc.region_side import FindToken, RegionDuties, RegionFactory, no_tokens
from maasha.rpc.remote import RemoteRack
from maasha.rpc.socket_options import TCP_INFO
from maasha.rpc.tls import secure

T = TypeVar("T")

SECRET = bytes(range(16))
OTHER_SECRET = bytes(range(16, 32))
KEY_ROOT = bytes(range(32, 64))
INSTANCE = InstanceId(UUID("6f1c2a4e-3b5d-4c7f-8a90-b1c2d3e4f506"))
OTHER_INSTANCE = InstanceId(UUID("00000000-0000-4000-8000-000000000001"))
REGION = SystemId("4y3h7n")
WORKER = WorkerId(7)
EPOCH = Stamp(1, 4)
WELCOME = Welcome(SystemId("acdefg"), INSTANCE, REGION, WORKER, "b21hcGk=")
REGION_FACTS = RegionFacts(INSTANCE, REGION, "0.1.0", (SECRET,), KEY_ROOT)
RACK_FACTS = RackFacts("0.1.0", SECRET)
INTRODUCTION = Introduction("rack-1", "0.1.0")
REPORT = DhcpReport(serving=True, digest="ab" * 32, generation=EPOCH)
PLAN = DhcpPlan(EPOCH, "authoritative;\n", ("eth1",), ())
RACK_PEER = IPv4Address("TCP", "192.0.2.1", 40000)
REGION_PEER = IPv4Address("TCP", "192.0.2.9", 5250)


class Counter:
    """Nonces that differ, and that a test can foresee."""

    def __init__(self, start: int = 0) -> None:
        self.given = start

    def __call__(self) -> bytes:
        """Give the next 32 bytes."""
        self.given += 1
        return self.given.to_bytes(32, "big")


@define
class Desk:
    """A region's duties for one link: note the calls, answer what a test sets."""

    heard: list[object] = field(factory=list)
    ended: list[str] = field(factory=list)
    failure: Exception | None = None

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Note it."""
        self._note(report)

    async def report_dhcp6(self, report: DhcpReport) -> None:
        """Note it."""
        self._note(report, 6)

    async def report_leases(self, report: LeaseReport) -> int:
        """Note it and commit all."""
        self._note(report)
        return report.cursor

    async def report_interfaces(self, interfaces: tuple[Interface, ...]) -> None:
        """Note it."""
        self._note(interfaces)

    async def report_sightings(self, sightings: tuple[Sighting, ...]) -> None:
        """Note it."""
        self._note(sightings)

    async def report_acts(self, acts: tuple[Act, ...]) -> None:
        """Note them."""
        self._note(acts)

    async def report_pools(self, pools: tuple[PoolCount, ...]) -> None:
        """Note it."""
        self._note(pools)

    async def report_findings(self, findings: tuple[Finding, ...]) -> None:
        """Note it."""
        self._note(findings)

    async def claim(self, lost: Ownership) -> None:
        """Note it."""
        self._note(lost)

    async def lost(self, reason: str) -> None:
        """Note the end."""
        self.ended.append(reason)

    def _note(self, *what: object) -> None:
        if self.failure:
            raise self.failure
        self.heard.append(what if len(what) > 1 else what[0])


@define
class Door:
    """An admission that lets everyone in, or raises `failure`, when `ready` fires."""

    desk: Desk = field(factory=Desk)
    failure: Exception | None = None
    ready: Deferred[None] = field(factory=lambda: succeed(None))
    racks: list[RemoteRack] = field(factory=list)
    seen: list[tuple[Introduction, str]] = field(factory=list)
    credentials: list[Credential] = field(factory=list)
    worker: WorkerId = WORKER

    async def register(
        self, introduction: Introduction, rack: RemoteRack, remote: str, credential: Credential
    ) -> tuple[Welcome, RegionDuties]:
        """Take the rack in."""
        self.seen.append((introduction, remote))
        self.credentials.append(credential)
        self.racks.append(rack)
        await self.ready
        if self.failure:
            raise self.failure
        return evolve(WELCOME, worker=self.worker), self.desk


@define
class Hands:
    """A rack's duties: note the orders, answer what a test sets."""

    orders: list[tuple[object, ...]] = field(factory=list)
    failure: Exception | None = None

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Note it."""
        return self._note(worker, epoch)

    async def configure_dhcp(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Note it."""
        return self._note(worker, epoch, plan)

    async def change_hosts(
        self, worker: WorkerId, epoch: Stamp, generation: Stamp, hosts: str
    ) -> DhcpReport:
        """Note it."""
        return self._note(worker, epoch, generation, hosts)

    async def settle_dhcp6(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Note it."""
        return self._note(worker, epoch, 6)

    async def configure_dhcp6(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Note it."""
        return self._note(worker, epoch, plan, 6)

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Note it."""
        self._note(worker, epoch)

    async def migrate(self, link: Session, move: Move) -> WorkerId:
        """Note it."""
        worker = link.welcome.worker
        self._note(worker, move)
        return WorkerId(worker + 1)

    async def resume_dhcp(
        self, worker: WorkerId, epoch: Stamp, orders: tuple[int, ...], by: str
    ) -> DhcpReport:
        """Note it."""
        return self._note(worker, epoch, orders, by)

    async def look_out(self, worker: WorkerId, epoch: Stamp, watches: tuple[Watch, ...]) -> None:
        """Note it."""
        self._note(worker, epoch, watches)

    async def probe_networks(
        self, worker: WorkerId, epoch: Stamp, probes: tuple[Probe, ...]
    ) -> None:
        """Note it."""
        self._note(worker, epoch, probes)

    def _note(self, *order: object) -> DhcpReport:
        if self.failure:
            raise self.failure
        self.orders.append(order)
        return REPORT


@frozen
class Kernel:
    """A socket that says how many segments are unacknowledged, and how many ms ago one was not."""

    unacknowledged: int
    since: int

    def getsockopt(self, _level: int, option: int, _size: int) -> bytes:
        """Tell."""
        assert option == socket.TCP_INFO
        return TCP_INFO.pack(self.unacknowledged, self.since)


class Wire(FakeTransport):
    """A transport in memory; it can be aborted as TCP is, and be stuck as with a frozen peer."""

    aborted = False
    stuck = False
    width: int | None = None
    """Bytes that one pump moves at most."""
    kernel: Kernel | None = None

    def getHandle(self) -> Kernel | None:
        """Give what stands for a socket, if anything does."""
        return self.kernel

    def getOutBuffer(self) -> bytes:
        """Give what moves next."""
        waiting: bytes | None = super().getOutBuffer()
        if waiting and self.width is not None:
            self.stream = [waiting[self.width :]]
            return waiting[: self.width]
        return waiting or b""

    def abortConnection(self) -> None:
        """Drop what waits and close."""
        self.aborted = True
        self.stuck = False
        self.stream = []
        self.loseConnection()

    def flush_close(self) -> None:
        """Report the end to this side alone, as TCP does when the other side is frozen."""
        if self.disconnecting and not (self.disconnected or self.stuck):
            self.disconnected = True
            self.reportDisconnect()


@implementer(IStreamClientEndpoint)
class Line:
    """An endpoint that connects to a factory (or one protocol) in memory; `pump` moves bytes."""

    def __init__(self, far: IProtocolFactory | IProtocol, clock: Clock) -> None:
        self.far = far
        self.clock = clock
        self.pump: IOPump
        self.near: Wire
        self.distant: Wire

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Join the two ends."""
        near = factory.buildProtocol(REGION_PEER)
        assert near is not None
        self.attach(near)
        return succeed(near)

    def attach(self, near: IProtocol) -> None:
        """Join the two ends."""
        far = self._far_end()
        self.near = Wire(near, False, RACK_PEER, REGION_PEER)
        self.distant = Wire(far, True, REGION_PEER, RACK_PEER)
        self.pump = IOPump(near, far, self.near, self.distant, False, self.clock)
        far.makeConnection(self.distant)
        near.makeConnection(self.near)

    def _far_end(self) -> IProtocol:
        if not IProtocolFactory.providedBy(self.far):
            return self.far
        return self.far.buildProtocol(RACK_PEER) or Shut()

    def advance(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass on both ends while bytes move."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.pump.flush()


@define
class House:
    """A region and the way there."""

    clock: Clock
    door: Door
    refused: list[tuple[str, RpcError]]
    factory: RegionFactory
    line: Line
    ground: Ground
    tls: bool = False

    def join(
        self,
        facts: RackFacts = RACK_FACTS,
        introduction: Introduction = INTRODUCTION,
        duties: RackDuties | None = None,
        nonce: Callable[[], bytes] | None = None,
        extensions: Sequence[Extension] = (),
    ) -> Deferred[Session]:
        """Let a rack join and move all bytes that can move."""
        joining = ensureDeferred(
            join(
                self.ground,
                self.line,
                facts,
                lambda: introduction,
                duties or Hands(),
                nonce or Counter(1000),
                tls=self.tls,
                extensions=extensions,
            )
        )
        self.line.pump.flush()
        return joining

    def run(self, coroutine: Coroutine[Any, Any, T]) -> Deferred[T]:
        """Start a call and move all bytes that can move."""
        result = ensureDeferred(coroutine)
        self.line.pump.flush()
        return result


def house(
    facts: RegionFacts = REGION_FACTS,
    door: Door | None = None,
    tokens: FindToken = no_tokens,
    *,
    tls: bool = False,
    extensions: Sequence[Extension] = (),
) -> House:
    """Build a region that notes whom it refused."""
    clock, refused = Clock(), list[tuple[str, RpcError]]()
    ground = Ground(clock)
    door = door or Door()

    def note(remote: str, error: RpcError) -> None:
        refused.append((remote, error))

    factory = RegionFactory(
        ground, facts, door, Counter(), note, tokens=tokens, extensions=extensions
    )
    offered = secure(factory, clock) if tls else factory
    return House(clock, door, refused, factory, Line(offered, clock), ground, tls)


def value_of(deferred: Deferred[T]) -> T:
    """Give the result of a Deferred that has one now, or raise its error."""
    found: list[T | Failure] = []
    deferred.addBoth(found.append)
    [result] = found
    if isinstance(result, Failure):
        result.raiseException()
    return result


def error_of(deferred: Deferred[Any]) -> BaseException:
    """Give the error of a Deferred that has failed by now."""
    found: list[Failure] = []
    deferred.addCallbacks(lambda value: found.append(Failure(AssertionError(value))), found.append)
    [failure] = found
    assert failure.value is not None
    return failure.value


def waits(deferred: Deferred[Any]) -> bool:
    """Whether a Deferred has no result yet."""
    return not deferred.called


class Peer(Protocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Say so."""
        self.ended.callback(None)


class Shut(Protocol):
    """Stands for a connection that was closed as soon as it was there."""

    def connectionMade(self) -> None:
        """Close it."""
        assert self.transport is not None
        self.transport.loseConnection()


@implementer(ILogObserver)
class Listener:
    """Keeps every event of the log."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        """Keep it."""
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """The events as people read them."""
        return [formatEvent(event) for event in self.events]

    @property
    def failures(self) -> list[BaseException]:
        """The errors among the events."""
        return [event["log_failure"].value for event in self.events if "log_failure" in event]
