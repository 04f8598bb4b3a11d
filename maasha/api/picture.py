"""The networks and the racks at one moment, from which VLANs are shown with their outcome."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from attrs import Factory, evolve, frozen

from maasha.api.outcome import Outcome, outcome
from maasha.db.findings import Foreigners, foreign_servers
from maasha.db.networks import Networks, networks
from maasha.db.overview import RackView, racks
from maasha.db.resolvers import told_servers
from maasha.db.transaction import Transaction
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
    by_key = {rack.name.key: rack for rack in racks}
    return Picture(known, racks, {vlan.id: outcome(vlan, by_key) for vlan in known.vlans.values()})


async def read_picture(tx: Transaction) -> Picture:
    """Read it; for one moment's view the transaction is REPEATABLE READ."""
    picture = picture_of(await networks(tx), await racks(tx))
    foreign, region_dns = await foreign_servers(tx), await told_servers(tx)
    return evolve(picture, foreign=foreign, region_dns=region_dns)
