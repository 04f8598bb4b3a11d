"""What a balancing decision looks at: who holds which link, and who owns whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from maasha.db.regions import HEARTBEAT_INTERVAL, WORKER_TTL
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.model.placement import Link, Pair, Placement, Rack, UnderWay, Worker

WORKERS = """
select worker.id, system_id, capacity,
    heartbeat < clock_timestamp() - make_interval(secs => %(late)s) as late,
    leaving or endpoints = '[]' or exists (
        select from drain
        where drain.region_id = region.id and (slot is null or slot = worker.slot)
    ) as draining
from worker join region on region.id = region_id
where heartbeat > clock_timestamp() - make_interval(secs => %(ttl)s)
and (endpoints <> '[]' or exists (select from link where worker_id = worker.id))
order by worker.id
"""
LINKS = """
select link.id, rack_id, worker_id, moved from link join rack on rack.id = rack_id
where deleted is null and lost is null order by link.id
"""
RACKS = """
select id, owner, last_seen, vanished_known,
    exists (select from drain where rack_id = rack.id) as draining
from rack where deleted is null and lost is null order by id
"""
PAIRS = """
select distinct primary_rack, secondary_rack from vlan
where primary_rack is not null and secondary_rack is not null
order by primary_rack, secondary_rack
"""
UNDER_WAY = """
select link_id, rack_id, source, target, begun, ended is null as open, failure <> '' as failed
from link_move where ended is null or begun > clock_timestamp() - make_interval(secs => %s)
order by id
"""
AGES = {"late": 1.5 * HEARTBEAT_INTERVAL, "ttl": WORKER_TTL}
"""Seconds since the last heartbeat: overdue, and dead."""
LATELY = 600.0
"""Seconds for which a move that was begun is told of."""
NOTE_REST = 10.0
"""Seconds between two notes of evenness."""
NOTE = """
insert into evenness (ratio, links, workers)
select %(ratio)s, %(links)s, %(workers)s
where (%(ratio)s::float8, %(links)s, %(workers)s) is distinct from
    (select (ratio, links, workers) from evenness order by at desc limit 1)
and not exists (select from evenness where at > clock_timestamp() - make_interval(secs => %(rest)s))
"""
HISTORY = """
with since as (
    select coalesce(clock_timestamp() - make_interval(secs => %(seconds)s), '-infinity') as instant
)
select * from evenness where at >= coalesce(
    (select max(at) from evenness where at < (select instant from since)),
    (select instant from since)
)
and (%(before)s::timestamptz is null or at < %(before)s)
order by at desc limit %(limit)s
"""
WORKER_NAMES = """
select worker.id, hostname, slot from worker join region on region.id = region_id
order by hostname, slot
"""
RACK_NAMES = "select id, hostname from rack where deleted is null order by hostname"
PRUNE = "delete from evenness where at < clock_timestamp() - make_interval(days => %s)"


@frozen
class Found:
    """What is at `now`, by the database's clock; `last_heard` has all racks.

    `known` has those of which a person said that they are known to have vanished, up to when.
    """

    placement: Placement
    under_way: tuple[UnderWay, ...]
    last_heard: Mapping[RackKey, datetime]
    known: Mapping[RackKey, datetime]
    now: datetime


@frozen
class Evenness:
    """How even the cluster was from `at` on: the greatest load over the mean."""

    at: datetime
    ratio: float
    links: int
    workers: int


@frozen
class Seat:
    """A worker as people know it."""

    region: str
    """Host name."""
    slot: int

    def __str__(self) -> str:
        return f"{self.region}/{self.slot}"


@frozen
class Names:
    """What people call those in a placement, in the order of the names; dead workers too."""

    workers: Mapping[WorkerId, Seat]
    racks: Mapping[RackKey, str]


async def read_names(tx: Transaction) -> Names:
    """Read them, in the transaction that reads the placement."""
    workers = await tx.rows(WORKER_NAMES)
    racks = await tx.rows(RACK_NAMES)
    return Names(
        {WorkerId(row.id): Seat(row.hostname, row.slot) for row in workers},
        {RackKey(row.id): row.hostname for row in racks},
    )


async def read_placement(tx: Transaction) -> Found:
    """Read all of it, statement by statement.

    Moves come first: one that ends meanwhile is seen under way, with its links as they are then.
    """
    under_way = tuple(_under_way(row) for row in await tx.rows(UNDER_WAY, LATELY))
    workers = tuple(_worker(row) for row in await tx.rows(WORKERS, AGES))
    links = tuple(
        Link(LinkId(link), RackKey(rack), WorkerId(worker), moved)
        for link, rack, worker, moved in await tx.rows(LINKS)
    )
    racks = await tx.rows(RACKS)
    pairs = tuple(Pair(RackKey(one), RackKey(two)) for one, two in await tx.rows(PAIRS))
    now = await tx.value("select clock_timestamp()")
    heard = {RackKey(row.id): row.last_seen for row in racks}
    known = {RackKey(row.id): row.vanished_known for row in racks if row.vanished_known is not None}
    placement = Placement(workers, links, tuple(_rack(row) for row in racks), pairs)
    return Found(placement, under_way, heard, known, now)


async def note_evenness(
    tx: Transaction, ratio: float, links: int, workers: int, rest: float = NOTE_REST
) -> None:
    """Write how even it is, unless that is what was written last, or anything was just now."""
    values = {"ratio": ratio, "links": links, "workers": workers, "rest": rest}
    await tx.execute(NOTE, values)


async def evenness(
    tx: Transaction,
    *,
    before: datetime | None = None,
    seconds: float | None = None,
    limit: int = 100,
) -> tuple[Evenness, ...]:
    """List how even it was, the newest first; the last one's `at` is the next page's `before`.

    Of the last `seconds` only (None: of all time), with what held when they began.
    """
    rows = await tx.rows(HISTORY, {"before": before, "seconds": seconds, "limit": limit})
    return tuple(Evenness(row.at, row.ratio, row.links, row.workers) for row in rows)


async def prune_evenness(tx: Transaction, days: int) -> int:
    """Forget what was noted longer ago; gives how much."""
    return await tx.execute(PRUNE, days)


def _worker(row: Row) -> Worker:
    worker, region = WorkerId(row.id), SystemId(row.system_id)
    return Worker(worker, region, row.capacity, draining=row.draining, late=row.late)


def _rack(row: Row) -> Rack:
    owner = None if row.owner is None else WorkerId(row.owner)
    return Rack(RackKey(row.id), owner, draining=row.draining)


def _under_way(row: Row) -> UnderWay:
    link, rack, source = LinkId(row.link_id), RackKey(row.rack_id), WorkerId(row.source)
    target = None if row.target is None else WorkerId(row.target)
    return UnderWay(link, rack, source, target, row.begun, row.open, row.failed)
