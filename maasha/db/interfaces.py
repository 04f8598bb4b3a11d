"""Racks' network interfaces as they report them, and the networks that they reveal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_interface

from attrs import evolve, frozen

from maasha.db.networks import lock_networks
from maasha.db.transaction import Row, Transaction
from maasha.db.vlans import VlanRow, add_vlan, vlan, vlan_of_vid
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey
from maasha.model.network import FabricId, Interface, Network, VlanId

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
insert into vlan (fabric_id, vid) select id, 0 from made returning fabric_id
"""
NEW_SUBNET = "insert into subnet (vlan_id, name, cidr) values (%s, %s, %s) returning id"
STORE = """
insert into interface (rack_id, name, mac, mtu, vid, parent, vlan_id)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (rack_id, name) do update
set mac = excluded.mac, mtu = excluded.mtu, vid = excluded.vid, parent = excluded.parent,
    vlan_id = coalesce(excluded.vlan_id, interface.vlan_id)
returning id, vlan_id
"""
STORED = """
select name, mac, mtu, vid, parent, coalesce(array_agg(address::text order by address)
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

    A network that nobody knew becomes a subnet, on the VLAN of the interface's other networks, or
    on the VLAN of the interface's VID in a new fabric ("fabric-N"); the interfaces that tag frames
    on one parent share its fabric. An interface that lost its addresses stays on its VLAN. Racks
    that serve DHCP with this one get a new generation to run.
    """
    wanted = tuple(sorted(interfaces, key=lambda interface: interface.name))
    if await stored_interfaces(tx, rack) == tuple(_plain(interface) for interface in wanted):
        return False
    await lock_networks(tx)
    fabrics: dict[str, FabricId] = {}
    for interface in sorted(wanted, key=lambda interface: interface.vid != 0):
        trunk = interface.parent or interface.name
        vlan = await _store(tx, rack, interface, fabrics.get(trunk))
        if vlan is not None and (not interface.vid or vlan.vid == interface.vid):
            fabrics.setdefault(trunk, vlan.fabric)
    names = [interface.name for interface in wanted]
    await tx.execute(
        "delete from interface where rack_id = %s and name <> all(%s::text[])", rack, names
    )
    await _outdate_services(tx, rack)
    return True


async def stored_interfaces(tx: Transaction, rack: RackKey) -> tuple[Interface, ...]:
    """Read a rack's interfaces by name, the addresses of each in order."""
    return tuple(_interface(row) for row in await tx.rows(STORED, rack))


async def _store(
    tx: Transaction, rack: RackKey, interface: Interface, fabric: FabricId | None
) -> VlanRow | None:
    """Write one; gives its VLAN as far as it is known. `fabric` is where a new VLAN belongs."""
    places = await _places(tx, interface, fabric)
    vlan_id = next((place.vlan for place in places.values()), None)
    row = await tx.one(STORE, rack, *_columns(interface), vlan_id)
    assert row is not None  # noqa: S101 -- "insert ... returning" gives the row or raises
    await _store_addresses(tx, row.id, interface, places)
    return None if row.vlan_id is None else await vlan(tx, row.vlan_id)


def _columns(interface: Interface) -> tuple[object, ...]:
    return interface.name, interface.mac, interface.mtu, interface.vid, interface.parent


async def _store_addresses(
    tx: Transaction, key: int, interface: Interface, places: Mapping[Network, Place]
) -> None:
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


async def _places(
    tx: Transaction, interface: Interface, fabric: FabricId | None
) -> dict[Network, Place]:
    """Give the subnet of each network, those made now included."""
    found = networks_of(interface)
    rows = await tx.rows(KNOWN, list(found))
    places = {row.cidr: Place(row.id, VlanId(row.vlan_id)) for row in rows}
    unseen = [network for network in found if network not in places]
    if not unseen:
        return places
    on = next(iter(places.values())).vlan if places else await _vlan_of(tx, interface.vid, fabric)
    for network in unseen:
        places[network] = Place(await tx.value(NEW_SUBNET, on, str(network), network), on)
    return places


async def _vlan_of(tx: Transaction, vid: int, fabric: FabricId | None) -> VlanId:
    """Give the VLAN that a VID means in a fabric, or in a new one."""
    within = FabricId(await tx.value(NEW_FABRIC)) if fabric is None else fabric
    known = await vlan_of_vid(tx, within, vid)
    return known.id if known else await add_vlan(tx, within, vid)


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
    return _plain(Interface(row.name, row.mac, tuple(addresses), row.mtu, row.vid, row.parent))
