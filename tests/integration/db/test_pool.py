"""The pool against a real PostgreSQL: results, cancellation, conflicts, and what kills do to it."""

from __future__ import annotations

from collections.abc import Awaitable
from itertools import pairwise

import pytest
from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from maasha.db.connector import SessionLimits
from maasha.db.dsn import DatabaseSettings
from maasha.db.errors import (
    CheckViolation,
    DatabaseUnavailable,
    ForeignKeyViolation,
    NotNullViolation,
    OutcomeUnknown,
    QueryFailed,
    StatementCancelled,
    UniqueViolation,
)
from maasha.db.pool import Pool
from maasha.db.transaction import Isolation, Transaction
from tests.asynchronous import asynchronous
from tests.databases import OpenPool
from tests.postgres import Server

SLEEPERS = "select count(*) from pg_stat_activity where query like 'select pg_sleep%%'"


async def one(tx: Transaction) -> int:
    """Ask for the number one."""
    return int(await tx.value("select %s::int", 1))


async def sleep(tx: Transaction) -> None:
    """Keep the server busy for half a minute."""
    await tx.execute("select pg_sleep(30)")


def started(work: Awaitable[object]) -> Deferred[object]:
    """Let work run by itself."""
    return Deferred.fromCoroutine(work)  # type: ignore[arg-type]  # every Awaitable here is one


def _note(failure: Failure, heard: list[BaseException]) -> None:
    assert failure.value is not None
    heard.append(failure.value)


async def until(reactor: ReactorBase, pool: Pool, sql: str, wanted: object) -> None:
    """Ask again and again, ten seconds at most, until the answer is the wanted one."""
    for _ in range(200):
        if await pool.run(lambda tx: tx.value(sql)) == wanted:
            return
        await deferLater(reactor, 0.05)
    raise AssertionError(f"never {wanted}: {sql}")


@asynchronous
async def test_result(pool: Pool) -> None:
    """A unit of work gives what it returns."""
    assert await pool.run(one) == 1
    assert pool.connected


@asynchronous
async def test_rows(pool: Pool) -> None:
    """Rows are read by name and by position, and an answer without rows is None."""

    async def work(tx: Transaction) -> None:
        first, second = await tx.rows("select n, n * 2 as twice from generate_series(1, 2) n")
        assert (first.n, first.twice, second[1]) == (1, 2, 4)
        assert await tx.one("select 1 where false") is None
        assert await tx.value("select 1 where false") is None
        assert await tx.execute("create temporary table t as select generate_series(1, 5)") == 5

    await pool.run(work)


@asynchronous
async def test_error_rolls_back(pool: Pool) -> None:
    """When the work fails nothing is kept, and the connection is used again."""

    async def work(tx: Transaction) -> None:
        await tx.execute("insert into fabric (name) values ('lost')")
        raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await pool.run(work)
    assert await pool.run(lambda tx: tx.value("select count(*) from fabric")) == 0


@asynchronous
async def test_swallowed_error(pool: Pool) -> None:
    """A work that swallows a statement's error gets it again, instead of a COMMIT that lies."""

    async def work(tx: Transaction) -> str:
        await tx.execute("insert into fabric (name) values ('lost')")
        with pytest.raises(QueryFailed):
            await tx.execute("select nonsense")
        return "fine"

    with pytest.raises(QueryFailed) as caught:
        await pool.run(work)
    assert caught.value.sqlstate == "42703"
    assert await pool.run(lambda tx: tx.value("select count(*) from fabric")) == 0


@asynchronous
async def test_kept_transaction(pool: Pool) -> None:
    """A transaction kept beyond its end takes no statement."""

    async def keep(tx: Transaction) -> Transaction:
        return tx

    tx = await pool.run(keep)
    with pytest.raises(RuntimeError):
        await tx.execute("select 1")


@pytest.mark.parametrize(
    ("sql", "kind", "constraint"),
    [
        ("insert into fabric (name) values ('a'), ('a')", UniqueViolation, "fabric_name_key"),
        (
            "insert into vlan (fabric_id, vid) values (99, 0)",
            ForeignKeyViolation,
            "vlan_fabric_id_fkey",
        ),
        (
            "with f as (insert into fabric (name) values ('a') returning id)"
            " insert into vlan (fabric_id, vid) select id, 4095 from f",
            CheckViolation,
            "vlan_vid_check",
        ),
        ("insert into fabric (name) values (null)", NotNullViolation, ""),
    ],
)
@asynchronous
async def test_constraints(pool: Pool, sql: str, kind: type[Exception], constraint: str) -> None:
    """A broken rule of the schema is an error of its own type that names the rule."""
    with pytest.raises(kind) as caught:
        await pool.run(lambda tx: tx.execute(sql))
    assert getattr(caught.value, "constraint") == constraint  # noqa: B009 -- `kind` is a parameter


