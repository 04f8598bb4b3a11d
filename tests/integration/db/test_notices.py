"""Notices, the dedicated connection and leadership through kills and frozen processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from attrs import evolve
from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from maasha.db.channels import Channel, notify
from maasha.db.connector import Connector
from maasha.db.dedicated import LIMITS, Dedicated
from maasha.db.dsn import DatabaseSettings
from maasha.db.errors import DatabaseUnavailable
from maasha.db.leadership import Leadership
from maasha.db.locks import SPACE, Lock
from maasha.db.notices import Notices
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from tests.asynchronous import asynchronous, block_on
from tests.databases import OpenPool, even
from tests.postgres import Server

Make = Callable[..., Dedicated]


async def until(reactor: ReactorBase, condition: Callable[[], bool]) -> float:
    """Wait for a condition, ten seconds at most; gives the seconds that it took."""
    started = reactor.seconds()
    while not condition():
        assert reactor.seconds() - started < 10
        await deferLater(reactor, 0.01)
    return reactor.seconds() - started


@pytest.fixture
def make(reactor: ReactorBase) -> Iterator[Make]:
    """Make and start dedicated connections that are closed after the test."""
    made: list[Dedicated] = []

    def dedicated(settings: DatabaseSettings, interval: float = 0.2) -> Dedicated:
        connector = Connector(reactor, settings, LIMITS, program="dedicated")
        one = Dedicated(reactor, connector, jitter=even, interval=interval)
        made.append(one)
        return one

    yield dedicated
    for one in made:
        block_on(one.stop())


@asynchronous
async def test_notices(
    reactor: ReactorBase, database: DatabaseSettings, pool: Pool, make: Make
) -> None:
    """A notice wakes its channel's subscribers when the transaction commits, not before."""
    dedicated = make(database)
    notices = Notices(dedicated)
    heard: list[str] = []
    cancel = notices.subscribe(Channel.RACKS, heard.append)
    dedicated.start()
    await until(reactor, lambda: heard == [""])

    async def work(tx: Transaction) -> None:
        for payload in (7, 7, 8):
            await notify(tx, Channel.RACKS, payload)
        await notify(tx, Channel.LEASES, 9)
        await tx.execute("select pg_sleep(0.1)")
        assert heard == [""]

    await pool.run(work)
    await until(reactor, lambda: len(heard) == 3)
    assert heard == ["", "7", "8"]
    late: list[str] = []
    notices.subscribe(Channel.RACKS, late.append)
    assert late == [""]
    cancel()
    cancel()
    await pool.run(lambda tx: notify(tx, Channel.RACKS))
    await until(reactor, lambda: late == ["", ""])
    assert len(heard) == 3


@asynchronous
async def test_bad_subscriber(reactor: ReactorBase, database: DatabaseSettings, make: Make) -> None:
    """A subscriber that fails costs the others nothing."""
    dedicated = make(database)
    notices = Notices(dedicated)
    heard: list[str] = []

    def fail(payload: str) -> None:
        raise ZeroDivisionError(payload)

    notices.subscribe(Channel.DHCP, fail)
    notices.subscribe(Channel.DHCP, heard.append)
    dedicated.start()
    await until(reactor, lambda: heard == [""])


@asynchronous
async def test_burst(
    reactor: ReactorBase, database: DatabaseSettings, pool: Pool, make: Make
) -> None:
    """Thousands of notices in one transaction all arrive, in order."""
    dedicated = make(database)
    notices = Notices(dedicated)
    heard: list[str] = []
    notices.subscribe(Channel.LEASES, heard.append)
    dedicated.start()
    await until(reactor, lambda: heard == [""])
    burst = "select pg_notify('leases', n::text) from generate_series(1, 5000) n"
    await pool.run(lambda tx: tx.execute(burst))
    await until(reactor, lambda: len(heard) == 5001)
    assert heard[1:] == [str(number) for number in range(1, 5001)]


