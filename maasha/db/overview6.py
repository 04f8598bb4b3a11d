"""DHCPv6 as people see it: what each rack runs of it, and which VLANs it is for."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from maasha.db.row import grouped
from maasha.db.situations6 import stretches
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import Stretch, VlanId
from maasha.model.stamp import NEVER, Stamp

FAMILIES = """
select distinct vlan_id, family(start_ip) as family
from iprange join subnet on subnet.id = subnet_id where managed and type = 'dynamic'
"""


@frozen
class ServiceView6:
    """A rack's part in a VLAN: the addresses that it was asked to hand out, and those it does."""

    vlan: VlanId
    asked: tuple[Stretch, ...]
    running: tuple[Stretch, ...]
    problem: str = ""
    """Why the rack cannot serve the VLAN, as found for generation `RackView6.judged`."""


@frozen
class RackView6:
    """A rack's DHCPv6; the fields are as those of `overview.RackView`."""

    running: Stamp = NEVER
    failed: Stamp = NEVER
    judged: Stamp = NEVER
    refusal: str = ""
    problem: str = ""
    serving: bool = False
    services: tuple[ServiceView6, ...] = ()

    def service(self, vlan: VlanId) -> ServiceView6 | None:
        """Give its part in a VLAN, None where it has none."""
        return next((each for each in self.services if each.vlan == vlan), None)


NOTHING = RackView6()
"""Of a rack that DHCPv6 has nothing to do with."""


async def racks6(tx: Transaction) -> Mapping[RackKey, RackView6]:
    """Read those of the racks that DHCPv6 has to do with."""
    rows = await tx.rows("select * from service6 order by vlan_id")
    services = grouped((row.rack_id, _service(row)) for row in rows)
    return {
        RackKey(row.rack_id): _rack(row, services[row.rack_id])
        for row in await tx.rows("select * from rack6")
    }


async def families(tx: Transaction) -> Mapping[VlanId, frozenset[int]]:
    """Give the address families (4, 6) of which VLANs have something to hand out."""
    found = grouped((VlanId(row.vlan_id), row.family) for row in await tx.rows(FAMILIES))
    return {vlan: frozenset(each) for vlan, each in found.items()}


def _service(row: Row) -> ServiceView6:
    return ServiceView6(
        VlanId(row.vlan_id), stretches(row.asked), stretches(row.running), row.problem
    )


def _rack(row: Row, services: tuple[ServiceView6, ...]) -> RackView6:
    return RackView6(
        running=Stamp(row.running_incarnation, row.running_counter),
        failed=Stamp(row.failed_incarnation, row.failed_counter),
        judged=Stamp(row.judged_incarnation, row.judged_counter),
        refusal=row.refusal,
        problem=row.problem,
        serving=row.serving,
        services=services,
    )
