"""What an answer says of the size of a VLAN's pools."""

from __future__ import annotations

from maasha.api.standing_shapes import Network, advice_of
from maasha.db.pools import dynamic_addresses
from maasha.db.standing import read_standing
from maasha.db.transaction import Transaction
from maasha.db.vlans import vlan
from maasha.model.network import VlanId


async def advise(tx: Transaction, of: VlanId) -> list[str]:
    """Give it for a VLAN as it is now; nothing where DHCP is off."""
    row = await vlan(tx, of)
    home = row if row is None or row.relay is None else await vlan(tx, row.relay)
    if row is None or home is None or not home.dhcp_on:
        return []
    seen = await read_standing(tx, of)
    addresses = await dynamic_addresses(tx, of)
    return list(advice_of(Network(row, home, addresses.get(of, 0)), next(iter(seen.vlans), None)))
