"""What people want emptied, and whether anything is done without a hand."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import NewType

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.events import clear_alarm, raise_alarm, record
from maasha.db.pairings import rename_pairs
from maasha.db.regions import WORKER_TTL
from maasha.db.transaction import Row, Transaction
from maasha.db.vlans import RackName
from maasha.model.cluster import RackKey, SystemId

DrainId = NewType("DrainId", int)

OVERDUE = "drain.overdue"
OF_RACK = "select id from drain where rack_id = %s"
BEGIN = """
insert into drain (region_id, slot, rack_id, by, expires, keep)
values (%(region)s, %(slot)s, %(rack)s, %(by)s,
    clock_timestamp() + make_interval(secs => %(seconds)s), %(keep)s)
on conflict (coalesce(region_id, 0), coalesce(slot, -1), coalesce(rack_id, 0))
do update set by = excluded.by, expires = excluded.expires, keep = excluded.keep
returning id
"""
LIST = """
with living as (
    select id, region_id, slot from worker
    where heartbeat > clock_timestamp() - make_interval(secs => %s)
)
select drain.*, region.hostname as region, rack.hostname as rack,
    coalesce(region.system_id, rack.system_id) as system_id,
    expires < clock_timestamp() as overdue,
    case when drain.rack_id is null
        then exists (select from living where living.region_id = drain.region_id
            and (drain.slot is null or living.slot = drain.slot))
        else exists (select from link join living on living.id = worker_id
            where link.rack_id = drain.rack_id) end as present,
    case when drain.rack_id is null
        then (select count(*) from link join worker on worker.id = worker_id
            where worker.region_id = drain.region_id
            and (drain.slot is null or worker.slot = drain.slot))
        else (select count(*) from service where service.rack_id = drain.rack_id
            and running->>'duty' <> 'off') end as remaining
from drain left join region on region.id = region_id left join rack on rack.id = rack_id
order by drain.id
"""
REGION = """
select id, system_id, hostname from region where %(name)s in (hostname, system_id)
order by hostname = %(name)s desc limit 1
"""
RACK = """
select id, system_id, hostname from rack
where deleted is null and %(name)s in (hostname, system_id)
order by hostname = %(name)s desc limit 1
"""
END = """
delete from drain where id = %s and (not %s or (expires < clock_timestamp() and not keep))
"""
PAUSE = """
update instance set paused_by = %(by)s,
    paused_until = clock_timestamp() + make_interval(secs => %(seconds)s)
returning paused_until
"""
HOLDS = "paused_by is not null and (paused_until is null or paused_until > clock_timestamp())"
PAUSED = f"select paused_by, paused_until from instance where {HOLDS}"  # noqa: S608  our own text
RESUME = f"update instance set paused_by = null, paused_until = null where {HOLDS}"  # noqa: S608  too
ABSENT = "its time is over, but it is not there: it stays drained until it comes back"


@frozen
class RegionName:
    """A region as the database, its JSON and people call it; `key` is its row's id."""

    key: int
    system_id: SystemId
    hostname: str


@frozen
class Place:
    """What a drain empties: a region's row id, one slot of it, or a rack."""

    region: int | None = None
    slot: int | None = None
    rack: RackKey | None = None


class Kind(Enum):
    """What is drained."""

    REGION = "region"
    WORKER = "worker"
    RACK = "rack"


@frozen
class DrainView:
    """A drain as people see it.

    `name` is a host name, of a worker with its slot: `region-1/0`; `system_id` is that of the
    region or rack. `remaining` are the links that are still there, of a rack the VLANs that it
    serves. `present`: some worker of it lives, or the rack has a link.
    """

    id: DrainId
    kind: Kind
    name: str
    system_id: SystemId
    by: str
    since: datetime
    expires: datetime
    keep: bool
    overdue: bool
    remaining: int
    present: bool

    @property
    def what(self) -> str:
        """What events call it: `region:region-1`."""
        return f"{self.kind.value}:{self.name}"


@frozen
class PauseView:
    """Nothing is done without a hand until then (None: until somebody resumes)."""

    by: str
    until: datetime | None


async def region_named(tx: Transaction, name: str) -> RegionName | None:
    """Find a region by its host name or system id."""
    row = await tx.one(REGION, {"name": name})
    return None if row is None else RegionName(row.id, SystemId(row.system_id), row.hostname)


