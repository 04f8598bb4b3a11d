"""Subnets and the addresses in them that are taken."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from attrs import frozen

from maasha.db.transaction import Row, Transaction
from maasha.model.network import Network, SubnetId, VlanId

Address = IPv4Address | IPv6Address


@frozen
class SubnetRow:
    """A subnet of a VLAN; DHCP serves it while `managed`."""

    id: SubnetId
    vlan: VlanId
    name: str
    cidr: Network
    description: str = ""
    gateway: Address | None = None
    dns_servers: tuple[Address, ...] = ()
    managed: bool = True
    ntp_servers: tuple[Address, ...] = ()
    search_list: tuple[str, ...] = ()
    allow_dns: bool = True
    """Clients are told of the regions' name servers where there are no `dns_servers`."""


@frozen
class TakenAddress:
    """An address that a rack's interface has."""

    address: Address
    holder: str
    """For messages: `host:interface`."""


SELECT = "select * from subnet"


async def subnets(tx: Transaction) -> tuple[SubnetRow, ...]:
    """List the subnets by network."""
    return tuple(_subnet(row) for row in await tx.rows(f"{SELECT} order by cidr"))


async def subnet(tx: Transaction, wanted: SubnetId) -> SubnetRow | None:
    """Read a subnet by its id."""
    row = await tx.one(f"{SELECT} where id = %s", wanted)
    return _subnet(row) if row else None


async def subnet_of(tx: Transaction, cidr: Network) -> SubnetRow | None:
    """Read the subnet that is exactly this network."""
    row = await tx.one(f"{SELECT} where cidr = %s", cidr)
    return _subnet(row) if row else None


async def subnet_around(tx: Transaction, address: Address) -> SubnetRow | None:
    """Read the smallest subnet that holds an address."""
    row = await tx.one(
        f"{SELECT} where cidr >> %s::inet order by masklen(cidr) desc limit 1", address
    )
    return _subnet(row) if row else None


async def overlapping(
    tx: Transaction, cidr: Network, but: SubnetId | None
) -> tuple[SubnetRow, ...]:
    """List the subnets that share addresses with a network, save the one called `but`."""
    rows = await tx.rows(
        f"{SELECT} where cidr && %s::inet and id is distinct from %s order by cidr", cidr, but
    )
    return tuple(_subnet(row) for row in rows)


async def taken_addresses(tx: Transaction, within: SubnetId) -> tuple[TakenAddress, ...]:
    """List the racks' own addresses in a subnet."""
    rows = await tx.rows(
        """
        select host(address) as address, hostname || ':' || interface.name as holder
        from interface_address join interface on interface.id = interface_id
        join rack on rack.id = rack_id join subnet on subnet.id = %s
        where address <<= subnet.cidr and deleted is null
        order by interface_address.address, holder
        """,
        within,
    )
    return tuple(TakenAddress(ip_address(row.address), row.holder) for row in rows)


async def add_subnet(tx: Transaction, new: SubnetRow) -> SubnetId:
    """Add a subnet; the id in `new` is not used. Returns the id it got."""
    made = await tx.value(
        "insert into subnet (vlan_id, name, description, cidr, gateway_ip, dns_servers, managed, "
        "ntp_servers, search_list, allow_dns) values "
        "(%s, %s, %s, %s, %s, %s::inet[], %s, %s::inet[], %s::text[], %s) returning id",
        new.vlan,
        *_changeable(new),
    )
    return SubnetId(made)


async def store_subnet(tx: Transaction, changed: SubnetRow) -> None:
    """Write what can be changed of a subnet."""
    await tx.execute(
        "update subnet set name = %s, description = %s, cidr = %s, gateway_ip = %s, "
        "dns_servers = %s::inet[], managed = %s, ntp_servers = %s::inet[], "
        "search_list = %s::text[], allow_dns = %s where id = %s",
        *_changeable(changed),
        changed.id,
    )


async def remove_subnet(tx: Transaction, gone: SubnetId) -> None:
    """Remove a subnet; the caller has seen that nothing uses it."""
    await tx.execute("delete from subnet where id = %s", gone)


def _changeable(subnet: SubnetRow) -> tuple[object, ...]:
    return (
        subnet.name,
        subnet.description,
        subnet.cidr,
        subnet.gateway,
        list(subnet.dns_servers),
        subnet.managed,
        list(subnet.ntp_servers),
        list(subnet.search_list),
        subnet.allow_dns,
    )


def _subnet(row: Row) -> SubnetRow:
    return SubnetRow(
        id=SubnetId(row.id),
        vlan=VlanId(row.vlan_id),
        name=row.name,
        cidr=row.cidr,
        description=row.description,
        gateway=row.gateway_ip,
        dns_servers=tuple(row.dns_servers),
        managed=row.managed,
        ntp_servers=tuple(row.ntp_servers),
        search_list=tuple(row.search_list),
        allow_dns=row.allow_dns,
    )
