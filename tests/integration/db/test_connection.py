"""One connection: how it is opened, what ends it, and that its end is quiet."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import cast

import pytest
from attrs import evolve
from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher

from maasha.db.connection import Connection
from maasha.db.connector import Connector, SessionLimits
from maasha.db.dsn import DatabaseSettings, Host
from maasha.db.errors import ConnectFailed, ConnectionLost, QueryFailed
from tests.asynchronous import asynchronous, block_on
from tests.postgres import Server


@pytest.fixture
def connection(reactor: ReactorBase, empty_database: DatabaseSettings) -> Iterator[Connection]:
    """Give an open connection."""
    opened: Connection = block_on(Connector(reactor, empty_database, SessionLimits()).open())
    yield opened
    opened.close()


@pytest.fixture
def failures() -> Iterator[list[LogEvent]]:
    """Collect the failures that are logged."""
    events: list[LogEvent] = []

    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            events.append(event)

    observer = cast(ILogObserver, observe)
    globalLogPublisher.addObserver(observer)
    yield events
    globalLogPublisher.removeObserver(observer)


@pytest.fixture
def silent() -> Iterator[Host]:
    """Give a host that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield Host("127.0.0.1", listener.getsockname()[1])


@asynchronous
async def test_by_name(reactor: ReactorBase, empty_database: DatabaseSettings) -> None:
    """A host is found by its name; one that has no address is passed over."""
    (host,) = empty_database.hosts
    names = (Host("no-such-host.invalid"), Host("localhost", host.port))
    settings = evolve(empty_database, hosts=names)
    opened = await Connector(reactor, settings, SessionLimits()).open()
    assert (await opened.execute("select 1 as one", timeout=5)).rows[0].one == 1
    opened.close()


@asynchronous
async def test_by_folder(
    reactor: ReactorBase, postgres: Server, empty_database: DatabaseSettings
) -> None:
    """A folder is a Unix socket's."""
    settings = evolve(empty_database, hosts=(Host(str(postgres.folder), postgres.port),))
    opened = await Connector(reactor, settings, SessionLimits()).open()
    assert opened.settled
    opened.close()


@asynchronous
async def test_silent_host(
    reactor: ReactorBase, empty_database: DatabaseSettings, silent: Host
) -> None:
    """A host that accepts and says nothing costs its deadline; then the next one is tried.

    The good one is tried first from then on.
    """
    settings = evolve(empty_database, hosts=(silent, *empty_database.hosts))
    connector = Connector(reactor, settings, SessionLimits(), timeout=0.3)
    before = reactor.seconds()
    (await connector.open()).close()
    between = reactor.seconds()
    assert between - before >= 0.3
    (await connector.open()).close()
    assert reactor.seconds() - between < 0.3
    alone = Connector(reactor, evolve(settings, hosts=(silent,)), SessionLimits(), timeout=0.1)
    with pytest.raises(ConnectFailed, match=r"no answer within 0\.1 s"):
        await alone.open()


@asynchronous
async def test_cancelled_attempt(
    reactor: ReactorBase,
    empty_database: DatabaseSettings,
    silent: Host,
    failures: list[LogEvent],
) -> None:
    """A caller who no longer wants the connection hears that at once, and nothing is left."""
    connector = Connector(reactor, evolve(empty_database, hosts=(silent,)), SessionLimits())
    attempt = Deferred.fromCoroutine(connector.open())
    await deferLater(reactor, 0.05)
    attempt.cancel()
    with pytest.raises(CancelledError):
        await attempt
    await deferLater(reactor, 0.05)
    assert failures == []


@asynchronous
async def test_wrong_database(reactor: ReactorBase, empty_database: DatabaseSettings) -> None:
    """What the server says against a login is what the caller reads."""
    settings = evolve(empty_database, name="nonsense")
    with pytest.raises(ConnectFailed, match='database "nonsense" does not exist'):
        await Connector(reactor, settings, SessionLimits()).open()


@asynchronous
async def test_idle_loss(
    reactor: ReactorBase,
    postgres: Server,
    connection: Connection,
    failures: list[LogEvent],
) -> None:
    """The loss of an idle connection is told once, without a traceback in the log."""
    told: list[str] = []
    connection.on_lost(told.append)
    postgres.ask("select pg_terminate_backend(%s)", connection.backend)
    while not connection.closed:
        await deferLater(reactor, 0.01)
    connection.close()
    assert len(told) == 1
    with pytest.raises(ConnectionLost):
        await connection.execute("select 1", timeout=5)
    assert failures == []


@asynchronous
async def test_busy_loss(postgres: Server, connection: Connection) -> None:
    """A statement whose connection is killed fails with the server's last word."""
    work = Deferred.fromCoroutine(connection.execute("select pg_sleep(30)", timeout=60))
    postgres.ask("select pg_terminate_backend(%s)", connection.backend)
    with pytest.raises(ConnectionLost, match="terminating connection"):
        await work
    assert connection.closed


@asynchronous
async def test_deadline(connection: Connection) -> None:
    """A statement without an answer in time costs the connection."""
    with pytest.raises(ConnectionLost, match=r"no answer within 0\.1 s"):
        await connection.execute("select pg_sleep(30)", timeout=0.1)
    assert connection.closed
    await connection.settle(1.0)


@asynchronous
async def test_one_at_a_time(connection: Connection) -> None:
    """A second statement before the first one's answer is a mistake of ours."""
    first = Deferred.fromCoroutine(connection.execute("select pg_sleep(0.1)", timeout=5))
    with pytest.raises(RuntimeError, match="one statement at a time"):
        await connection.execute("select 1", timeout=5)
    await first
    assert connection.settled


@asynchronous
async def test_unsendable(connection: Connection) -> None:
    """A statement with too few parameters fails before it is sent, and harms nothing."""
    with pytest.raises(IndexError):
        await connection.execute("select %s, %s", (1,), timeout=5)
    assert connection.settled
    with pytest.raises(QueryFailed):
        await connection.execute("select nonsense", timeout=5)
    assert connection.settled


@asynchronous
async def test_settling_takes_too_long(connection: Connection) -> None:
    """A connection whose server does not finish in time is closed instead."""
    work = Deferred.fromCoroutine(connection.execute("select pg_sleep(30)", timeout=60))
    work.addErrback(lambda failure: failure.trap(CancelledError))
    work.cancel()
    assert not connection.settled
    await connection.settle(0.1)
    assert connection.closed
