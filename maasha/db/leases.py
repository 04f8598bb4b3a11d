"""Leases as the racks report them, and the one that counts for each address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.lease import LIFECYCLE, BindingState, Lease

UPSERT = """
insert into lease (rack_id, ip, state, mac, starts, ends, last_transaction, hostname)
select %(rack)s, * from unnest(%(ips)s::inet[], %(states)s::text[], %(macs)s::text[],
    %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(transactions)s::timestamptz[],
    %(hostnames)s::text[])
on conflict (rack_id, ip) do update set state = excluded.state, mac = excluded.mac,
    starts = excluded.starts, ends = excluded.ends, hostname = excluded.hostname,
    last_transaction = excluded.last_transaction, reported = now()
"""
CURRENT = """
select * from (
    select distinct on (ip) rack_id, ip, mac, starts, ends, last_transaction, hostname,
        case when state = 'active' and ends <= now() then 'expired' else state end as state
    from lease where cardinality(%(ips)s::inet[]) = 0 or ip = any(%(ips)s::inet[])
    order by ip, last_transaction desc nulls last,
        array_position(%(lifecycle)s::text[], state) desc, rack_id
) newest
where (cardinality(%(macs)s::text[]) = 0 or mac = any(%(macs)s::text[]))
and (cardinality(%(states)s::text[]) = 0 or state = any(%(states)s::text[]))
order by ip limit %(limit)s offset %(offset)s
"""
PRUNE = """
delete from lease using rack where rack.id = rack_id and (
    not exists (select from subnet where ip <<= cidr)
    or (state <> 'active' or ends <= now()) and (deleted is not null or not exists (
        select from iprange where type = 'dynamic' and ip between start_ip and end_ip))
)
"""
PAGE = 1000
"""Leases that are read where nobody says how many."""


@frozen
class LeaseQuery:
    """Which leases to read, by address; an empty tuple lets all through."""

    ips: tuple[IPv4Address | IPv6Address, ...] = ()
    macs: tuple[str, ...] = ()
    states: tuple[BindingState, ...] = ()
    limit: int = PAGE
    offset: int = 0


EVERYTHING = LeaseQuery()


@frozen
class KnownLease:
    """The lease that counts for an address, and the rack that has the last word on it."""

    rack: RackKey
    lease: Lease


async def upsert(tx: Transaction, rack: RackKey, leases: tuple[Lease, ...]) -> None:
    """Write what a rack reports, its last word for each address; once or twice is the same.

    A rack's reports are to be written in the order in which it sends them: by the worker that
    `ownership.still_owns` it, in one transaction with that question.
    """
    last = list({lease.ip: lease for lease in leases}.values())
    if not last:
        return
    await tx.execute(UPSERT, {"rack": rack, **_columns(last)})
    await notify(tx, Channel.LEASES, rack)


async def current(tx: Transaction, query: LeaseQuery = EVERYTHING) -> tuple[KnownLease, ...]:
    """Give one lease per address, by address: of several racks' words the newest counts.

    The query is about that one: a state that an address no longer has lets nothing through.

    Newest is the client's last transaction, then the state that comes later in a lease's life.
    One that has ended by the database's clock is expired, whoever forgot to say so.
    """
    rows = await tx.rows(
        CURRENT,
        {
            "ips": list(query.ips),
            "macs": list(query.macs),
            "states": [state.value for state in query.states],
            "limit": query.limit,
            "offset": query.offset,
            "lifecycle": [state.value for state in LIFECYCLE],
        },
    )
    return tuple(KnownLease(RackKey(row.rack_id), _lease(row)) for row in rows)


async def prune(tx: Transaction) -> int:
    """Forget what is of no use after a subnet, a range or a rack has gone; gives how many rows.

    That is every word on an address in no subnet; and on one that nobody holds, where no range
    hands it out any more or the rack that said it was deleted.
    """
    return await tx.execute(PRUNE)


def _columns(leases: list[Lease]) -> dict[str, object]:
    return {
        "ips": [lease.ip for lease in leases],
        "states": [lease.state.value for lease in leases],
        "macs": [lease.mac for lease in leases],
        "starts": [lease.starts for lease in leases],
        "ends": [lease.ends for lease in leases],
        "transactions": [lease.last_transaction for lease in leases],
        "hostnames": [lease.hostname for lease in leases],
    }


def _lease(row: Row) -> Lease:
    return Lease(
        ip=row.ip,
        state=BindingState(row.state),
        mac=row.mac,
        starts=row.starts,
        ends=row.ends,
        last_transaction=row.last_transaction,
        hostname=row.hostname,
    )
