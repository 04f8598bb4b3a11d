"""The networks and the racks at one moment, from which VLANs are shown with their outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address

from attrs import Factory, evolve, frozen

from maasha.api.outcome import Outcome, outcome, relayed
from maasha.db.findings import Foreigners, foreign_servers
from maasha.db.networks import Networks, networks
from maasha.db.overview import RackView, racks
from maasha.db.resolvers import told_servers
from maasha.db.subnets import SubnetRow
from maasha.db.transaction import Transaction
from maasha.db.vlans import VlanRow, vlan
from maasha.model.network import VlanId


@frozen
class Picture:
    """All that the JSON of a network or a rack is made from."""

    networks: Networks
    racks: tuple[RackView, ...]
    outcomes: Mapping[VlanId, Outcome]
    foreign: Foreigners = Factory(dict)
    """DHCP servers that are none of ours."""
    region_dns: Mapping[VlanId, tuple[IPv4Address, ...]] = Factory(dict)
    """The regions' name servers of which clients are told."""


def picture_of(known: Networks, racks: tuple[RackView, ...]) -> Picture:
    """Judge each VLAN's DHCP once."""
    return Picture(known, racks, _outcomes(known.vlans, racks))


async def read_around(tx: Transaction, held: SubnetRow) -> Picture:
    """Read no more than what one subnet and all in it are shown from."""
    found, seen = await _vlans(tx, (held.vlan,)), await racks(tx)
    return await _with_finds(tx, picture_of(Networks({}, found, {held.id: held}), seen))


async def look_again(tx: Transaction, before: Picture, at: Collection[VlanId]) -> Picture | None:
    """Read what has become of some VLANs and their racks; None: one of them is gone.

    Of the other networks the picture is as it was.
    """
    found, seen = await _vlans(tx, at), await racks(tx)
    if not found.keys() >= set(at):
        return None
    known = evolve(before.networks, vlans={**before.networks.vlans, **found})
    outcomes = {**before.outcomes, **_outcomes(found, seen)}
    return await _with_finds(tx, Picture(known, seen, outcomes))


async def _vlans(tx: Transaction, wanted: Iterable[VlanId]) -> dict[VlanId, VlanRow]:
    """Read VLANs, and those that they are relayed to; one that is gone is left out."""
    found = {key: await vlan(tx, key) for key in wanted}
    relays = {row.relay for row in found.values() if row is not None and row.relay is not None}
    found.update({key: await vlan(tx, key) for key in relays})
    return {key: row for key, row in found.items() if row is not None}


def _outcomes(
    vlans: Mapping[VlanId, VlanRow], racks: tuple[RackView, ...]
) -> dict[VlanId, Outcome]:
    by_key = {rack.name.key: rack for rack in racks}
    found = {key: outcome(row, by_key) for key, row in vlans.items()}
    for key, row in vlans.items():
        if row.relay is not None:
            target = vlans[row.relay]
            found[key] = relayed(row, target, found[target.id], by_key)
    return found


async def read_picture(tx: Transaction) -> Picture:
    """Read it; for one moment's view the transaction is REPEATABLE READ."""
    return await _with_finds(tx, picture_of(await networks(tx), await racks(tx)))


async def _with_finds(tx: Transaction, picture: Picture) -> Picture:
    """Give it with what racks found out about servers on the VLANs."""
    foreign, region_dns = await foreign_servers(tx), await told_servers(tx)
    return evolve(picture, foreign=foreign, region_dns=region_dns)
