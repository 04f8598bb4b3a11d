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

    Raises `Conflict`, so that all is rolled back, when DHCP is on and no dynamic range is left.
    """
    row = await vlan(tx, changed)
    if row is not None and row.relay is not None:
        row = await vlan(tx, row.relay)
        if row is not None and row.dhcp_on:
            await want_dhcp(tx, row.racks)
            return True
    if row is None or not row.dhcp_on:
        return False
    if not await dynamic_ranges(tx, row.id):
        raise Conflict(
            f"DHCP is on for VLAN {row.label} and this would take its last dynamic range; turn "
            "DHCP off there first (dhcp_on=false), or make another range."
        )
    await want_dhcp(tx, row.racks)
    return True
