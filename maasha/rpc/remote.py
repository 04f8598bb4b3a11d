"""The other side as typed coroutines, one per command; nobody else calls over a link.

Every coroutine may raise, besides the errors that its command declares, whatever `Link.call` may.
`Ping` has none: links send it themselves.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from maasha.model.cluster import Introduction, Move, Ownership, Welcome
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.orders import Act
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding, Probe
from maasha.model.sighting import Sighting, Watch
from maasha.model.stamp import Stamp
from maasha.rpc import commands
from maasha.rpc.deadline import within
from maasha.rpc.handshake import Greeting, Hello, Proof
from maasha.rpc.protocol import DEADLINE, Link
from maasha.rpc.pulse import Health, RoundTrip
from maasha.rpc.versions import Versions

CONFIGURE_DEADLINE = 120.0
"""Seconds. dhcpd is checked (30), stopped (10) and started (15), and where that fails stopped and
started as before (25); what is left is for a pair's peers to be reached and for a slow link."""


class RemoteRack:
    """A rack, as the region's worker at the other end of its link sees it."""

    def __init__(self, link: Link, clock: IReactorTime) -> None:
        self._link = link
        self._clock = clock
        self._early: list[Deferred[None]] | None = []
        link.closed.addCallback(lambda _: self.open())

    @property
    def remote(self) -> str:
        """Where the rack is connected from, as host:port."""
        return self._link.remote

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look; it fires with the reason once the link has ended."""
        return self._link.closed

    @property
    def round_trip(self) -> RoundTrip | None:
        """How long one takes over this link, smoothed; None before the first."""
        return self._link.round_trip

    @property
    def health(self) -> Health:
        """What is thought of the rack; while it is suspect, calls wait."""
        return self._link.health

    async def own(self, epoch: Stamp, deadline: float = DEADLINE) -> DhcpReport:
        """Tell the rack that this worker acts for it from `epoch` on; raises StaleEpoch."""
        answer = await self.call(commands.Own, deadline, epoch=epoch)
        report: DhcpReport = answer["report"]
        return report

    async def configure_dhcp(
        self, epoch: Stamp, plan: DhcpPlan, deadline: float = CONFIGURE_DEADLINE
    ) -> DhcpReport:
        """Have the rack run a plan; raises StaleEpoch and DhcpRefused (the old plan runs on)."""
        answer = await self.call(commands.ConfigureDHCP, deadline, epoch=epoch, plan=plan)
        report: DhcpReport = answer["report"]
        return report

    async def resume_dhcp(
        self, epoch: Stamp, orders: tuple[int, ...], by: str, deadline: float = CONFIGURE_DEADLINE
    ) -> DhcpReport:
        """Have the rack end orders that it has from people; raises StaleEpoch and DhcpRefused."""
        answer = await self.call(commands.ResumeDHCP, deadline, epoch=epoch, orders=orders, by=by)
        report: DhcpReport = answer["report"]
        return report

    async def change_hosts(
        self, epoch: Stamp, generation: Stamp, hosts: str, deadline: float = CONFIGURE_DEADLINE
    ) -> DhcpReport:
        """Have the rack know these fixed hosts; raises StaleEpoch and DhcpRefused."""
        answer = await self.call(
            commands.ChangeHosts, deadline, epoch=epoch, generation=generation, hosts=hosts
        )
        report: DhcpReport = answer["report"]
        return report

    async def settle_dhcp6(self, epoch: Stamp, deadline: float = CONFIGURE_DEADLINE) -> DhcpReport:
        """Ask what the rack's DHCPv6 server runs when all orders are done; raises StaleEpoch."""
        answer = await self.call(commands.SettleDHCP6, deadline, epoch=epoch)
        report: DhcpReport = answer["report"]
        return report

    async def configure_dhcp6(
        self, epoch: Stamp, plan: DhcpPlan, deadline: float = CONFIGURE_DEADLINE
    ) -> DhcpReport:
        """Have the rack run a plan of DHCPv6; raises StaleEpoch and DhcpRefused."""
        answer = await self.call(commands.ConfigureDHCP6, deadline, epoch=epoch, plan=plan)
        report: DhcpReport = answer["report"]
        return report

    async def retire(self, epoch: Stamp, deadline: float = DEADLINE) -> None:
        """Tell a deleted rack to stop serving; raises StaleEpoch."""
        await self.call(commands.Retire, deadline, epoch=epoch)

    async def migrate(self, move: Move, deadline: float = DEADLINE) -> int | None:
        """Have the rack move this link; gives the new worker's id when that link stands.

        None where the link goes nowhere. Raises NotMoved.
        """
        answer = await self.call(commands.Migrate, deadline, move=move)
        worker: int | None = answer["worker"]
        return worker

    async def look_out(
        self, epoch: Stamp, watches: tuple[Watch, ...], deadline: float = DEADLINE
    ) -> None:
        """Have the rack watch these VLANs for other racks, and no others; raises StaleEpoch."""
        await self.call(commands.LookOut, deadline, epoch=epoch, watches=watches)

    async def probe_networks(
        self, epoch: Stamp, probes: tuple[Probe, ...], deadline: float = DEADLINE
    ) -> None:
        """Have the rack probe these VLANs for servers, and no others; raises StaleEpoch."""
        await self.call(commands.ProbeNetworks, deadline, epoch=epoch, probes=probes)

    def close(self, reason: str) -> Deferred[str]:
        """End the link politely, in bounded time; fires when it has ended."""
        return self._link.leave(reason)

    def abort(self, reason: str) -> None:
        """End the link at once."""
        self._link.abort(reason)

    def open(self) -> None:
        """Let calls through: the rack has its welcome, or the link has ended."""
        early, self._early = self._early or [], None
        for turn in early:
            turn.callback(None)

    async def call(
        self, command: type[commands.Call], deadline: float = DEADLINE, /, **arguments: Any
    ) -> dict[str, Any]:
        """Call the rack with whatever command, as soon as it has its welcome."""
        if self._early is not None:  # the rack takes no orders before it has its welcome
            turn: Deferred[None] = Deferred()
            self._early.append(turn)
            began = self._clock.seconds()
            await within(deadline, self._clock, command.__name__, turn)
            deadline -= self._clock.seconds() - began
        return await self._link.call(command, deadline, **arguments)


