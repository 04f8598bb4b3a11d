"""A fixed number of connections, kept open through every failure of the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db.backoff import Backoff
from maasha.db.connection import Connection, interrupt
from maasha.db.connector import Connector, SessionLimits
from maasha.db.dsn import DatabaseSettings
from maasha.db.errors import (
    ConnectFailed,
    ConnectionLost,
    DatabaseError,
    DatabaseUnavailable,
    SerializationConflict,
)
from maasha.db.transaction import GRACE, Isolation, Transaction, transact
from maasha.db.waiting import pause, within

T = TypeVar("T")
log = Logger()

ATTEMPTS = 5
"""How often a unit of work is tried when it meets others (deadlock, serialization failure) or
loses its connection before COMMIT."""
PATIENCE = 5.0
"""Seconds that a caller waits for a free live connection; a failover takes 1 to 3 s, and an
interactive caller should hear "try again" before it gives up by itself."""
RETRY_AFTER = 2.0
CONFLICT_PAUSE = Backoff(first=0.005, last=0.1, factor=2.0)


class Opener(Protocol):
    """What a pool needs to open connections."""

    limits: SessionLimits

    async def open(self) -> Connection:
        """Give a new connection; raises ConnectFailed."""


class Pool:
    """`size` connections that serve units of work, first come, first served."""

    def __init__(
        self,
        clock: IReactorTime,
        opener: Opener,
        size: int,
        *,
        jitter: Callable[[], float],
        backoff: Backoff = Backoff(),  # noqa: B008 -- frozen
        patience: float = PATIENCE,
    ) -> None:
        self._clock = clock
        self._opener = opener
        self._size = size
        self._jitter = jitter
        self._backoff = backoff
        self._patience = patience
        self._idle: list[Connection] = []
        self._live: set[Connection] = set()
        self._waiters: deque[Deferred[Connection]] = deque()
        self._opening: set[Deferred[None]] = set()
        self._running = False
        self._reason = "the pool is not started"

    @property
    def connected(self) -> bool:
        """Whether at least one connection is live."""
        return bool(self._live)

    @property
    def open(self) -> int:
        """How many connections are live."""
        return len(self._live)

    @property
    def in_use(self) -> int:
        """How many of them work."""
        return len(self._live) - len(self._idle)

    @property
    def waiting(self) -> int:
        """How many callers wait for one."""
        return len(self._waiters)

    def start(self) -> None:
        """Begin to open all connections; returns at once."""
        self._running = True
        self._reason = "no connection is open yet"
        for _ in range(self._size):
            self._open()

    async def stop(self) -> None:
        """Close everything; waiting callers get DatabaseUnavailable, running ones lose theirs."""
        self._running = False
        self._reason = "the pool is stopped"
        for opening in tuple(self._opening):
            opening.cancel()
        while self._waiters:
            self._waiters.popleft().errback(self._unavailable())
        for connection in tuple(self._live):
            connection.close("the pool is stopped")

    async def run(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        read_only: bool = False,
        isolation: Isolation = Isolation.READ_COMMITTED,
    ) -> T:
        """Run `work` in a transaction and give its result once COMMIT was confirmed.

        `work` may be called several times (each time from the start, in a new transaction), so
        it has no effects but those on the database. Raises DatabaseUnavailable (nothing was
        done), OutcomeUnknown (COMMIT was sent, no answer came), and what the statements raise.
        Cancellation fails the caller at once; the connection is used again when the server has
        finished.
        """
        started = self._clock.seconds()
        failures = 0
        while True:
            connection = await self._acquire()
            try:
                return await transact(
                    connection,
                    work,
                    statement_timeout=self._opener.limits.statement,
                    isolation=isolation,
                    read_only=read_only,
                )
            except (SerializationConflict, ConnectionLost) as error:
                failures += 1
                self._give_up(error, failures, self._clock.seconds() - started)
            finally:
                self._give_back(connection)
            await pause(self._clock, CONFLICT_PAUSE.delay(failures, self._jitter()))

    def _give_up(self, error: DatabaseError, failures: int, elapsed: float) -> None:
        """Raise what the caller gets if there were enough attempts."""
        lost = isinstance(error, ConnectionLost)
        if failures < ATTEMPTS and not (lost and elapsed > self._patience):
            return
        raise DatabaseUnavailable(str(error), RETRY_AFTER) if lost else error

    async def _acquire(self) -> Connection:
        if self._idle:
            return self._idle.pop()
        if not self._running:
            raise self._unavailable()
        waiter: Deferred[Connection] = Deferred()
        self._waiters.append(waiter)
        try:
            return await within(self._clock, self._patience, waiter, self._unavailable)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _unavailable(self) -> DatabaseUnavailable:
        busy = self._running and self.connected
        reason = f"all {self._size} connections are busy" if busy else self._reason
        return DatabaseUnavailable(reason, RETRY_AFTER)

    def _give_back(self, connection: Connection) -> None:
        if connection.closed:
            return
        if connection.settled:
            self._offer(connection)
        else:
            _detach(self._settle(connection))

    async def _settle(self, connection: Connection) -> None:
        """Have the server stop and roll back, then use the connection again."""
        timeout = self._opener.limits.statement + GRACE
        if connection.interruptible and self._idle:
            await self._interrupt(connection, self._idle.pop(), timeout)
        await connection.settle(timeout)
        self._give_back(connection)

    async def _interrupt(self, connection: Connection, sibling: Connection, timeout: float) -> None:
        try:
            await interrupt(sibling, connection.backend, timeout)
        except DatabaseError as error:
            log.debug("could not cancel a statement: {error}", error=error)
        finally:
            self._give_back(sibling)

    def _offer(self, connection: Connection) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.called:
                waiter.callback(connection)
                return
        self._idle.append(connection)

    def _open(self) -> None:
        opening = _detach(self._fill())
        if not opening.called:
            self._opening.add(opening)
            opening.addBoth(lambda _: self._opening.discard(opening))

    async def _fill(self) -> None:
        failures = 0
        while self._running:
            try:
                connection = await self._opener.open()
            except CancelledError:
                raise
            except ConnectFailed as error:
                self._reason = str(error)
            except Exception:
                log.failure("opening a database connection failed in an unforeseen way")
            else:
                self._welcome(connection)
                return
            await pause(self._clock, self._backoff.delay(failures, self._jitter()))
            failures += 1

    def _welcome(self, connection: Connection) -> None:
        connection.on_lost(lambda reason: self._lost(connection, reason))
        self._live.add(connection)
        if len(self._live) == 1:
            self._changed("the database is there")
        self._offer(connection)

    def _lost(self, connection: Connection, reason: str) -> None:
        self._live.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._running:
            self._reason = reason
            self._open()
        if not self._live:
            self._changed("the database is away: {reason}")

    def _changed(self, text: str) -> None:
        log.info(text, reason=self._reason)


def _detach(work: Awaitable[None]) -> Deferred[None]:
    """Let work go on by itself; what it fails with is logged, except that it was cancelled."""
    task: Deferred[None] = Deferred.fromCoroutine(work)  # type: ignore[arg-type]  # a coroutine

    def failed(failure: object) -> None:
        log.failure("work on a database connection failed", failure=failure)  # type: ignore[arg-type]

    task.addErrback(lambda failure: failure.trap(CancelledError) and None)
    task.addErrback(failed)
    return task


def open_pool(
    reactor: ReactorBase,
    settings: DatabaseSettings,
    size: int,
    *,
    jitter: Callable[[], float],
    program: str = "maasha",
) -> Pool:
    """Give a pool over the real reactor, not yet started."""
    return Pool(
        reactor, Connector(reactor, settings, SessionLimits(), program=program), size, jitter=jitter
    )
