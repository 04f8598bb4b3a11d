"""The append-only history; alarms are events that no later event has cleared."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.db.locks import Lock, hold
from maasha.db.transaction import Row, Transaction
from maasha.model.event import Event, EventId, Severity

PAGE = 100
CHANGED = "it has changed: see the alarm that follows"

INSERT = """
insert into event (who, subject, kind, severity, detail, clears) values (%s, %s, %s, %s, %s, %s)
returning id
"""
INSERT_ALL = """
insert into event (who, subject, kind, severity, detail)
select %s, subject, %s, %s, detail from unnest(%s::text[], %s::text[]) told (subject, detail)
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
    clears: EventId | None = None,
) -> EventId:
    """Write an event in the transaction of the change that it tells of.

    `clears` names an earlier one that is over by it.
    """
    return EventId(await tx.value(INSERT, who, subject, kind, severity, detail, clears))


async def record_all(
    tx: Transaction, who: str, kind: str, severity: Severity, told: Sequence[tuple[str, str]]
) -> None:
    """Write an event of one kind about each of several subjects, with its detail."""
    subjects, details = [subject for subject, _ in told], [detail for _, detail in told]
    await tx.execute(INSERT_ALL, who, kind, severity, subjects, details)


async def raise_alarm(
    tx: Transaction, who: str, subject: str, kind: str, detail: str = ""
) -> EventId | None:
    """Open an alarm; None if this very one is open already.

    One of that subject and kind with another detail is cleared first: it says what is no longer so.
    """
    await hold(tx, Lock.ALARM, f"{subject} {kind}")
    alarm = await tx.one(OPEN_OF, subject, kind)
    if alarm is not None and alarm.detail == detail:
        return None
    if alarm is not None:
        await record(tx, who, subject, kind, "info", CHANGED, EventId(alarm.id))
    return await record(tx, who, subject, kind, "alarm", detail)


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
    return await record(tx, who, subject, kind, "info", detail, EventId(alarm.id))


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
