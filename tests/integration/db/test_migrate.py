"""Migrations against a real database: applied once, together or not at all, never edited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, gatherResults

from maasha.db.connection import Connection
from maasha.db.connector import Connector
from maasha.db.dsn import DatabaseSettings
from maasha.db.errors import QueryFailed
from maasha.db.migrate import (
    LIMITS,
    Migration,
    SchemaChanged,
    SchemaOld,
    SchemaTooNew,
    applied,
    check,
    known,
    migrate,
    migrate_database,
)
from maasha.db.pool import Pool
from maasha.db.transaction import transact
from tests.asynchronous import asynchronous, block_on
from tests.databases import OpenPool

ONE = Migration(1, "one", "create table one (n int); insert into one values (1) -- 100 %\n;")
TWO = Migration(2, "two", "create table two (n int);")
BROKEN = Migration(2, "broken", "create table half (n int); select nonsense;")


@pytest.fixture
def connection(reactor: ReactorBase, empty_database: DatabaseSettings) -> Iterator[Connection]:
    """Give a connection to a database without tables."""
    connector = Connector(reactor, empty_database, LIMITS)
    opened: Connection = block_on(connector.open())
    yield opened
    opened.close()


@asynchronous
async def test_applied_once(connection: Connection) -> None:
    """What is missing is applied in order and recorded; the second time nothing is missing."""
    assert await migrate(connection, (ONE,)) == (ONE,)
    assert await migrate(connection, (ONE, TWO)) == (TWO,)
    assert await migrate(connection, (ONE, TWO)) == ()
    recorded = await transact(connection, applied, statement_timeout=5)
    assert [(one.number, one.name, one.sha256) for one in recorded] == [
        (1, "one", ONE.sha256),
        (2, "two", TWO.sha256),
    ]


@asynchronous
async def test_half(connection: Connection) -> None:
    """A migration that fails leaves nothing behind, and the lock is free again."""
    with pytest.raises(QueryFailed):
        await migrate(connection, (ONE, BROKEN))
    answer = await connection.execute("select to_regclass('half') is null as none", timeout=5)
    assert answer.rows[0].none
    assert await migrate(connection, (ONE, TWO)) == (TWO,)


@asynchronous
async def test_refused(connection: Connection) -> None:
    """A newer schema and an edited migration are refused, and nothing is changed."""
    await migrate(connection, (ONE, TWO))
    with pytest.raises(SchemaTooNew, match="knows 1"):
        await migrate(connection, (ONE,))
    with pytest.raises(SchemaChanged, match="001-one"):
        await migrate(connection, (evolve(ONE, text="create table other ()"), TWO))


@asynchronous
async def test_together(reactor: ReactorBase, empty_database: DatabaseSettings) -> None:
    """Processes that migrate at the same moment wait for one another; one does the work."""
    done = await gatherResults(
        [
            Deferred.fromCoroutine(migrate_database(Connector(reactor, empty_database, LIMITS)))
            for _ in range(4)
        ]
    )
    assert sorted(len(one) for one in done) == [0, 0, 0, len(known())]


@asynchronous
async def test_check(pool: Pool, empty_database: DatabaseSettings, open_pool: OpenPool) -> None:
    """A process starts only on the schema that it knows."""
    await pool.run(check)
    with pytest.raises(SchemaOld, match="maasha-region init"):
        await open_pool(empty_database).run(check)
    newer = "insert into schema_version (number, name, sha256) values (999, 'future', '')"
    await pool.run(lambda tx: tx.execute(newer))
    with pytest.raises(SchemaTooNew, match="install"):
        await pool.run(check)
