"""The networks and the racks at one moment, from which VLANs are shown with their outcome."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from maasha.api.outcome import Outcome, outcome, relayed
from maasha.db.networks import Networks, networks
from maasha.db.overview import RackView, racks
from maasha.db.transaction import Transaction
from maasha.model.network import VlanId


@frozen
class Picture:
    """All that the JSON of a network or a rack is made from."""

    networks: Networks
    racks: tuple[RackView, ...]
    outcomes: Mapping[VlanId, Outcome]


def picture_of(known: Networks, racks: tuple[RackView, ...]) -> Picture:
    """Judge each VLAN's DHCP once."""
    by_key = {rack.name.key: rack for rack in racks}
    found = {vlan.id: outcome(vlan, by_key) for vlan in known.vlans.values()}
    for vlan in known.vlans.values():
        if vlan.relay is not None:
            target = known.vlans[vlan.relay]
            found[vlan.id] = relayed(vlan, target, found[target.id], by_key)
    return Picture(known, racks, found)


async def read_picture(tx: Transaction) -> Picture:
    """Read it; for one moment's view the transaction is REPEATABLE READ."""
    return picture_of(await networks(tx), await racks(tx))
