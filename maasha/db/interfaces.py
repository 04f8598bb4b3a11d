"""Racks' network interfaces as they report them, and the networks that they reveal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_interface

from attrs import evolve, frozen

from maasha.db.networks import lock_networks
from maasha.db.transaction import Row, Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey
from maasha.model.network import Interface, Network, VlanId

SCOPE = re.compile("%[^/]*")
"""The zone of a link-local address (RFC 4007), which PostgreSQL's inet has no place for."""

KNOWN = """
select id, vlan_id, cidr from subnet where cidr = any(%s::cidr[]) order by id
"""
NEW_FABRIC = """
with name as (
    select 'fabric-' || coalesce(max(substring(name from '^fabric-([0-9]{1,9})$')::bigint) + 1, 0)
        as name from fabric
), made as (
    insert into fabric (name) select name from name returning id
)
insert into vlan (fabric_id, vid) select id, 0 from made returning id
"""
NEW_SUBNET = "insert into subnet (vlan_id, name, cidr) values (%s, %s, %s) returning id"
STORE = """
insert into interface (rack_id, name, mac, mtu, vlan_id) values (%s, %s, %s, %s, %s)
on conflict (rack_id, name) do update
set mac = excluded.mac, mtu = excluded.mtu, vlan_id = coalesce(excluded.vlan_id, interface.vlan_id)
returning id
"""
STORED = """
select name, mac, mtu, coalesce(array_agg(address::text order by address)
    filter (where address is not null), '{}') as addresses
from interface left join interface_address on interface_id = interface.id
where rack_id = %s group by interface.id order by name
"""
SERVED = """
select primary_rack, secondary_rack from vlan
where dhcp_on and %s in (primary_rack, secondary_rack)
"""


@frozen
class Place:
    """A known subnet and its VLAN."""

    subnet: int
    vlan: VlanId


def networks_of(interface: Interface) -> tuple[Network, ...]:
    """Give the networks that an interface stands in, in its addresses' order, each once.

    Loopback and link-local addresses and single hosts (/32, /128) reveal no network.
    """
    revealing = (
        address.network
        for address in interface.addresses
        if not address.ip.is_loopback
        and not address.ip.is_link_local
        and address.network.prefixlen < address.max_prefixlen
    )
    return tuple(dict.fromkeys(revealing))


async def store_interfaces(
    tx: Transaction, rack: RackKey, interfaces: tuple[Interface, ...]
) -> bool:
    """Write a rack's interfaces in place of those it had; False: nothing has changed.

    A network that nobody knew becomes a subnet, on the VLAN of the interface's other networks or
    on the untagged VLAN of a new fabric ("fabric-N"). An interface that lost its addresses stays
    on its VLAN. Racks that serve DHCP with this one get a new generation to run.
    """
    wanted = tuple(sorted(interfaces, key=lambda interface: interface.name))
    if await stored_interfaces(tx, rack) == tuple(_plain(interface) for interface in wanted):
        return False
    await lock_networks(tx)
    for interface in wanted:
        await _store(tx, rack, interface)
    names = [interface.name for interface in wanted]
    await tx.execute(
        "delete from interface where rack_id = %s and name <> all(%s::text[])", rack, names
    )
    await _outdate_services(tx, rack)
    return True


async def stored_interfaces(tx: Transaction, rack: RackKey) -> tuple[Interface, ...]:
    """Read a rack's interfaces by name, the addresses of each in order."""
    return tuple(_interface(row) for row in await tx.rows(STORED, rack))


async def _store(tx: Transaction, rack: RackKey, interface: Interface) -> None:
    places = await _places(tx, networks_of(interface))
    vlan = next((place.vlan for place in places.values()), None)
    key = await tx.value(STORE, rack, interface.name, interface.mac, interface.mtu, vlan)
    await tx.execute("delete from interface_address where interface_id = %s", key)
    for address in _plain(interface).addresses:
        place = places.get(address.network)
        await tx.execute(
            "insert into interface_address (interface_id, address, subnet_id)"
            " values (%s, %s::inet, %s)",
            key,
            address.with_prefixlen,
            place.subnet if place else None,
        )


async def _places(tx: Transaction, found: tuple[Network, ...]) -> dict[Network, Place]:
    """Give the subnet of each network, those made now included."""
    rows = await tx.rows(KNOWN, list(found))
    places = {row.cidr: Place(row.id, VlanId(row.vlan_id)) for row in rows}
    unseen = [network for network in found if network not in places]
    if not unseen:
        return places
    vlan = next(iter(places.values())).vlan if places else VlanId(await tx.value(NEW_FABRIC))
    for network in unseen:
        places[network] = Place(await tx.value(NEW_SUBNET, vlan, str(network), network), vlan)
    return places


async def _outdate_services(tx: Transaction, rack: RackKey) -> None:
    members: Iterable[int | None] = (key for row in await tx.rows(SERVED, rack) for key in row)
    await raise_wanted(tx, [RackKey(key) for key in members if key is not None])


def _plain(interface: Interface) -> Interface:
    """Give an interface as the database gives it back: each address once, in order, no scopes."""
    plain = {ip_interface(SCOPE.sub("", one.with_prefixlen)) for one in interface.addresses}
    order = sorted(plain, key=lambda one: (one.version, one.ip, one.network))
    return evolve(interface, addresses=tuple(order))


def _interface(row: Row) -> Interface:
    addresses = (ip_interface(text) for text in row.addresses)
    return _plain(Interface(row.name, row.mac, tuple(addresses), row.mtu))
