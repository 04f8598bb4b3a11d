"""Brings the schema up to date from numbered SQL files, and refuses one that is newer than we."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from attrs import frozen

from maasha.db.connection import Connection
from maasha.db.connector import Connector, SessionLimits
from maasha.db.errors import DatabaseError
from maasha.db.locks import SPACE, Lock
from maasha.db.transaction import GRACE, Transaction, transact

NAME = re.compile(r"(\d{3})-([a-z0-9-]+)\.sql")
LIMITS = SessionLimits(statement=120.0, idle_in_transaction=120.0)
"""A migration may rewrite a table, and another process's migration may have to be waited for."""

BOOK = """
create table if not exists schema_version (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied timestamptz not null default now()
)
"""


@frozen
class SchemaTooNew(DatabaseError):
    """The database was migrated by a newer maasha."""

    database: int
    known: int

    def __str__(self) -> str:
        return (
            f"the database has schema {self.database}, this version of maasha knows {self.known}:"
            " install the newer version on this host too"
        )


@frozen
class SchemaChanged(DatabaseError):
    """A migration that the database has is not the one in this installation."""

    number: int
    name: str

    def __str__(self) -> str:
        return (
            f"migration {self.number:03d}-{self.name} differs from the one in the database:"
            " reinstall maasha; a migration is never edited, the next number changes what it made"
        )


@frozen
class SchemaOld(DatabaseError):
    """The database lacks migrations; nothing may be written to it yet."""

    database: int
    known: int

    def __str__(self) -> str:
        return (
            f"the database has schema {self.database}, this version of maasha needs {self.known}:"
            " run maasha-region init"
        )


@frozen
class Migration:
    """One numbered file; `sha256` is of its text in UTF-8."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Fingerprint of the text."""
        return sha256(self.text.encode()).hexdigest()


@frozen
class Applied:
    """A migration that the database has."""

    number: int
    name: str
    sha256: str


def pending(known: Sequence[Migration], applied: Iterable[Applied]) -> tuple[Migration, ...]:
    """Give what is to be applied, in order; raises SchemaTooNew and SchemaChanged."""
    texts = {migration.number: migration for migration in known}
    done = {one.number: one for one in applied}
    newest = max(done, default=0)
    if newest > max(texts, default=0):
        raise SchemaTooNew(newest, max(texts, default=0))
    for number, one in sorted(done.items()):
        if number not in texts or texts[number].sha256 != one.sha256:
            raise SchemaChanged(number, one.name)
    return tuple(texts[number] for number in sorted(texts) if number not in done)


def read_folder(folder: Path) -> tuple[Migration, ...]:
    """Read the files `NNN-name.sql` of a folder in order; others are left alone."""
    paths = sorted(folder.iterdir())
    named = ((NAME.fullmatch(path.name), path.read_text("utf-8")) for path in paths)
    return tuple(Migration(int(name[1]), name[2], text) for name, text in named if name)


def known() -> tuple[Migration, ...]:
    """Give this installation's migrations."""
    return read_folder(Path(str(files("maasha.db") / "schema")))


async def applied(tx: Transaction) -> tuple[Applied, ...]:
    """Read what the database has; nothing if it was never migrated."""
    if await tx.value("select to_regclass('schema_version')") is None:
        return ()
    rows = await tx.rows("select number, name, sha256 from schema_version order by number")
    return tuple(Applied(row.number, row.name, row.sha256) for row in rows)


async def check(tx: Transaction) -> None:
    """Raise SchemaTooNew, SchemaChanged or SchemaOld if the schema is not ours."""
    ours, theirs = known(), await applied(tx)
    if pending(ours, theirs):
        raise SchemaOld(max((one.number for one in theirs), default=0), ours[-1].number)


async def migrate(
    connection: Connection, migrations: Sequence[Migration] | None = None
) -> tuple[Migration, ...]:
    """Apply what is missing, each file in its own transaction, and give what was applied.

    A session lock keeps others out meanwhile; whoever waited for it finds nothing left to do.
    """
    ours = known() if migrations is None else tuple(migrations)
    timeout = LIMITS.statement + GRACE
    keys = (SPACE, Lock.SCHEMA.value)
    await connection.execute("select pg_advisory_lock(%s, %s)", keys, timeout=timeout)
    try:
        todo = pending(ours, await transact(connection, applied, statement_timeout=timeout))
        for migration in todo:
            await _apply(connection, migration)
    finally:
        await connection.settle(timeout)
        if not connection.closed:
            await connection.execute("select pg_advisory_unlock(%s, %s)", keys, timeout=timeout)
    return todo


async def _apply(connection: Connection, migration: Migration) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(BOOK)
        await tx.execute(migration.text)
        await tx.execute(
            "insert into schema_version (number, name, sha256) values (%s, %s, %s)",
            migration.number,
            migration.name,
            migration.sha256,
        )

    await transact(connection, work, statement_timeout=LIMITS.statement)


async def migrate_database(connector: Connector) -> tuple[Migration, ...]:
    """Open a connection, migrate, close it; `connector` has this module's LIMITS."""
    connection = await connector.open()
    try:
        return await migrate(connection)
    finally:
        connection.close()
