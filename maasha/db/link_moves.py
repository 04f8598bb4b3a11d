"""Moves of links: the leader begins them, the worker that holds the link has the rack do them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NewType

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import Endpoint, EventLoop, LinkId, RackKey, WorkerId
from maasha.model.codec import from_loose

MoveId = NewType("MoveId", int)

BEGIN = """
insert into link_move (rack_id, link_id, source, target, source_name, target_name, reason, deadline)
select link.rack_id, link.id, s.id, t.id, sr.hostname || '/' || s.slot,
    coalesce(tr.hostname || '/' || t.slot, ''), reason,
    clock_timestamp() + make_interval(secs => %(seconds)s)
from unnest(%(links)s::bigint[], %(targets)s::bigint[], %(reasons)s::text[])
    with ordinality wanted (link, target, reason, place)
join link on link.id = wanted.link
join worker s on s.id = link.worker_id join region sr on sr.id = s.region_id
left join worker t on t.id = wanted.target left join region tr on tr.id = t.region_id
where wanted.target is null or t.id is not null
order by place on conflict do nothing
"""
ASKED = """
select link_move.*, worker.pid, worker.endpoints, region.hostname,
    extract(epoch from deadline - clock_timestamp())::float8 as seconds
from link_move left join worker on worker.id = target left join region on region.id = region_id
where (target is null or worker.id is not null) and source = %s and ended is null
and deadline > clock_timestamp()
order by link_move.id
"""
END = """
update link_move set ended = clock_timestamp(), failure = %(failure)s
where id = %(move)s and ended is null
and (%(failure)s <> '' or not exists (select from link where id = link_id)) returning rack_id
"""
MOVED = """
update link set moved = clock_timestamp() where rack_id = %s and worker_id = %s
"""
ARRIVED = """
with arrived as (
    select link_move.id, link.id as link from link_move
    left join link on link.rack_id = link_move.rack_id and worker_id = target
    where ended is null and (target is null or link.id is not null)
    and (not exists (select from link where link.id = link_id)
        or (target is not null and deadline < clock_timestamp()))
), moved as (
    update link set moved = clock_timestamp() where id in (select link from arrived)
)
update link_move set ended = clock_timestamp() where id in (select id from arrived)
"""
"""Done, though nobody has said so: the worker that asked for it died, or has no database."""
OVERDUE = """
update link_move set ended = clock_timestamp(), failure = case
    when not exists (select from link where link.id = link_id) then 'the link ended by itself'
    when target is not null and not exists (select from worker where worker.id = target)
        then 'the new worker is gone'
    else 'no word of it in time' end
where ended is null and (deadline < clock_timestamp()
    or not exists (select from link where link.id = link_id)
    or (target is not null and not exists (select from worker where worker.id = target)))
"""
LIST = """
select link_move.*, hostname as rack from link_move join rack on rack.id = rack_id
where (%(before)s::bigint is null or link_move.id < %(before)s)
order by link_move.id desc limit %(limit)s
"""
PRUNE = "delete from link_move where begun < clock_timestamp() - make_interval(days => %s)"


@frozen
class Wanted:
    """A link that is to go to another worker (None: to be closed), and why, for people."""

    link: LinkId
    target: WorkerId | None
    reason: str


@frozen
class Asked:
    """A move that the worker of the link has the rack do; `seconds` are left for it.

    Without `to` the link is one too many: the rack gives it up.
    """

    id: MoveId
    rack: RackKey
    link: LinkId
    to: EventLoop | None
    seconds: float
    reason: str


@frozen
class MoveView:
    """A move as people see it: open (`ended` is None), done, or failed (`failure` says why)."""

    id: MoveId
    rack: str
    source: str
    target: str
    reason: str
    begun: datetime
    ended: datetime | None
    failure: str


async def begin_moves(tx: Transaction, wanted: Sequence[Wanted], seconds: float) -> int:
    """Write moves that are to be done within `seconds`, in their order; gives how many.

    A rack that moves already, and a link or worker that is gone, is passed over.
    """
    values: Mapping[str, object] = {
        "links": [each.link for each in wanted],
        "targets": [each.target for each in wanted],
        "reasons": [each.reason for each in wanted],
        "seconds": seconds,
    }
    begun = await tx.execute(BEGIN, values)
    if begun:
        await notify(tx, Channel.MOVES)
    return begun


async def asked_of(tx: Transaction, worker: WorkerId) -> tuple[Asked, ...]:
    """List the open moves of a worker's links, the oldest first."""
    return tuple(_asked(row) for row in await tx.rows(ASKED, worker))


async def end_move(
    tx: Transaction, move: MoveId, moved_to: WorkerId | None, failure: str = ""
) -> None:
    """Close a move; the new link, where it stands, stays for a while from now on.

    As long as the old link is still on record a move that went well is under way: else the rack
    would seem to have one too many. `end_overdue` closes it as soon as that is gone.
    """
    row = await tx.one(END, {"move": move, "failure": failure})
    if row is None:
        return
    if moved_to is not None:
        await tx.execute(MOVED, row.rack_id, moved_to)
    await notify(tx, Channel.RACKS, row.rack_id)


async def end_overdue(tx: Transaction) -> int:
    """Close the moves that nobody will end any more; gives how many."""
    return await tx.execute(ARRIVED) + await tx.execute(OVERDUE)


async def moves(
    tx: Transaction, *, before: MoveId | None = None, limit: int = 100
) -> tuple[MoveView, ...]:
    """List moves, the newest first; the last one's id is the next page's `before`."""
    rows = await tx.rows(LIST, {"before": before, "limit": limit})
    return tuple(_view(row) for row in rows)


async def prune_moves(tx: Transaction, days: int) -> int:
    """Forget moves that were begun longer ago; gives how many."""
    return await tx.execute(PRUNE, days)


def _asked(row: Row) -> Asked:
    to = None
    if row.target is not None:
        endpoints = from_loose(tuple[Endpoint, ...], row.endpoints)
        to = EventLoop(f"{row.hostname}:pid={row.pid}", endpoints)
    link, rack = LinkId(row.link_id), RackKey(row.rack_id)
    return Asked(MoveId(row.id), rack, link, to, row.seconds, row.reason)


def _view(row: Row) -> MoveView:
    return MoveView(
        MoveId(row.id),
        row.rack,
        row.source_name,
        row.target_name,
        row.reason,
        row.begun,
        row.ended,
        row.failure,
    )
