"""Reservations: addresses that DHCP gives to one client each, and to nobody else."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from attrs import frozen

from maasha.db.subnets import Address
from maasha.db.transaction import Row, Transaction
from maasha.model.network import Network, ReservationId, SubnetId, VlanId

PAGE = 1000
"""Reservations that are read where nobody says how many."""
SHOWN = 5
"""Of those that stand in the way of something: the first of them are named."""


@frozen
class ReservationRow:
    """The address of the client with this MAC (lower case, colons) on its subnet's VLAN."""

    id: ReservationId
    subnet: SubnetId
    address: Address
    mac: str
    hostname: str = ""
    """What DHCP tells the client that it is called; empty: nothing."""
    comment: str = ""

    def __str__(self) -> str:
        return f"reservation of {self.address} for {self.mac}"


@frozen
class ReservationQuery:
    """Which reservations to read, by address; an empty tuple lets all through."""

    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    macs: tuple[str, ...] = ()
    subnets: tuple[int, ...] = ()
    limit: int = PAGE
    offset: int = 0


SELECT = "select reservation.* from reservation"
LIST = f"""
{SELECT}
where (cardinality(%(addresses)s::inet[]) = 0 or ip = any(%(addresses)s::inet[]))
and (cardinality(%(macs)s::text[]) = 0 or mac = any(%(macs)s::text[]))
and (cardinality(%(subnets)s::bigint[]) = 0 or subnet_id = any(%(subnets)s::bigint[]))
order by ip limit %(limit)s offset %(offset)s
"""
OF_MAC = f"""
{SELECT} join subnet on subnet.id = subnet_id where mac = %s and vlan_id = %s order by ip
"""
STRANGERS = """
select reservation.* from reservation join subnet on subnet.id = subnet_id
where vlan_id = %s and subnet_id <> %s and mac in (
    select mac from reservation moved where moved.subnet_id = %s)
order by ip limit %s
"""


async def reservations(tx: Transaction, query: ReservationQuery) -> tuple[ReservationRow, ...]:
    """List a page of reservations by address."""
    values = {
        "addresses": list(query.addresses),
        "macs": list(query.macs),
        "subnets": list(query.subnets),
        "limit": query.limit,
        "offset": query.offset,
    }
    return tuple(_reservation(row) for row in await tx.rows(LIST, values))


async def reservation_of(tx: Transaction, wanted: ReservationId) -> ReservationRow | None:
    """Read a reservation."""
    row = await tx.one(f"{SELECT} where id = %s", wanted)
    return _reservation(row) if row else None


async def reserved_at(tx: Transaction, address: Address) -> ReservationRow | None:
    """Read the reservation of an address."""
    row = await tx.one(f"{SELECT} where ip = %s", address)
    return _reservation(row) if row else None


async def reserved_for(tx: Transaction, mac: str, on: VlanId) -> tuple[ReservationRow, ...]:
    """List the reservations of a MAC on a VLAN; the rules let it have one."""
    return tuple(_reservation(row) for row in await tx.rows(OF_MAC, mac, on))


async def reserved_within(
    tx: Transaction, start: Address, end: Address
) -> tuple[ReservationRow, ...]:
    """List the first reservations from one address to another, both included."""
    rows = await tx.rows(
        f"{SELECT} where ip between %s and %s order by ip limit %s", start, end, SHOWN
    )
    return tuple(_reservation(row) for row in rows)


async def reserved_in(tx: Transaction, within: SubnetId) -> tuple[ReservationRow, ...]:
    """List the first reservations of a subnet."""
    rows = await tx.rows(f"{SELECT} where subnet_id = %s order by ip limit %s", within, SHOWN)
    return tuple(_reservation(row) for row in rows)


async def reserved_outside(
    tx: Transaction, within: SubnetId, cidr: Network
) -> tuple[ReservationRow, ...]:
    """List the first reservations of a subnet that would not be hosts' addresses of `cidr`."""
    rows = await tx.rows(
        f"{SELECT} where subnet_id = %s and (not ip <<= %s::inet or masklen(%s::inet) < 31 and "
        "(ip = host(network(%s::inet))::inet or ip = host(broadcast(%s::inet))::inet)) "
        "order by ip limit %s",
        within,
        *[cidr] * 4,
        SHOWN,
    )
    return tuple(_reservation(row) for row in rows)


async def reserved_twice(
    tx: Transaction, moved: SubnetId, to: VlanId
) -> tuple[ReservationRow, ...]:
    """List the first reservations of a VLAN for MACs that a subnet which comes to it has too."""
    rows = await tx.rows(STRANGERS, to, moved, moved, SHOWN)
    return tuple(_reservation(row) for row in rows)


async def add_reservation(tx: Transaction, new: ReservationRow) -> ReservationId:
    """Add one; the id in `new` is not used. Returns the id it got."""
    made = await tx.value(
        "insert into reservation (subnet_id, ip, mac, hostname, comment) "
        "values (%s, %s, %s, %s, %s) returning id",
        *_changeable(new),
    )
    return ReservationId(made)


async def store_reservation(tx: Transaction, changed: ReservationRow) -> None:
    """Write what can be changed of one."""
    await tx.execute(
        "update reservation set subnet_id = %s, ip = %s, mac = %s, hostname = %s, comment = %s "
        "where id = %s",
        *_changeable(changed),
        changed.id,
    )


async def remove_reservation(tx: Transaction, gone: ReservationId) -> None:
    """Remove one."""
    await tx.execute("delete from reservation where id = %s", gone)


def _changeable(row: ReservationRow) -> tuple[object, ...]:
    return row.subnet, row.address, row.mac, row.hostname, row.comment


def _reservation(row: Row) -> ReservationRow:
    return ReservationRow(
        id=ReservationId(row.id),
        subnet=SubnetId(row.subnet_id),
        address=row.ip,
        mac=row.mac,
        hostname=row.hostname,
        comment=row.comment,
    )
