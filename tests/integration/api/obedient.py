"""Racks that do in the database what they are told, without a rack behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen

from maasha.db.overview import RackView, racks
from maasha.db.pool import Pool
from maasha.db.services import mark_running, record_refusal, record_report
from maasha.db.transaction import Transaction
from maasha.db.vlans import VlanRow, vlans_served_by
from maasha.model.cluster import RackKey
from maasha.model.dhcp import DhcpReport, Duty, PeerState, Role, VlanService
from maasha.model.network import VlanId
from maasha.model.stamp import Stamp


@frozen
class Obedient:
    """Carries out what is wanted of all racks; those in `broken` refuse it with a listing.

    A rack whose peer has taken over is off, and that one serves alone.
    """

    pool: Pool
    broken: tuple[RackKey, ...] = ()
    listing: str = ""

    async def carry_out(self) -> None:
        """Bring every rack to what it is to run."""
        everyone = await self.pool.run(racks)
        alone = frozenset(vlan for rack in everyone for vlan in rack.taken_over)
        for rack in everyone:
            if rack.running < rack.wanted and rack.failed != rack.wanted and not rack.taken_over:
                await self.pool.run(self._work(rack, alone))

    def _work(
        self, rack: RackView, alone: frozenset[VlanId]
    ) -> Callable[[Transaction], Awaitable[None]]:
        async def refuse(tx: Transaction) -> None:
            epoch = await _epoch(tx, rack)
            await record_refusal(tx, rack.name.key, epoch, rack.wanted, self.listing)

        async def run(tx: Transaction) -> None:
            served = await vlans_served_by(tx, rack.name.key)
            services = tuple(_service(rack, vlan, alone) for vlan in served if vlan.dhcp_on)
            report = DhcpReport(serving=bool(services), services=services)
            epoch = await _epoch(tx, rack)
            await record_report(tx, rack.name.key, epoch, report, settles=True)
            await mark_running(tx, rack.name.key, epoch, rack.wanted)

        return refuse if rack.name.key in self.broken else run


def _service(rack: RackView, vlan: VlanRow, alone: frozenset[VlanId]) -> VlanService:
    paired = vlan.secondary is not None and vlan.id not in alone
    first = Duty.PRIMARY if paired else Duty.SOLO
    duty = first if vlan.primary == rack.name or not paired else Duty.SECONDARY
    state = PeerState.NORMAL if paired else PeerState.UNKNOWN
    return VlanService(vlan.id, Role(duty), state, state)


async def _epoch(tx: Transaction, rack: RackView) -> Stamp:
    row = await tx.one("select * from rack where id = %s", rack.name.key)
    assert row is not None
    return Stamp(row.owner_incarnation, row.owner_counter)
