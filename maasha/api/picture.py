"""The networks and the racks at one moment, from which VLANs are shown with their outcome."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from maasha.api.outcome import Outcome, outcome
from maasha.db.networks import Networks, networks
from maasha.db.overview import RackView, racks
from maasha.db.subnets import SubnetRow
from maasha.db.transaction import Transaction
from maasha.db.vlans import vlan
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
    return Picture(known, racks, {vlan.id: outcome(vlan, by_key) for vlan in known.vlans.values()})


async def read_around(tx: Transaction, held: SubnetRow) -> Picture:
    """Read no more than what one subnet and all in it are shown from."""
    row, seen = await vlan(tx, held.vlan), await racks(tx)
    return picture_of(Networks({}, {row.id: row} if row else {}, {held.id: held}), seen)


async def look_again(tx: Transaction, before: Picture, at: VlanId) -> Picture | None:
    """Read what has become of one VLAN and its racks; None: it is gone.

    Of the other networks the picture is as it was.
    """
    row, seen = await vlan(tx, at), await racks(tx)
    if row is None:
        return None
    known = evolve(before.networks, vlans={**before.networks.vlans, at: row})
    judged = outcome(row, {rack.name.key: rack for rack in seen})
    return Picture(known, seen, {**before.outcomes, at: judged})


async def read_picture(tx: Transaction) -> Picture:
    """Read it; for one moment's view the transaction is REPEATABLE READ."""
    return picture_of(await networks(tx), await racks(tx))
