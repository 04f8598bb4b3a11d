"""What a rack does when a region's worker asks: take an owner, run a DHCP plan, retire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.logger import Logger

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.orders import end
from maasha.dhcp.server import DhcpServer
from maasha.model.cluster import Move, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport, VlanRole
from maasha.model.network import VlanId
from maasha.model.probe import Probe
from maasha.model.sighting import Watch
from maasha.model.stamp import Stamp
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rpc.errors import DhcpRefused
from maasha.rpc.rack_side import Session


class Duties:
    """Answers the commands of every link; `owned` is told when another worker owns the rack.

    `migrate` moves a link, `probe` has VLANs probed. Before a plan is run the lookout leaves the
    ports that it needs.
    """

    log = Logger()

    def __init__(
        self,
        memory: Memory,
        obedience: Obedience,
        dhcp: DhcpServer,
        dhcp6: DhcpServer,
        lookout: Lookout,
        owned: Callable[[], None],
        migrate: Callable[[Session, Move], Awaitable[WorkerId | None]],
        probe: Callable[[Sequence[Probe]], None],
    ) -> None:
        self._memory = memory
        self._obedience = obedience
        self._dhcp = dhcp
        self._dhcp6 = dhcp6
        self._lookout = lookout
        self._coming: list[DhcpPlan] = []
        self._known_roles: tuple[VlanRole, ...] = ()
        self._known_pairs: frozenset[VlanId] = frozenset()
        self._owned = owned
        self._migrate = migrate
        self._probe = probe

    @property
    def paired(self) -> frozenset[VlanId]:
        """The VLANs on which dhcpd has a failover peer, now or by a plan that is being run."""
        roles = self._dhcp.roles
        if roles is not self._known_roles:  # each watched VLAN asks every second
            self._known_roles, self._known_pairs = roles, _paired(roles)
        if not self._coming:
            return self._known_pairs
        return self._known_pairs.union(*(_paired(plan.roles) for plan in self._coming))

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Obey this worker; raises StaleEpoch. Another database's orders end."""
        before = self._obedience.epoch.incarnation
        self._obedience.accept(worker, epoch)
        if epoch.incarnation != before:
            await self.look_no_more()
        self.log.info("worker {worker} owns this rack, epoch {epoch}", worker=worker, epoch=epoch)
        self._owned()
        return await self._dhcp.settled()

    async def configure_dhcp(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Run the plan; raises StaleEpoch, and DhcpRefused when what ran before still runs."""
        self._obedience.accept(worker, epoch)
        self._coming.append(plan)
        try:
            await self._lookout.give_up(_paired(plan.roles))
            return await self._dhcp.apply(plan)
        except PlanRefused as refused:
            raise DhcpRefused(str(refused)) from refused
        finally:
            self._coming.remove(plan)

    async def resume_dhcp(
        self, worker: WorkerId, epoch: Stamp, orders: tuple[int, ...], by: str
    ) -> DhcpReport:
        """End orders that people gave here, as `by` wants it; raises StaleEpoch and DhcpRefused."""
        self._obedience.accept(worker, epoch)
        self.log.info("{by} ends the orders {orders} by a region", by=by, orders=orders)
        try:
            await self._dhcp.order(lambda held: end(held.standing, set(orders)))
        except PlanRefused as refused:
            raise DhcpRefused(str(refused)) from refused
        return await self._dhcp.settled()

    async def change_hosts(
        self, worker: WorkerId, epoch: Stamp, generation: Stamp, hosts: str
    ) -> DhcpReport:
        """Know these fixed hosts; raises StaleEpoch, and DhcpRefused for what is none."""
        self._obedience.accept(worker, epoch)
        try:
            return await self._dhcp.change_hosts(generation, hosts)
        except PlanRefused as refused:
            raise DhcpRefused(str(refused)) from refused

    async def settle_dhcp6(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Say what DHCPv6 runs when all that was asked before is done; raises StaleEpoch."""
        self._obedience.accept(worker, epoch)
        return await self._dhcp6.settled()

    async def configure_dhcp6(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Run the plan beside DHCPv4's; raises StaleEpoch and DhcpRefused."""
        self._obedience.accept(worker, epoch)
        try:
            return await self._dhcp6.apply(plan)
        except PlanRefused as refused:
            raise DhcpRefused(str(refused)) from refused

    async def look_out(self, worker: WorkerId, epoch: Stamp, watches: tuple[Watch, ...]) -> None:
        """Watch these VLANs for other racks, and no others; raises StaleEpoch."""
        self._obedience.accept(worker, epoch)
        await self._lookout.watch(watches)

    async def probe_networks(
        self, worker: WorkerId, epoch: Stamp, probes: tuple[Probe, ...]
    ) -> None:
        """Probe these VLANs for servers, and no others; raises StaleEpoch."""
        self._obedience.accept(worker, epoch)
        self._probe(probes)

    async def look_no_more(self) -> None:
        """Watch and probe nothing, until somebody orders it anew."""
        self._probe(())
        await self._lookout.watch(())

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Stop serving: this rack was deleted; raises StaleEpoch."""
        self._obedience.accept(worker, epoch)
        await self.leave_instance()

    async def migrate(self, link: Session, move: Move) -> WorkerId | None:
        """Move the link that the order came over; raises NotMoved."""
        return await self._migrate(link, move)

    async def leave_instance(self) -> None:
        """Remember the deletion and stop dhcpd; only registering anew brings the rack back."""
        if not self._memory.retired:
            self.log.warn("this rack was deleted from its instance: its DHCP server stops")
        self._memory.retire()
        await self.look_no_more()
        await self.stop_serving()

    async def stop_serving(self) -> None:
        """Stop dhcpd of both families; raises PlanRefused where one cannot be stopped."""
        await self._dhcp.withdraw()
        await self._dhcp6.withdraw()


def _paired(roles: Sequence[VlanRole]) -> frozenset[VlanId]:
    return frozenset(entry.vlan for entry in roles if entry.role.paired)
