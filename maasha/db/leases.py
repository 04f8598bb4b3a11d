"""Leases as the racks report them, and the one that counts for each address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.hostname import dns_name
from maasha.model.lease import LIFECYCLE, BindingState, Lease, LeaseReport, normal_mac

COUNT = """
insert into lease_count (rack_id, sequence) values (%(rack)s, %(cursor)s)
on conflict (rack_id) do update
    set sequence = greatest(lease_count.sequence, excluded.sequence)
returning sequence
"""
"""Also keeps two batches of one rack apart, until the first is committed."""
COUNTED = "select sequence from lease_count where rack_id = %s"
UPSERT = """
insert into lease (rack_id, ip, state, mac, starts, ends, last_transaction, hostname, name, fixed,
    sequence)
select %(rack)s, * from unnest(%(ips)s::inet[], %(states)s::text[], %(macs)s::text[],
    %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(transactions)s::timestamptz[],
    %(hostnames)s::text[], %(names)s::text[], %(fixed)s::boolean[], %(sequences)s::bigint[])
on conflict (rack_id, ip) do update set state = excluded.state, mac = excluded.mac,
    starts = excluded.starts, ends = excluded.ends, hostname = excluded.hostname,
    last_transaction = excluded.last_transaction, name = excluded.name, fixed = excluded.fixed,
    sequence = excluded.sequence, lapsed = false, reported = clock_timestamp()
where excluded.sequence = 0 or lease.sequence <= excluded.sequence
"""
CURRENT = """
select newest.*, rack.hostname as peer,
    greatest(extract(epoch from now() - reported), 0)::float8 as age
from (
    select distinct on (ip) *,
        case when state = 'active' and ends <= now() then 'expired' else state end as current
    from lease where (cardinality(%(ips)s::inet[]) = 0 or ip = any(%(ips)s::inet[]))
    and (cardinality(%(macs)s::text[]) = 0
        or ip in (select ip from lease where mac = any(%(macs)s::text[])))
    and (cardinality(%(names)s::text[]) = 0
        or ip in (select ip from lease where name = any(%(names)s::text[])))
    order by ip, last_transaction desc nulls last,
        array_position(%(lifecycle)s::text[], state) desc, rack_id
) newest
join rack on rack.id = rack_id
where (cardinality(%(macs)s::text[]) = 0 or mac = any(%(macs)s::text[]))
and (cardinality(%(states)s::text[]) = 0 or current = any(%(states)s::text[]))
and (cardinality(%(peers)s::text[]) = 0 or rack.hostname = any(%(peers)s::text[]))
and (cardinality(%(names)s::text[]) = 0 or name = any(%(names)s::text[]))
and (%(fixed)s::boolean is null or fixed = %(fixed)s::boolean)
order by ip limit %(limit)s offset %(offset)s
"""
"""Whoever asks for a client is to have no other address sorted for him than those it ever had."""
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
    peers: tuple[str, ...] = ()
    """Host names of the racks that have the last word."""
    names: tuple[str, ...] = ()
    """Clients by the names that DNS takes, in lower case."""
    fixed: bool | None = None
    """Whether the address is a host's own; None: either."""
    limit: int = PAGE
    offset: int = 0


EVERYTHING = LeaseQuery()


@frozen
class KnownLease:
    """The lease that counts for an address, and the rack that has the last word on it."""

    rack: RackKey
    lease: Lease
    peer: str
    """That rack's host name."""
    age: float
    """Seconds since it said so."""
    name: str = ""
    """The client's host name, if DNS takes it."""


async def take(tx: Transaction, rack: RackKey, report: LeaseReport) -> int:
    """Take a report in and give the answer to it (see LeaseReport).

    To be called by the worker that `ownership.still_owns` the rack, in one transaction with that
    question.
    """
    known = int(await tx.value(COUNTED, rack) or 0)
    if known < report.acknowledged:
        return known
    if not report.leases:
        return max(known, report.cursor)
    known = int(await tx.value(COUNT, {"rack": rack, "cursor": report.cursor}))
    await upsert(tx, rack, report.leases)
    return known


async def upsert(tx: Transaction, rack: RackKey, leases: tuple[Lease, ...]) -> None:
    """Write what a rack says, its last word for each address; once or twice is the same.

    A word with a lower number than the one that is known of its address changes nothing, however
    late it comes; those without a number count in the order in which they come.
    """
    last = list({lease.ip: lease for lease in sorted(leases, key=_number)}.values())
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
            "peers": list(query.peers),
            "names": list(query.names),
            "fixed": query.fixed,
            "limit": query.limit,
            "offset": query.offset,
            "lifecycle": [state.value for state in LIFECYCLE],
        },
    )
    return tuple(
        KnownLease(RackKey(row.rack_id), _lease(row), row.peer, row.age, row.name) for row in rows
    )


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
        "macs": [normal_mac(lease.mac) for lease in leases],
        "starts": [lease.starts for lease in leases],
        "ends": [lease.ends for lease in leases],
        "transactions": [lease.last_transaction for lease in leases],
        "hostnames": [lease.hostname for lease in leases],
        "names": [dns_name(lease.hostname) for lease in leases],
        "fixed": [lease.fixed for lease in leases],
        "sequences": [lease.sequence for lease in leases],
    }


def _number(lease: Lease) -> int:
    return lease.sequence


def _lease(row: Row) -> Lease:
    return Lease(
        ip=row.ip,
        state=BindingState(row.current),
        mac=row.mac,
        starts=row.starts,
        ends=row.ends,
        last_transaction=row.last_transaction,
        hostname=row.hostname,
        fixed=row.fixed,
        sequence=row.sequence,
    )
