"""The append-only history; alarms are events that no later event has cleared."""

from __future__ import annotations

from maasha.db.locks import Lock, hold
from maasha.db.transaction import Row, Transaction
from maasha.model.event import Event, EventId, Severity

PAGE = 100

INSERT = """
insert into event (who, subject, kind, severity, detail, clears) values (%s, %s, %s, %s, %s, %s)
returning id
"""
OPEN = """
select * from event alarm where severity = 'alarm'
and not exists (select from event where event.clears = alarm.id)
"""
OPEN_OF = OPEN + " and subject = %s and kind = %s"
OPEN_ALL = OPEN + " order by id"
LIST = """
select * from event
where (%(before)s::bigint is null or id < %(before)s)
and (%(subject)s::text is null or subject = %(subject)s)
order by id desc limit %(limit)s
"""


async def record(
    tx: Transaction,
    who: str,
    subject: str,
    kind: str,
    severity: Severity,
    detail: str = "",
) -> EventId:
    """Write an event in the transaction of the change that it tells of."""
    return EventId(await tx.value(INSERT, who, subject, kind, severity, detail, None))


async def raise_alarm(
    tx: Transaction, who: str, subject: str, kind: str, detail: str = ""
) -> EventId | None:
    """Open an alarm; None if one of that subject and kind is open already."""
    await hold(tx, Lock.ALARM, f"{subject} {kind}")
    if await tx.one(OPEN_OF, subject, kind) is not None:
        return None
    return EventId(await tx.value(INSERT, who, subject, kind, "alarm", detail, None))


async def clear_alarm(
    tx: Transaction, who: str, subject: str, kind: str, detail: str = ""
) -> EventId | None:
    """End the open alarm of that subject and kind; None if there is none."""
    if await tx.one(OPEN_OF, subject, kind) is None:
        return None
    await hold(tx, Lock.ALARM, f"{subject} {kind}")
    alarm = await tx.one(OPEN_OF, subject, kind)
    if alarm is None:
        return None
    return EventId(await tx.value(INSERT, who, subject, kind, "info", detail, alarm.id))


async def open_alarms(tx: Transaction) -> tuple[Event, ...]:
    """List the open alarms, the oldest first."""
    return tuple(_event(row) for row in await tx.rows(OPEN_ALL))


async def history(
    tx: Transaction,
    *,
    before: EventId | None = None,
    subject: str | None = None,
    limit: int = PAGE,
) -> tuple[Event, ...]:
    """List events, the newest first; the last one's id is the next page's `before`."""
    rows = await tx.rows(LIST, {"before": before, "subject": subject, "limit": limit})
    return tuple(_event(row) for row in rows)


def _event(row: Row) -> Event:
    return Event(
        EventId(row.id),
        row.at,
        row.who,
        row.subject,
        row.kind,
        row.severity,
        row.detail,
        row.clears,
    )
