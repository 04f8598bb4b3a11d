"""A rack's surroundings in memory: sessions, a DHCP server and a network that tests command."""

from __future__ import annotations

from uuid import UUID

from attrs import define, evolve, field
from twisted.internet.defer import Deferred

from maasha.dhcp.counting import Pools
from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.hosts import fingerprint
from maasha.dhcp.plan import EMPTY, digest
from maasha.model.cluster import (
    Endpoint,
    EventLoop,
    InstanceId,
    Ownership,
    SystemId,
    Welcome,
    WorkerId,
)
from maasha.model.dhcp import DhcpPlan, DhcpReport, VlanRole
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding
from maasha.model.sighting import Sighting
from maasha.model.stamp import Stamp

INSTANCE = InstanceId(UUID(int=1))


def loop(region: str, worker: int) -> EventLoop:
    """Name a worker of a region."""
    return EventLoop(f"{region}:pid={worker}", (Endpoint("10.0.0.9", 5250 + worker),))


def welcome(worker: int, instance: InstanceId = INSTANCE) -> Welcome:
    """Give the answer of a worker to a registration."""
    return Welcome(SystemId("abc346"), instance, "region", WorkerId(worker), "c2VjcmV0")


@define(eq=False)
class Region:
    """The far end of a link: notes what it is told; `error`, where set, is what calls raise."""

    error: Exception | None = None
    calls: int = 0
    claims: list[Ownership] = field(factory=list)
    reports: list[DhcpReport] = field(factory=list)
    reports6: list[DhcpReport] = field(factory=list)
    leases: list[LeaseReport] = field(factory=list)
    known: int = 0
    """The highest number of a lease that it knew already."""
    lost: bool = False
    """Whether it knows nothing of what it acknowledged."""
    interfaces: list[tuple[Interface, ...]] = field(factory=list)
    sightings: list[tuple[Sighting, ...]] = field(factory=list)
    pools: list[tuple[PoolCount, ...]] = field(factory=list)
    findings: list[tuple[Finding, ...]] = field(factory=list)

    async def claim(self, lost: Ownership) -> None:
        """Be asked to take over."""
        self.claims.append(lost)
        self._answer()

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Take a report."""
        self._answer()
        self.reports.append(report)

    async def report_dhcp6(self, report: DhcpReport) -> None:
        """Take a report of DHCPv6."""
        self._answer()
        self.reports6.append(report)

    async def report_leases(self, report: LeaseReport) -> int:
        """Take leases."""
        self._answer()
        self.leases.append(report)
        return 0 if self.lost else max(report.cursor, self.known)

    async def report_interfaces(self, found: tuple[Interface, ...]) -> None:
        """Take interfaces."""
        self._answer()
        self.interfaces.append(found)

    async def report_sightings(self, sightings: tuple[Sighting, ...]) -> None:
        """Take what the rack knows of others."""
        self._answer()
        self.sightings.append(sightings)

    async def report_pools(self, pools: tuple[PoolCount, ...]) -> None:
        """Take how many addresses are left."""
        self._answer()
        self.pools.append(pools)

    async def report_findings(self, findings: tuple[Finding, ...]) -> None:
        """Take which servers the rack found."""
        self._answer()
        self.findings.append(findings)

    def _answer(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


@define(eq=False)
class Session:
    """An established link that a test can break."""

    welcome: Welcome
    remote: Region = field(factory=Region)
    left: bool = False
    aborted: bool = False
    idle: bool = True
    calls: int = 0
    """Of the region, under way."""
    agreed: bool = False
    begins_meanwhile: bool = False
    """Whether the rack makes a call while it says farewell."""
    refusal: Exception | None = None
    _ended: list[Deferred[str]] = field(factory=list)

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look."""
        waiting: Deferred[str] = Deferred()
        self._ended.append(waiting)
        return waiting

    async def farewell(self, _: float) -> bool:
        """Have no more calls made."""
        if self.refusal is not None:
            raise self.refusal
        if self.begins_meanwhile:
            self.idle = False
        self.agreed = not self.calls
        return self.agreed

    def leave(self, reason: str = "left") -> Deferred[str]:
        """End it politely."""
        self.left = True
        closed = self.closed
        self.break_off(reason)
        return closed

    def abort(self, reason: str) -> None:
        """End it at once."""
        self.aborted = True
        self.break_off(reason)

    def break_off(self, reason: str) -> None:
        """End it."""
        waiting, self._ended = self._ended, []
        for one in waiting:
            one.callback(reason)


@define(eq=False)
class Server:
    """A DHCP server in name only; `refusal`, where set, is what it says to every plan."""

    report: DhcpReport = field(factory=lambda: DhcpReport(serving=False))
    refusal: PlanRefused | None = None
    applied: list[DhcpPlan] = field(factory=list)
    released: bool = False
    pools: Pools = field(factory=dict)

    @property
    def roles(self) -> tuple[VlanRole, ...]:
        """What the last plan said."""
        return self.applied[-1].roles if self.applied else ()

    def disclose(self) -> DhcpReport:
        """Give the report."""
        return self.report

    async def resume(self) -> DhcpReport:
        """Begin."""
        return self.report

    async def settled(self) -> DhcpReport:
        """Give the report."""
        return self.report

    async def apply(self, plan: DhcpPlan) -> DhcpReport:
        """Run a plan."""
        if self.refusal is not None:
            raise self.refusal
        self.applied.append(plan)
        serving = bool(plan.interfaces)
        self.report = evolve(self.report, serving=serving, digest=digest(plan) if serving else "")
        return self.report

    async def change_hosts(self, generation: Stamp, hosts: str) -> DhcpReport:
        """Know other hosts."""
        if self.refusal is not None:
            raise self.refusal
        self.report = evolve(self.report, generation=generation, hosts=fingerprint(hosts))
        return self.report

    async def withdraw(self) -> None:
        """Stop for good."""
        await self.apply(EMPTY)

    async def release(self) -> None:
        """Let go."""
        self.released = True
