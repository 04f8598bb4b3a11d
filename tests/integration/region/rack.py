"""Racks that obey as real ones do, with a DHCP server in name only behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, succeed

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.hosts import UNSURE, fingerprint
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.server import DhcpServer
from maasha.model.cluster import Introduction, Move, Welcome, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport, Duty, PeerState, Role, VlanRole, VlanService
from maasha.model.network import Interface
from maasha.model.probe import Probe
from maasha.model.sighting import Watch
from maasha.model.stamp import Stamp
from maasha.rack.duties import Duties
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.region.registration import Registration
from maasha.rpc.credentials import SHARED, Credential
from maasha.rpc.errors import LinkLost, NotMoved, NotOwner
from maasha.rpc.pulse import Health, RoundTrip
from maasha.rpc.rack_side import Session
from maasha.rpc.region_side import RegionDuties
from maasha.rpc.remote import RemoteRack
from tests.integration.db.cluster import interface
from tests.unit.rack.lookout.segment import nowhere


async def nothing() -> None:
    """Do it."""


@define(eq=False)
class Town:
    """All DHCP servers that can see each other, and what they did, in order."""

    servers: list[Server] = field(factory=list)
    moves: list[str] = field(factory=list)


@define(eq=False)
class Server:
    """Takes plans; as a failover peer it is *normal* as soon as the other half runs.

    `refusal`, where set, is what it says to every plan; `meanwhile` happens while it works on one.
    A `deaf` one takes no other hosts while it runs, and is `unsure` then until it is restarted.
    """

    name: str
    town: Town
    plan: DhcpPlan = EMPTY
    refusal: str = ""
    meanwhile: Callable[[], Awaitable[None]] = nothing
    deaf: bool = False
    unsure: bool = False

    @property
    def roles(self) -> tuple[VlanRole, ...]:
        """What runs now."""
        return self.plan.roles

    async def settled(self) -> DhcpReport:
        """Give the report."""
        return self.report

    async def apply(self, plan: DhcpPlan) -> DhcpReport:
        """Run a plan; raises PlanRefused."""
        await self.meanwhile()
        duties = ", ".join(entry.role.duty.value for entry in plan.roles) or "off"
        if self.refusal:
            self.town.moves.append(f"{self.name} refuses {duties}")
            raise PlanRefused("dhcpd refuses this configuration", self.refusal)
        self.plan, self.unsure = plan, False
        self.town.moves.append(f"{self.name} {duties}")
        return self.report

    async def change_hosts(self, generation: Stamp, hosts: str) -> DhcpReport:
        """Know other hosts, or be deaf; raises PlanRefused."""
        await self.meanwhile()
        if self.refusal:
            raise PlanRefused("these hosts cannot be kept", self.refusal)
        if self.deaf:
            self.unsure = True
        else:
            self.plan = evolve(self.plan, generation=generation, hosts=hosts)
            self.unsure = False
        self.town.moves.append(f"{self.name} {'is deaf' if self.deaf else 'hosts'}")
        return self.report

    async def withdraw(self) -> None:
        """Stop for good; raises PlanRefused."""
        await self.apply(EMPTY)

    @property
    def report(self) -> DhcpReport:
        """What runs now."""
        serving = bool(self.plan.interfaces)
        return DhcpReport(
            serving=serving,
            digest=digest(self.plan) if serving else "",
            generation=self.plan.generation,
            services=tuple(
                VlanService(entry.vlan, entry.role, *self._states(entry.role))
                for entry in self.plan.roles
            ),
            lease_store="the first",
            hosts=UNSURE if self.unsure else fingerprint(self.plan.hosts),
        )

    def _states(self, role: Role) -> tuple[PeerState, PeerState]:
        if not role.paired:
            return PeerState.UNKNOWN, PeerState.UNKNOWN
        names = [
            entry.role.peer_name
            for server in self.town.servers
            if server is not self
            for entry in server.plan.roles
        ]
        if role.peer_name in names:
            return PeerState.NORMAL, PeerState.NORMAL
        alone = PeerState.COMMUNICATIONS_INTERRUPTED
        mine = alone if role.duty is Duty.PRIMARY else PeerState.RECOVER
        return mine, PeerState.UNKNOWN


@define(eq=False)
class Six:
    """A DHCPv6 server in name only; `refusal`, where set, is what it says to every plan."""

    plan: DhcpPlan = EMPTY
    refusal: str = ""

    async def settled(self) -> DhcpReport:
        """Give the report."""
        return self.report

    async def apply(self, plan: DhcpPlan) -> DhcpReport:
        """Run a plan; raises PlanRefused."""
        if self.refusal:
            raise PlanRefused("dhcpd refuses this configuration", self.refusal)
        self.plan = plan
        return self.report

    async def withdraw(self) -> None:
        """Stop for good."""
        self.plan = EMPTY

    @property
    def report(self) -> DhcpReport:
        """What runs now."""
        serving = bool(self.plan.interfaces)
        return DhcpReport(
            serving=serving,
            digest=digest(self.plan) if serving else "",
            generation=self.plan.generation,
            services=tuple(VlanService(entry.vlan, entry.role) for entry in self.plan.roles),
        )


@define(eq=False)
class Line:
    """A link to a rack, answered in the same turn; `error`, where set, is what every call raises.

    As a `RemoteRack` it lets no call through before the rack has its welcome: nobody here waits
    before that.
    """

    rack: Rack
    remote: str = "192.0.2.9:40000"
    worker: WorkerId = field(default=WorkerId(0))
    orders: list[str] = field(factory=list)
    closed_with: str = ""
    error: Exception | None = None
    round_trip: RoundTrip | None = None
    health: Health = Health.HEALTHY

    _ended: list[Deferred[str]] = field(factory=list)

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look; it fires where the rack moves the link."""
        waiting: Deferred[str] = Deferred()
        self._ended.append(waiting)
        return waiting

    def end(self, reason: str) -> None:
        """End it, for the rack."""
        for waiting in self._ended:
            waiting.callback(reason)

    async def own(self, epoch: Stamp) -> DhcpReport:
        """Pass it on."""
        self._take("own")
        return await self.rack.duties.own(self.worker, epoch)

    async def configure_dhcp(self, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Pass it on."""
        self._take("configure")
        return await self.rack.duties.configure_dhcp(self.worker, epoch, plan)

    async def change_hosts(self, epoch: Stamp, generation: Stamp, hosts: str) -> DhcpReport:
        """Pass it on."""
        self._take("change hosts")
        return await self.rack.duties.change_hosts(self.worker, epoch, generation, hosts)

    async def settle_dhcp6(self, epoch: Stamp) -> DhcpReport:
        """Pass it on."""
        self._take("settle6")
        return await self.rack.duties.settle_dhcp6(self.worker, epoch)

    async def configure_dhcp6(self, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Pass it on."""
        self._take("configure6")
        return await self.rack.duties.configure_dhcp6(self.worker, epoch, plan)

    async def retire(self, epoch: Stamp) -> None:
        """Pass it on."""
        self._take("retire")
        await self.rack.duties.retire(self.worker, epoch)

    async def migrate(self, move: Move, _: float) -> int | None:
        """Pass it on."""
        self._take("migrate")
        return await self.rack.duties.migrate(cast(Session, self), move)

    async def resume_dhcp(self, epoch: Stamp, orders: tuple[int, ...], by: str) -> DhcpReport:
        """Pass it on."""
        self._take("resume dhcp")
        return await self.rack.duties.resume_dhcp(self.worker, epoch, orders, by)

    async def look_out(self, epoch: Stamp, watches: tuple[Watch, ...], _: float) -> None:
        """Pass it on, and note it."""
        self._take("look out")
        await self.rack.duties.look_out(self.worker, epoch, watches)
        self.rack.watches = watches

    async def probe_networks(self, epoch: Stamp, probes: tuple[Probe, ...], _: float) -> None:
        """Pass it on, and note it."""
        self._take("probe networks")
        await self.rack.duties.probe_networks(self.worker, epoch, probes)
        self.rack.probes = probes

    def close(self, reason: str) -> Deferred[str]:
        """End the link, for this side."""
        self.closed_with = reason
        return succeed(reason)

    def _take(self, order: str) -> None:
        self.orders.append(order)
        if self.error is not None:
            raise self.error


class Rack:
    """A rack host; its links are made by `join`, its reports sent by `tell`."""

    def __init__(self, folder: Path, hostname: str, town: Town, *addresses: str) -> None:
        self.hostname = hostname
        self.server = Server(hostname, town)
        town.servers.append(self.server)
        self.six = Six()
        self.memory = Memory(folder, folder / "secret")
        self.obedience = Obedience(self.memory)
        self.interfaces: tuple[Interface, ...] = (
            (interface("eth1", *addresses),) if addresses else ()
        )
        self.duties = Duties(
            self.memory,
            self.obedience,
            cast(DhcpServer, self.server),
            cast(DhcpServer, self.six),
            Lookout(nowhere(), frozenset, lambda: None),
            lambda: None,
            self.move,
            lambda _: None,
        )
        self.moved: list[tuple[WorkerId, Move]] = []
        self.moves_to: Registration | None = None
        self.watches: tuple[Watch, ...] = ()
        self.probes: tuple[Probe, ...] = ()
        self.desks: dict[WorkerId, RegionDuties] = {}
        self.lines: dict[WorkerId, Line] = {}
        self.told: DhcpReport | None = None

    @property
    def introduction(self) -> Introduction:
        """What it says of itself; it forgets to say whom it obeyed."""
        return Introduction(
            self.hostname,
            "0.1.0",
            self.memory.system_id,
            interfaces=self.interfaces,
            serving=self.server.report.serving,
            registration=self.memory.registration or "",
        )

    async def join(
        self,
        registration: Registration,
        line: Line | None = None,
        credential: Credential = SHARED,
    ) -> Welcome:
        """Make a link to a worker; raises what the worker refuses it with."""
        line = line or Line(self)
        remote = cast(RemoteRack, line)
        welcome, desk = await registration.register(
            self.introduction, remote, line.remote, credential
        )
        line.worker = welcome.worker
        self.memory.belong(welcome.system_id, welcome.instance)
        self.desks[welcome.worker], self.lines[welcome.worker] = desk, line
        return welcome

    async def tell(self) -> bool:
        """Report to the owner what has changed; whether there was anything."""
        owner, report = self.obedience.owner, self.server.report
        if owner is None or report == self.told:
            return False
        try:
            await self.desks[owner.worker].report_dhcp(report)
        except (NotOwner, LinkLost):
            return False
        self.told = report
        return True

    async def move(self, link: Session, move: Move) -> WorkerId | None:
        """Move a link, if a test has said to whom, or give it up."""
        worker = cast(Line, link).worker
        self.moved.append((worker, move))
        if move.to is None:
            await self._lose(worker)
            return None
        if self.moves_to is None:
            raise NotMoved("it stays")
        welcome = await self.join(self.moves_to)
        if self.obedience.owner is not None and self.obedience.owner.worker == worker:
            await self.desks[welcome.worker].claim(self.obedience.owner)
        await self._lose(worker)
        return welcome.worker

    async def _lose(self, worker: WorkerId) -> None:
        await self.desks.pop(worker).lost("moved")
        self.lines.pop(worker).end("moved")

    def obey(self, epoch: Stamp) -> None:
        """Let it have obeyed an epoch that no region here knows."""
        self.memory.obey(epoch)
