"""Racks that were ours and are on record no more: seen, readmitted or turned away for good."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.transaction import Transaction
from maasha.model.cluster import Introduction, SystemId

LOCK = "select from stray where system_id = %s for update"
"""A statement of its own before: what the next one sees of the racks is newer than whatever this
one had to wait for, such as a rack that is readmitted just now."""
SEEN = """
insert into stray (system_id, hostname, version, remote, serving, first_seen, last_seen)
select %(system_id)s, %(hostname)s, %(version)s, %(remote)s, %(serving)s, now, now
from clock_timestamp() as now
where not exists (select from rack where system_id = %(system_id)s)
on conflict (system_id) do update set hostname = excluded.hostname, version = excluded.version,
    remote = excluded.remote, serving = excluded.serving, last_seen = excluded.last_seen
returning first_seen = last_seen as first
"""
TAKE = "delete from stray where system_id = %s returning *"
HOLDER = "select system_id from rack where hostname = %s and deleted is null"
READMIT = """
insert into rack (system_id, hostname, version, kept) values (%s, %s, %s, %s)
"""
BURY = """
insert into rack (system_id, hostname, version, deleted)
values (%s, %s, %s, clock_timestamp())
"""


@frozen
class Stray:
    """A rack that proved a right key, as it was seen; `remote` is its address and port."""

    system_id: SystemId
    hostname: str
    version: str
    remote: str
    serving: bool
    first_seen: datetime
    last_seen: datetime


@frozen
class HostnameHeld(DatabaseError):
    """Another rack on record has the host name of the one that is to be readmitted."""

    hostname: str
    holder: SystemId

    def __str__(self) -> str:
        return (
            f"rack {self.holder} is on record under the name {self.hostname}: delete that one "
            "first if this is the host that goes on, or give the host another name"
        )


async def note_stray(tx: Transaction, introduction: Introduction, remote: str) -> None:
    """Write that such a rack was here; its first time is an event.

    Nothing is written of one that has been readmitted or turned away since it was refused.
    """
    values = {
        "system_id": introduction.system_id,
        "hostname": introduction.hostname,
        "version": introduction.version,
        "remote": remote,
        "serving": introduction.serving,
    }
    await tx.rows(LOCK, introduction.system_id)
    if await tx.value(SEEN, values):
        subject, detail = f"rack:{introduction.system_id}", f"{introduction.hostname} at {remote}"
        await record(tx, subject, subject, "rack.unknown", "warning", detail)


async def strays(tx: Transaction) -> tuple[Stray, ...]:
    """List them by host name."""
    rows = await tx.rows("select * from stray order by hostname, system_id")
    return tuple(
        Stray(
            SystemId(row.system_id),
            row.hostname,
            row.version,
            row.remote,
            row.serving,
            row.first_seen,
            row.last_seen,
        )
        for row in rows
    )


async def readmit(tx: Transaction, who: str, system_id: SystemId) -> bool:
    """Put such a rack on record again under its own name; False: it is none of them.

    What it serves it goes on to serve, until somebody wants something of it (`rack.kept`). Raises
    HostnameHeld.
    """
    row = await tx.one(TAKE, system_id)
    if row is None:
        return False
    holder = await tx.value(HOLDER, row.hostname)
    if holder is not None:
        raise HostnameHeld(row.hostname, SystemId(holder))
    await tx.execute(READMIT, system_id, row.hostname, row.version, row.serving)
    await record(tx, who, f"rack:{system_id}", "rack.readmitted", "info", row.hostname)
    return True


async def turn_away(tx: Transaction, who: str, system_id: SystemId) -> bool:
    """Leave a tombstone for such a rack: when it comes again it hears that it is retired."""
    row = await tx.one(TAKE, system_id)
    if row is None:
        return False
    await tx.execute(BURY, system_id, row.hostname, row.version)
    await record(tx, who, f"rack:{system_id}", "rack.deleted", "warning", row.hostname)
    return True
