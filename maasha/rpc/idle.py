"""The duties of controllers that have nothing to do with DHCP: guests, and clusters of others."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from maasha.model.cluster import Move, Ownership, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.orders import Act
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding, Probe
from maasha.model.sighting import Sighting, Watch
from maasha.model.stamp import NEVER, Stamp
from maasha.rpc.errors import DhcpRefused, NotMoved, NotOwner, StaleEpoch
from maasha.rpc.rack_side import Session


class IdleRack:
    """`RackDuties` of a rack without a DHCP server: it obeys its owner and refuses every work.

    `retired` is called when the region says that the rack was deleted.
    """

    def __init__(self, retired: Callable[[], None] = lambda: None) -> None:
        self._retired = retired
        self._owner = Ownership(WorkerId(0), NEVER)
        self._report = DhcpReport(serving=False)

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Obey this worker; raises StaleEpoch where a newer one owns the rack."""
        known = self._owner
        if epoch < known.epoch or (epoch == known.epoch and worker != known.worker):
            raise StaleEpoch(epoch, known.epoch)
        self._owner = Ownership(worker, epoch)
        return self._report

    async def configure_dhcp(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Take a plan that needs no server; raises StaleEpoch and DhcpRefused."""
        await self.own(worker, epoch)
        if plan.interfaces:
            raise DhcpRefused("this rack has no DHCP server: name another one for the VLAN")
        self._report = evolve(self._report, generation=plan.generation)
        return self._report

    async def resume_dhcp(
        self,
        worker: WorkerId,
        epoch: Stamp,
        orders: tuple[int, ...],  # noqa: ARG002  it takes none from people either
        by: str,  # noqa: ARG002
    ) -> DhcpReport:
        """Have no orders; raises StaleEpoch."""
        return await self.own(worker, epoch)

    async def change_hosts(
        self,
        worker: WorkerId,
        epoch: Stamp,
        generation: Stamp,
        hosts: str,  # noqa: ARG002  it has no server to tell of them
    ) -> DhcpReport:
        """Take note; raises StaleEpoch."""
        await self.own(worker, epoch)
        self._report = evolve(self._report, generation=generation)
        return self._report

    async def settle_dhcp6(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Run nothing; raises StaleEpoch."""
        await self.own(worker, epoch)
        return DhcpReport(serving=False)

    async def configure_dhcp6(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Take a plan that needs no server; raises StaleEpoch and DhcpRefused."""
        await self.own(worker, epoch)
        if plan.interfaces:
            raise DhcpRefused("this rack has no DHCP server: name another one for the VLAN")
        return DhcpReport(serving=False, generation=plan.generation)

    async def migrate(self, link: Session, move: Move) -> WorkerId:  # noqa: ARG002
        """Stay."""
        raise NotMoved("this rack does not move its links")

    async def look_out(
        self,
        worker: WorkerId,
        epoch: Stamp,
        watches: tuple[Watch, ...],  # noqa: ARG002  it serves no VLAN, alone or in a pair
    ) -> None:
        """Obey, and look out for nobody; raises StaleEpoch."""
        await self.own(worker, epoch)

    async def probe_networks(
        self,
        worker: WorkerId,
        epoch: Stamp,
        probes: tuple[Probe, ...],  # noqa: ARG002  likewise
    ) -> None:
        """Obey, and probe nothing; raises StaleEpoch."""
        await self.own(worker, epoch)

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Hear that the rack was deleted; raises StaleEpoch."""
        await self.own(worker, epoch)
        self._retired()


class IdleRegion:
    """`RegionDuties` of a worker that owns no rack and keeps nothing of what racks report.

    `ended` hears why the link is gone.
    """

    def __init__(self, ended: Callable[[str], None] = lambda _: None) -> None:
        self._ended = ended

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Let it pass."""

    async def report_dhcp6(self, report: DhcpReport) -> None:
        """Let it pass."""

    async def report_leases(self, report: LeaseReport) -> int:
        """Let them pass."""
        return report.cursor

    async def report_interfaces(self, interfaces: tuple[Interface, ...]) -> None:
        """Let them pass."""

    async def report_sightings(self, sightings: tuple[Sighting, ...]) -> None:
        """Let them pass."""

    async def report_acts(self, acts: tuple[Act, ...]) -> None:
        """Let them pass."""

    async def report_pools(self, pools: tuple[PoolCount, ...]) -> None:
        """Let them pass."""

    async def report_findings(self, findings: tuple[Finding, ...]) -> None:
        """Let them pass."""

    async def claim(self, lost: Ownership) -> None:  # noqa: ARG002  whatever was lost
        """Own nothing; raises NotOwner."""
        raise NotOwner(None)

    async def lost(self, reason: str) -> None:
        """Pass it on."""
        self._ended(reason)