@asynchronous
async def test_read_only(pool: Pool) -> None:
    """A read-only transaction writes nothing."""
    with pytest.raises(QueryFailed) as caught:
        await pool.run(
            lambda tx: tx.execute("insert into fabric (name) values ('a')"), read_only=True
        )
    assert caught.value.sqlstate == "25006"


@asynchronous
async def test_statement_timeout(database: DatabaseSettings, open_pool: OpenPool) -> None:
    """A statement past statement_timeout is an error, not a cancellation of the caller."""
    pool = open_pool(database, limits=SessionLimits(statement=0.2))
    with pytest.raises(StatementCancelled):
        await pool.run(sleep)
    assert await pool.run(one) == 1


@asynchronous
async def test_cancellation(
    reactor: ReactorBase, database: DatabaseSettings, open_pool: OpenPool
) -> None:
    """A cancelled caller hears it at once; the server stops; the connection is used again."""
    pool = open_pool(database, size=2)
    await pool.run(one)
    for _ in range(3):
        work = started(pool.run(sleep))
        await until(reactor, pool, SLEEPERS, 1)
        heard: list[BaseException] = []
        work.addErrback(_note, heard)
        work.cancel()
        assert [type(error) for error in heard] == [CancelledError]
        await until(reactor, pool, SLEEPERS, 0)
    await gatherResults([started(pool.run(one)) for _ in range(20)])


@asynchronous
async def test_cancellation_without_sibling(
    database: DatabaseSettings, open_pool: OpenPool
) -> None:
    """With no second connection, the next caller waits until statement_timeout has freed it."""
    pool = open_pool(database, size=1, limits=SessionLimits(statement=0.5))
    await pool.run(one)
    work = started(pool.run(sleep))
    work.addErrback(lambda failure: failure.trap(CancelledError))
    work.cancel()
    assert await pool.run(one) == 1


@asynchronous
async def test_cancelled_while_waiting(database: DatabaseSettings, open_pool: OpenPool) -> None:
    """A caller cancelled while it waits for a connection leaves the queue."""
    pool = open_pool(database, size=1)
    first = started(pool.run(lambda tx: tx.value("select pg_sleep(0.2)")))
    second = started(pool.run(one))
    second.addErrback(lambda failure: failure.trap(CancelledError) and None)
    third = started(pool.run(one))
    second.cancel()
    assert await third == 1
    await first


@asynchronous
async def test_busy(database: DatabaseSettings, open_pool: OpenPool) -> None:
    """A caller that gets no connection in time is told so, and when to come back."""
    pool = open_pool(database, size=1, patience=0.2)
    await pool.run(one)
    first = started(pool.run(lambda tx: tx.value("select pg_sleep(0.5)")))
    with pytest.raises(DatabaseUnavailable, match="all 1 connections are busy") as caught:
        await pool.run(one)
    assert caught.value.retry_after > 0
    await first


@asynchronous
async def test_serialization(pool: Pool) -> None:
    """Transactions that meet are repeated until each has had its turn."""

    async def count(tx: Transaction) -> None:
        seen = await tx.value("select count(*) from fabric")
        await tx.execute("insert into fabric (name) values (%s)", f"fabric-{seen}")

    serializable = Isolation.SERIALIZABLE
    await gatherResults(
        [started(pool.run(count, isolation=serializable)) for _ in range(3)], consumeErrors=True
    )
    assert await pool.run(lambda tx: tx.value("select count(*) from fabric")) == 3


@asynchronous
async def test_deadlock(pool: Pool) -> None:
    """Two transactions in each other's way both get through."""
    await pool.run(lambda tx: tx.execute("insert into fabric (name) values ('a'), ('b')"))

    async def touch(tx: Transaction, first: str, second: str) -> None:
        await tx.execute("update fabric set description = 'x' where name = %s", first)
        await tx.execute("select pg_sleep(0.1)")
        await tx.execute("update fabric set description = 'x' where name = %s", second)

    await gatherResults(
        [
            started(pool.run(lambda tx: touch(tx, "a", "b"))),
            started(pool.run(lambda tx: touch(tx, "b", "a"))),
        ]
    )