async def rack_named(tx: Transaction, name: str) -> RackName | None:
    """Find a rack by its host name or system id."""
    row = await tx.one(RACK, {"name": name})
    return None if row is None else RackName(RackKey(row.id), SystemId(row.system_id), row.hostname)


async def drain_of(tx: Transaction, wanted: DrainId) -> DrainView | None:
    """Find a drain."""
    return next((each for each in await drains(tx) if each.id == wanted), None)


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
    drained = place.rack is not None and await tx.value(OF_RACK, place.rack) is not None
    drain = DrainId(await tx.value(BEGIN, values))
    if place.rack is not None and not drained:
        await rename_pairs(tx, who, place.rack, "its peer serves alone while it is drained")
    view = await drain_of(tx, drain)
    assert view is not None  # noqa: S101 -- it was written just now
    await record(tx, who, view.what, "drain.begun", "info", _until(view.expires))
    await clear_alarm(tx, who, view.what, OVERDUE)
    await notify(tx, Channel.PLACEMENT)
    return drain


async def end_drain(
    tx: Transaction, who: str, drain: DrainId, why: str = "", *, overdue: bool = False
) -> bool:
    """Undo a drain; False: there is no such one, or it was to be `overdue` and is not any more."""
    found = await drain_of(tx, drain)
    rack = await tx.value("select rack_id from drain where id = %s", drain)
    if found is None or not await tx.execute(END, drain, overdue):
        return False
    if rack is not None:
        await rename_pairs(tx, who, RackKey(rack), "it serves again, for its drain is over")
    await record(tx, who, found.what, "drain.ended", "info", why)
    await clear_alarm(tx, who, found.what, OVERDUE)
    await notify(tx, Channel.PLACEMENT)
    return True


async def end_drain_of(tx: Transaction, who: str, rack: RackKey) -> None:
    """Undo the drain of a rack that is deleted, if it has one: it does not come back."""
    drain = await tx.value(OF_RACK, rack)
    if drain is not None:
        await end_drain(tx, who, DrainId(drain), "the rack is deleted")


async def expire_drains(tx: Transaction, who: str) -> None:
    """Undo what is over, or raise its alarm; what is not there is not undone either."""
    for each in await drains(tx):
        if each.overdue and each.keep:
            detail = f"drained by {each.by}; undo it or drain it anew"
            await raise_alarm(tx, who, each.what, OVERDUE, detail)
        elif each.overdue and not each.present:
            await raise_alarm(tx, who, each.what, OVERDUE, ABSENT)
        elif each.overdue:
            await end_drain(tx, who, each.id, "its time is over", overdue=True)


async def drains(tx: Transaction) -> tuple[DrainView, ...]:
    """List the drains, the oldest first."""
    return tuple(_view(row) for row in await tx.rows(LIST, WORKER_TTL))


async def pause(tx: Transaction, who: str, seconds: float | None) -> None:
    """Do nothing without a hand for so long (None: until somebody resumes)."""
    until = await tx.value(PAUSE, {"by": who, "seconds": seconds})
    detail = _until(until) if until else "until somebody resumes"
    await record(tx, who, "instance", "placement.paused", "info", detail)
    await notify(tx, Channel.PLACEMENT)


async def resume(tx: Transaction, who: str) -> bool:
    """End a pause; False: there is none."""
    ended = await tx.execute(RESUME)
    if ended:
        await record(tx, who, "instance", "placement.resumed", "info")
        await notify(tx, Channel.PLACEMENT)
    return bool(ended)


async def paused(tx: Transaction) -> PauseView | None:
    """Give the pause that holds now."""
    row = await tx.one(PAUSED)
    return None if row is None else PauseView(row.paused_by, row.paused_until)


def _until(instant: datetime) -> str:
    return f"until {instant.astimezone(UTC):%F %T} UTC"


def _view(row: Row) -> DrainView:
    kind, name = _named(row)
    return DrainView(
        DrainId(row.id),
        kind,
        name,
        SystemId(row.system_id),
        row.by,
        row.since,
        row.expires,
        row.keep,
        row.overdue,
        row.remaining,
        row.present,
    )


def _named(row: Row) -> tuple[Kind, str]:
    if row.rack is not None:
        return Kind.RACK, row.rack
    return (
        (Kind.REGION, row.region) if row.slot is None else (Kind.WORKER, f"{row.region}/{row.slot}")
    )
