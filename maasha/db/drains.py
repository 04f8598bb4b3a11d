"""What people want emptied, and whether anything is done without a hand."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.events import clear_alarm, raise_alarm, record
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey

DrainId = NewType("DrainId", int)

OVERDUE = "drain.overdue"
BEGIN = """
insert into drain (region_id, slot, rack_id, by, expires, keep)
values (%(region)s, %(slot)s, %(rack)s, %(by)s,
    clock_timestamp() + make_interval(secs => %(seconds)s), %(keep)s)
on conflict (coalesce(region_id, 0), coalesce(slot, -1), coalesce(rack_id, 0))
do update set by = excluded.by, expires = excluded.expires, keep = excluded.keep
returning id
"""
LIST = """
select drain.*, region.hostname as region, rack.hostname as rack,
    expires < clock_timestamp() as overdue,
    (select count(*) from link join worker on worker.id = worker_id
     where worker.region_id = drain.region_id and (drain.slot is null or worker.slot = drain.slot)
    ) as remaining
from drain left join region on region.id = region_id left join rack on rack.id = rack_id
order by drain.id
"""
PAUSE = """
update instance set paused_by = %(by)s,
    paused_until = clock_timestamp() + make_interval(secs => %(seconds)s)
"""
PAUSED = """
select paused_by, paused_until from instance
where paused_by is not null and (paused_until is null or paused_until > clock_timestamp())
"""


@frozen
class Place:
    """What a drain empties: a region's row id, one slot of it, or a rack."""

    region: int | None = None
    slot: int | None = None
    rack: RackKey | None = None


@frozen
class DrainView:
    """A drain as people see it; `remaining` are the links that are still there."""

    id: DrainId
    what: str
    by: str
    since: datetime
    expires: datetime
    keep: bool
    overdue: bool
    remaining: int


@frozen
class PauseView:
    """Nothing is done without a hand until then (None: until somebody resumes)."""

    by: str
    until: datetime | None


async def begin_drain(
    tx: Transaction, who: str, place: Place, seconds: float, *, keep: bool
) -> DrainId:
    """Drain it for so long; one that is drained already counts anew from now on.

    `keep`: when the time is over it stays drained and an alarm says so, else it is undone.
    """
    values = {
        "region": place.region,
        "slot": place.slot,
        "rack": place.rack,
        "by": who,
        "seconds": seconds,
        "keep": keep,
    }
    drain = DrainId(await tx.value(BEGIN, values))
    (view,) = [each for each in await drains(tx) if each.id == drain]
    await record(tx, who, view.what, "drain.begun", "info", f"until {view.expires:%F %T} UTC")
    await notify(tx, Channel.PLACEMENT)
    return drain


async def end_drain(tx: Transaction, who: str, drain: DrainId, why: str = "") -> bool:
    """Undo a drain; False: there is no such one."""
    found = [each for each in await drains(tx) if each.id == drain]
    if not found:
        return False
    await tx.execute("delete from drain where id = %s", drain)
    await record(tx, who, found[0].what, "drain.ended", "info", why)
    await clear_alarm(tx, who, found[0].what, OVERDUE)
    await notify(tx, Channel.PLACEMENT)
    return True


async def expire_drains(tx: Transaction, who: str) -> None:
    """Undo what is over, or raise its alarm."""
    for each in await drains(tx):
        if each.overdue and each.keep:
            detail = f"drained by {each.by}; undo it or drain it anew"
            await raise_alarm(tx, who, each.what, OVERDUE, detail)
        elif each.overdue:
            await end_drain(tx, who, each.id, "its time is over")


async def drains(tx: Transaction) -> tuple[DrainView, ...]:
    """List the drains, the oldest first."""
    return tuple(_view(row) for row in await tx.rows(LIST))


async def pause(tx: Transaction, who: str, seconds: float | None) -> None:
    """Do nothing without a hand for so long (None: until somebody resumes)."""
    await tx.execute(PAUSE, {"by": who, "seconds": seconds})
    await record(tx, who, "instance", "placement.paused", "info")
    await notify(tx, Channel.PLACEMENT)


async def resume(tx: Transaction, who: str) -> bool:
    """End a pause; False: there is none."""
    ended = await tx.execute(
        "update instance set paused_by = null, paused_until = null where paused_by is not null"
    )
    if ended:
        await record(tx, who, "instance", "placement.resumed", "info")
        await notify(tx, Channel.PLACEMENT)
    return bool(ended)


async def paused(tx: Transaction) -> PauseView | None:
    """Give the pause that holds now."""
    row = await tx.one(PAUSED)
    return None if row is None else PauseView(row.paused_by, row.paused_until)


def _view(row: Row) -> DrainView:
    return DrainView(
        DrainId(row.id),
        _what(row),
        row.by,
        row.since,
        row.expires,
        row.keep,
        row.overdue,
        row.remaining,
    )


def _what(row: Row) -> str:
    if row.rack is not None:
        return f"rack:{row.rack}"
    return f"region:{row.region}" if row.slot is None else f"worker:{row.region}/{row.slot}"