@asynchronous
async def test_killed_backend(pool: Pool) -> None:
    """Work whose connection is killed before COMMIT is repeated on another."""
    tries: list[int] = []

    async def work(tx: Transaction) -> int:
        tries.append(await tx.value("select pg_backend_pid()"))
        if len(tries) == 1:
            await pool.run(lambda other: other.execute("select pg_terminate_backend(%s)", tries[0]))
        return int(await tx.value("select 7"))

    assert await pool.run(work) == 7
    assert len(tries) == 2


@asynchronous
async def test_outcome_unknown(pool: Pool) -> None:
    """A connection lost during COMMIT is neither repeated nor taken for done or failed."""
    await pool.run(
        lambda tx: tx.execute("""
            create function die() returns trigger language plpgsql as $$ begin
                perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
            create table fatal (n int);
            create constraint trigger die after insert on fatal
                deferrable initially deferred for each row execute function die();
        """)
    )
    tries: list[None] = []

    async def work(tx: Transaction) -> None:
        tries.append(None)
        await tx.execute("insert into fatal values (1)")

    with pytest.raises(OutcomeUnknown):
        await pool.run(work)
    assert len(tries) == 1


@asynchronous
async def test_idle_in_transaction(
    database: DatabaseSettings, open_pool: OpenPool, reactor: ReactorBase
) -> None:
    """Work that dawdles inside its transaction loses its connection, and the pool recovers."""
    pool = open_pool(database, limits=SessionLimits(idle_in_transaction=0.2))

    async def dawdle(tx: Transaction) -> None:
        await tx.execute("select 1")
        await deferLater(reactor, 0.5)
        await tx.execute("select 1")

    with pytest.raises(DatabaseUnavailable):
        await pool.run(dawdle)
    assert await pool.run(one) == 1


@asynchronous
async def test_server_killed_and_back(
    own_postgres: Server, open_pool: OpenPool, reactor: ReactorBase
) -> None:
    """After SIGKILL callers hear that the database is away; when it is back the pool is whole."""
    settings = own_postgres.create()
    pool = open_pool(settings, size=4, patience=0.5)
    await pool.run(one)
    own_postgres.kill()
    with pytest.raises(DatabaseUnavailable):
        await pool.run(one)
    assert not pool.connected
    own_postgres.start()
    before = reactor.seconds()
    while not pool.connected:
        await deferLater(reactor, 0.02)
    assert reactor.seconds() - before < 2
    assert await pool.run(one) == 1
    count = "select count(*) from pg_stat_activity where application_name = 'maasha'"
    await until(reactor, pool, count, 4)


@asynchronous
async def test_frozen_server(
    own_postgres: Server, open_pool: OpenPool, reactor: ReactorBase
) -> None:
    """A server that is stopped, not dead, costs callers their deadline but never blocks us."""
    settings = own_postgres.create()
    pool = open_pool(settings, size=2, patience=0.5)
    await pool.run(one)
    own_postgres.freeze()
    try:
        work = started(pool.run(sleep))
        gaps = [reactor.seconds()]
        waiting = started(pool.run(one))
        waiting.addErrback(lambda failure: failure.trap(DatabaseUnavailable) and "away")
        work.addErrback(lambda failure: failure.trap(CancelledError) and None)
        work.cancel()
        while not waiting.called:
            await deferLater(reactor, 0.05)
            gaps.append(reactor.seconds())
        assert await waiting == "away"
        assert max(b - a for a, b in pairwise(gaps)) < 1
    finally:
        own_postgres.thaw()
    while not pool.connected:
        await deferLater(reactor, 0.05)
    assert await pool.run(one) == 1


@asynchronous
async def test_stop(database: DatabaseSettings, open_pool: OpenPool) -> None:
    """A stopped pool has no connection left and refuses work; who waits or works hears it."""
    pool = open_pool(database, size=1)
    await pool.run(one)
    working = started(pool.run(sleep))
    waiting = started(pool.run(one))
    await pool.stop()
    for caller in (working, waiting):
        with pytest.raises(DatabaseUnavailable):
            await caller
    with pytest.raises(DatabaseUnavailable, match="stopped"):
        await pool.run(one)
    assert not pool.connected
