"""Who serves a VLAN through a relay, for as long as that may be so."""

from __future__ import annotations

from maasha.db.transaction import Transaction
from maasha.model.network import VlanId

RELAYING = """
select hostname from vlan
join service on service.vlan_id = coalesce(relay_vlan, relay_was)
join rack on rack.id = service.rack_id
where vlan.id = %s and (asked ->> 'duty' <> 'off' or running ->> 'duty' <> 'off')
and (relay_vlan is not null or (running_incarnation, running_counter)
    < (wanted_incarnation, wanted_counter))
order by hostname
"""


async def racks_relaying(tx: Transaction, vlan: VlanId) -> tuple[str, ...]:
    """Name the racks that serve a VLAN through its relay, or may still do so since that ended.

    A rack of the VLAN that it was relayed to stops with the generation that this gave it.
    """
    return tuple(row.hostname for row in await tx.rows(RELAYING, vlan))
