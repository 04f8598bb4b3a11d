"""Alarms on a rack about how it remembers and dates its leases."""

from __future__ import annotations

from collections.abc import Mapping

from maasha.db.events import clear_alarm, raise_alarm
from maasha.db.transaction import Transaction
from maasha.model.cluster import SystemId

SPOOL_DAMAGED = "dhcp.spool-damaged"
SPOOL_UNWRITTEN = "dhcp.spool-unwritten"
CLOCK = "rack.clock"


OPEN = """
select kind, detail from event alarm
where severity = 'alarm' and subject = %(subject)s and kind = any(%(kinds)s)
and not exists (select from event where event.clears = alarm.id)
"""


async def judge_troubles(tx: Transaction, rack: SystemId, troubles: Mapping[str, str]) -> None:
    """Open the alarms of these kinds, and clear those whose words are empty."""
    subject = f"rack:{rack}"
    rows = await tx.rows(OPEN, {"subject": subject, "kinds": list(troubles)})
    known = {row.kind: row.detail for row in rows}
    for kind, words in troubles.items():
        if words and words != known.get(kind):
            await raise_alarm(tx, subject, subject, kind, words)
        elif not words and kind in known:
            await clear_alarm(tx, subject, subject, kind)
