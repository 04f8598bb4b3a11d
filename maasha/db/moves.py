"""Puts a subnet on another VLAN, together with the interfaces that stand in it."""

from __future__ import annotations

from maasha.db.transaction import Transaction
from maasha.model.network import SubnetId, VlanId

MOVE_SUBNET = "update subnet set vlan_id = %s where id = %s"
MOVE_INTERFACES = """
update interface set vlan_id = %s from interface_address
where interface_id = interface.id and subnet_id = %s
"""
STRANDED = """
select hostname, fabric.name || '.' || coalesce(nullif(vid, 0)::text, 'untagged') as label
from vlan join fabric on fabric.id = fabric_id
join rack on rack.id in (primary_rack, secondary_rack)
where not exists (
    select from interface join interface_address on interface_id = interface.id
    where rack_id = rack.id and vlan_id = vlan.id and family(address) = 4
)
order by hostname, vlan.id
"""


async def move_subnet(tx: Transaction, moved: SubnetId, to: VlanId) -> tuple[str, ...]:
    """Move it; names (`rack on VLAN label`) the racks that cannot serve a VLAN any more by that.

    The caller rolls back where there are any.
    """
    before = await _stranded(tx)
    await tx.execute(MOVE_SUBNET, to, moved)
    await tx.execute(MOVE_INTERFACES, to, moved)
    return tuple(each for each in await _stranded(tx) if each not in before)


async def _stranded(tx: Transaction) -> tuple[str, ...]:
    rows = await tx.rows(STRANDED)
    return tuple(f"{row.hostname} on VLAN {row.label}" for row in rows)
