"""What the leader lets others see, and which vanished racks people know of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.events import record
from maasha.db.instance import SUBJECT
from maasha.db.locks import SPACE, Lock
from maasha.db.ownership import lock
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.codec import BadRecord, from_loose, to_json
from maasha.model.leader import Outlook

NOTE = """
with now as (
    select pg_backend_pid() as backend, %(outlook)s::jsonb as outlook, coalesce((
        select hostname || '/' || slot from worker join region on region.id = region_id
        where worker.id = %(worker)s), '') as worker
)
insert into leader (backend, worker, outlook) select backend, worker, outlook from now
where not exists (select from leader
    where (leader.backend, leader.worker, leader.outlook) = (now.backend, now.worker, now.outlook))
on conflict (single) do update set backend = excluded.backend, worker = excluded.worker,
    outlook = excluded.outlook, changed = excluded.changed
"""
"""Without the `where` it would write a version of the row with each look."""
READ = """
select leader.* from leader join pg_locks on pid = backend
where locktype = 'advisory' and granted and classid = %s and objid = %s and objsubid = 2
and database = (select oid from pg_database where datname = current_database())
"""
ACKNOWLEDGE = """
update instance set vanished_known = greatest(vanished_known, %s), vanished_known_by = %s
"""
ACKNOWLEDGE_RACKS = "update rack set vanished_known = %s where id = any(%s)"
KNOWN = """
select vanished_known, vanished_known_by from instance where vanished_known is not null
"""


@frozen
class LeaderView:
    """The worker that leads now (`region-1/0`), and what it saw since `changed`."""

    worker: str
    changed: datetime
    outlook: Outlook


@frozen
class Acknowledged:
    """Racks that vanished up to `until` are known to this person: they stop nothing."""

    by: str
    until: datetime


async def note_outlook(tx: Transaction, worker: WorkerId | None, outlook: Outlook) -> None:
    """Write what the leader sees, through its own session, if it is not what is written."""
    await tx.execute(NOTE, {"worker": worker, "outlook": to_json(outlook)})


async def leader(tx: Transaction) -> LeaderView | None:
    """Read what the leader sees; None: nobody leads, or has not looked yet.

    What one of another version wrote in another form is not read either.
    """
    row = await tx.one(READ, SPACE, Lock.LEADER.value)
    if row is None:
        return None
    try:
        return LeaderView(row.worker, row.changed, from_loose(Outlook, row.outlook))
    except BadRecord:
        return None


async def acknowledge(tx: Transaction, who: str, until: datetime) -> None:
    """Note that a person knows of all racks that vanished up to an instant."""
    await tx.execute(ACKNOWLEDGE, until, who)
    detail = f"racks that vanished up to {until.astimezone(UTC):%F %T} UTC are known"
    await record(tx, who, SUBJECT, "placement.acknowledged", "info", detail)
    await notify(tx, Channel.PLACEMENT)


async def acknowledge_racks(
    tx: Transaction, known: Acknowledged, racks: Mapping[RackKey, str]
) -> None:
    """Note that a person knows of these racks, told with their host names, that they vanished."""
    await lock(tx, sorted(racks))
    await tx.execute(ACKNOWLEDGE_RACKS, known.until, [*racks])
    detail = f"{', '.join(sorted(racks.values()))}: known to have vanished"
    await record(tx, known.by, SUBJECT, "placement.acknowledged", "info", detail)
    await notify(tx, Channel.PLACEMENT)


async def acknowledged(tx: Transaction) -> Acknowledged | None:
    """Give which racks are known to have vanished; None: nobody ever said so."""
    row = await tx.one(KNOWN)
    return None if row is None else Acknowledged(row.vanished_known_by, row.vanished_known)