@asynchronous
async def test_resync(
    reactor: ReactorBase, own_postgres: Server, open_pool: OpenPool, make: Make
) -> None:
    """After the server was killed and is back, subscribers are told that anything may be new."""
    settings = own_postgres.create()
    dedicated = make(settings)
    notices = Notices(dedicated)
    heard: list[str] = []
    lost: list[str] = []
    dedicated.on_close(lost.append)
    notices.subscribe(Channel.RACKS, heard.append)
    dedicated.start()
    await until(reactor, lambda: heard == [""])
    own_postgres.kill()
    await until(reactor, lambda: len(lost) == 1)
    with pytest.raises(DatabaseUnavailable):
        await dedicated.ask("select 1")
    own_postgres.start()
    await until(reactor, lambda: heard == ["", ""])
    pool = open_pool(settings)
    await pool.run(lambda tx: notify(tx, Channel.RACKS, 5))
    await until(reactor, lambda: heard == ["", "", "5"])


@asynchronous
async def test_leader(
    reactor: ReactorBase, database: DatabaseSettings, postgres: Server, make: Make
) -> None:
    """One of two leads; when its session dies it knows that, and the other takes over."""
    first, second = make(database), make(database)
    leader, follower = Leadership(first), Leadership(second)
    first.start()
    await until(reactor, lambda: leader.leading)
    second.start()
    await until(reactor, lambda: second.connected)
    assert not follower.leading
    backend = await first.ask("select pg_backend_pid()")
    postgres.ask("select pg_terminate_backend(%s)", backend)
    await until(reactor, lambda: follower.leading)
    assert not leader.leading


@asynchronous
async def test_frozen_leader(reactor: ReactorBase, database: DatabaseSettings, make: Make) -> None:
    """A leader that is silent for three seconds loses its lock to another."""
    frozen = make(database, interval=60.0)
    leader = Leadership(frozen)
    frozen.start()
    await until(reactor, lambda: frozen.connected)
    assert await frozen.ask("select pg_try_advisory_lock(%s, %s)", (SPACE, Lock.LEADER.value))
    leader.leading = True
    other = make(database)
    follower = Leadership(other)
    other.start()
    await until(reactor, lambda: follower.leading)
    await until(reactor, lambda: not leader.leading)
    idle = make(database, interval=60.0)
    idle.start()
    await until(reactor, lambda: idle.connected)
    await until(reactor, lambda: not idle.connected)


@asynchronous
async def test_cancelled(reactor: ReactorBase, database: DatabaseSettings, make: Make) -> None:
    """A cancelled caller hears it at once; the next waits until the server is done."""
    dedicated = make(database)
    dedicated.start()
    await until(reactor, lambda: dedicated.connected)
    work = Deferred.fromCoroutine(dedicated.run(lambda tx: tx.execute("select pg_sleep(0.5)")))
    work.addErrback(lambda failure: failure.trap(CancelledError))
    await deferLater(reactor, 0.1)
    work.cancel()
    assert work.called
    assert await dedicated.run(lambda tx: tx.value("select 2")) == 2


@asynchronous
async def test_unprepared(reactor: ReactorBase, database: DatabaseSettings, make: Make) -> None:
    """A connection that could not be prepared is given up and opened again."""
    dedicated = make(database)
    tries: list[bool] = []

    async def prepare(_: object) -> None:
        tries.append(dedicated.connected)
        if len(tries) == 1:
            raise ZeroDivisionError

    dedicated.on_open(prepare)
    dedicated.start()
    await until(reactor, lambda: dedicated.connected)
    assert tries == [False, False]
    with contextlib.suppress(DatabaseUnavailable):
        await dedicated.stop()


@asynchronous
async def test_failing_ping(reactor: ReactorBase, database: DatabaseSettings, make: Make) -> None:
    """What hangs on the ping may fail with a database error; the pings go on."""
    dedicated = make(database, interval=0.05)
    calls: list[None] = []

    async def fail() -> None:
        calls.append(None)
        await dedicated.ask("select nonsense")

    dedicated.on_ping(fail)
    dedicated.start()
    await until(reactor, lambda: len(calls) == 3)
    assert dedicated.connected


def test_limits() -> None:
    """The server gives up on a silent worker within three seconds, busy or not."""
    assert evolve(LIMITS, statement=0).options.startswith("-c statement_timeout=0ms")
    assert "idle_session_timeout=3000ms" in LIMITS.options
    assert "idle_in_transaction_session_timeout=3000ms" in LIMITS.options
