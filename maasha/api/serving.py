"""After a change of subnets or ranges: the VLAN can still be served, and its racks are told."""

from __future__ import annotations

from maasha.api.errors import Conflict
from maasha.db.networks import want_dhcp
from maasha.db.ranges import dynamic_ranges
from maasha.db.transaction import Transaction
from maasha.db.vlans import vlan
from maasha.model.network import VlanId


async def dhcp_changed(tx: Transaction, changed: VlanId) -> bool:
    """Have the VLAN's racks serve what is there now; gives whether there are any to wait for.

    They are those of another VLAN where it is relayed to one.

    Raises `Conflict`, so that all is rolled back, when DHCP is on and no dynamic range is left.
    """
    row = await vlan(tx, changed)
    served = row if row is None or row.relay is None else await vlan(tx, row.relay)
    if row is None or served is None or not served.dhcp_on:
        return False
    if not await dynamic_ranges(tx, row.id):
        off = "turn DHCP off there first (dhcp_on=false)"
        end = f"end the relay to VLAN {served.label} first (relay_vlan=)"
        raise Conflict(
            f"DHCP is on for VLAN {row.label} and this would take its last dynamic range; "
            f"{off if row.relay is None else end}, or make another range."
        )
    await want_dhcp(tx, served.racks)
    return True