class RemoteDoor:
    """A region's worker that has not let this rack in yet: the handshake, step by step."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def hello(self, hello: Hello, deadline: float = DEADLINE) -> Greeting:
        """Introduce the rack; raises WrongVersion, WrongInstance and OutOfOrder."""
        answer = await self._link.call(
            commands.Hello,
            deadline,
            lowest=hello.spoken.lowest,
            highest=hello.spoken.highest,
            version=hello.version,
            system_id=hello.system_id or "",
            instance=hello.instance,
            credential=hello.credential.kind.value,
            token=hello.credential.token,
            nonce=hello.nonce,
        )
        spoken = Versions(answer.pop("lowest"), answer.pop("highest"))
        return Greeting(spoken=spoken, **answer)

    async def prove(self, proof: Proof, deadline: float = DEADLINE) -> Proof:
        """Give the rack's proof for the region's; raises WrongSecret, OutOfOrder, Unavailable."""
        answer = await self._link.call(commands.Prove, deadline, proof=proof.value)
        return Proof(answer["proof"])

    async def register(
        self, introduction: Introduction, deadline: float = DEADLINE
    ) -> tuple[Welcome, bytes | None]:
        """Ask to be taken in; gives the welcome and the rack's own key, sealed, if it has none.

        Raises what `commands.Register` declares.
        """
        answer = await self._link.call(commands.Register, deadline, introduction=introduction)
        return answer["welcome"], answer["key"]


class RemoteRegion:
    """A region's worker, as the rack at the other end of the link sees it."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def report_dhcp(self, report: DhcpReport, deadline: float = DEADLINE) -> None:
        """Tell what this rack's dhcpd does now; raises NotOwner and Unavailable."""
        await self._link.call(commands.ReportDHCP, deadline, report=report)

    async def report_dhcp6(self, report: DhcpReport, deadline: float = DEADLINE) -> None:
        """Tell what this rack's DHCPv6 server does now; raises NotOwner and Unavailable."""
        await self._link.call(commands.ReportDHCP6, deadline, report=report)

    async def report_leases(self, report: LeaseReport, deadline: float = DEADLINE) -> int:
        """Hand over changed leases and give the committed cursor; raises NotOwner, Unavailable."""
        answer = await self._link.call(commands.ReportLeases, deadline, report=report)
        cursor: int = answer["cursor"]
        return cursor

    async def report_interfaces(
        self, interfaces: tuple[Interface, ...], deadline: float = DEADLINE
    ) -> None:
        """Tell all interfaces of this rack; raises NotOwner and Unavailable."""
        await self._link.call(commands.ReportInterfaces, deadline, interfaces=interfaces)

    async def report_sightings(
        self, sightings: tuple[Sighting, ...], deadline: float = DEADLINE
    ) -> None:
        """Tell what this rack knows of others on its VLANs; raises NotOwner and Unavailable."""
        await self._link.call(commands.ReportSightings, deadline, sightings=sightings)

    async def report_acts(self, acts: tuple[Act, ...], deadline: float = DEADLINE) -> None:
        """Tell what people did on this rack's host; raises NotOwner and Unavailable."""
        await self._link.call(commands.ReportActs, deadline, acts=acts)

    async def report_pools(self, pools: tuple[PoolCount, ...], deadline: float = DEADLINE) -> None:
        """Tell what this rack can still hand out; raises NotOwner and Unavailable."""
        await self._link.call(commands.ReportPools, deadline, pools=pools)

    async def report_findings(
        self, findings: tuple[Finding, ...], deadline: float = DEADLINE
    ) -> None:
        """Tell which servers this rack knows of on its VLANs; raises NotOwner and Unavailable."""
        await self._link.call(commands.ReportFindings, deadline, findings=findings)

    async def claim(self, lost: Ownership, deadline: float = DEADLINE) -> None:
        """Ask to be taken over from an owner whose link is gone; raises NotOwner, Unavailable."""
        await self._link.call(commands.Claim, deadline, lost=lost)

    async def farewell(self, deadline: float = DEADLINE) -> int:
        """Ask for no more calls here; gives how many are under way, none: it makes no more."""
        answer = await self._link.call(commands.Farewell, deadline)
        calls: int = answer["calls"]
        return calls
