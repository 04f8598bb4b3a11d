"""One connection of a worker's own, kept alive and watched: for LISTEN and for a session's lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db.backoff import Backoff
from maasha.db.connection import Connection
from maasha.db.connector import SessionLimits
from maasha.db.errors import (
    ConnectFailed,
    ConnectionLost,
    DatabaseError,
    DatabaseUnavailable,
    StatementCancelled,
)
from maasha.db.pool import RETRY_AFTER, Opener
from maasha.db.transaction import GRACE, Transaction, transact
from maasha.db.waiting import pause

T = TypeVar("T")
log = Logger()

PING_INTERVAL = 1.0
"""Seconds."""
LIMITS = SessionLimits(statement=2.0, idle_in_transaction=3.0, idle=3.0)
"""The server ends this session when it hears nothing for 3 s, three pings: a frozen leader loses
its lock then (another led after 2.6 s). Both idle limits are needed: the one of idle sessions does
not count inside a transaction."""

FORESEEN = ConnectFailed, ConnectionLost, DatabaseUnavailable, StatementCancelled
"""How a connection ends; it is unavailable to a ping that waited for its turn meanwhile."""


class Dedicated:
    """Keeps one connection open, asks it something each second, and tells when it comes and goes.

    `on_open` callbacks run, one after the other, on each new connection before anyone else may use
    it; `on_close` callbacks hear that it is lost.
    """

    def __init__(
        self,
        clock: IReactorTime,
        opener: Opener,
        *,
        jitter: Callable[[], float],
        backoff: Backoff = Backoff(),  # noqa: B008 -- frozen
        interval: float = PING_INTERVAL,
    ) -> None:
        self._clock = clock
        self._opener = opener
        self._jitter = jitter
        self._backoff = backoff
        self._interval = interval
        self._lock = DeferredLock()
        self._connection: Connection | None = None
        self._task: Deferred[None] | None = None
        self._on_open: list[Callable[[Connection], Awaitable[None]]] = []
        self._on_close: list[Callable[[str], None]] = []
        self._on_ping: list[Callable[[], Awaitable[None]]] = []

    @property
    def connected(self) -> bool:
        """Whether the connection is there and prepared."""
        return self._connection is not None

    @property
    def timeout(self) -> float:
        """Seconds that one statement may take."""
        return self._opener.limits.statement + GRACE

    def on_open(self, callback: Callable[[Connection], Awaitable[None]]) -> None:
        """Prepare each new connection with `callback`; if it fails the connection is given up."""
        self._on_open.append(callback)

    def on_close(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the reason when a prepared connection is lost."""
        self._on_close.append(callback)

    def on_ping(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call `callback` after each answered ping; what it raises is logged."""
        self._on_ping.append(callback)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = Deferred.fromCoroutine(self._keep())
        self._task.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def stop(self) -> None:
        """Close the connection, and with it whatever its session holds."""
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            self._connection.close("it is stopped")

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one transaction on this very connection, never twice.

        Raises DatabaseUnavailable if it is not there, ConnectionLost or OutcomeUnknown if it goes
        away meanwhile, and what the statements raise.
        """
        return await self._exclusively(
            lambda connection: transact(
                connection, work, statement_timeout=self._opener.limits.statement
            )
        )

    async def ask(self, sql: str, parameters: tuple[object, ...] | None = None) -> object:
        """Run one statement outside a transaction; gives the first value of its answer."""

        async def asked(connection: Connection) -> object:
            rows = (await connection.execute(sql, parameters, timeout=self.timeout)).rows
            return rows[0][0] if rows else None

        return await self._exclusively(asked)

    async def _exclusively(self, use: Callable[[Connection], Awaitable[T]]) -> T:
        await self._lock.acquire()
        connection = self._connection
        try:
            if connection is None:
                raise DatabaseUnavailable("its connection is being opened", RETRY_AFTER)
            return await use(connection)
        finally:
            if connection is not None and not connection.settled:
                self._settle_then_release(connection)
            else:
                self._lock.release()

    def _settle_then_release(self, connection: Connection) -> None:
        settling = Deferred.fromCoroutine(connection.settle(self.timeout))
        settling.addErrback(lambda failure: log.failure("settling failed", failure=failure))
        settling.addBoth(lambda _: self._lock.release())

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                connection = await self._open()
                failures = 0
                await self._watch(connection)
            except CancelledError:
                raise
            except FORESEEN as error:
                log.debug("no dedicated connection: {error}", error=error)
            except Exception:
                log.failure("the dedicated connection failed in an unforeseen way")
            await pause(self._clock, self._backoff.delay(failures, self._jitter()))
            failures += 1

    async def _open(self) -> Connection:
        connection = await self._opener.open()
        try:
            for prepare in self._on_open:
                await prepare(connection)
        except BaseException:
            connection.close("it could not be prepared")
            raise
        connection.on_lost(self._lost)
        self._connection = connection
        log.info("the dedicated connection is there")
        return connection

    async def _watch(self, connection: Connection) -> None:
        try:
            while not connection.closed:
                await self.ask("select 1")
                for callback in self._on_ping:
                    await self._guarded(callback)
                await pause(self._clock, self._interval)
        finally:  # the next is opened soon, and there are never two
            connection.close("it is watched no more")

    async def _guarded(self, callback: Callable[[], Awaitable[None]]) -> None:
        try:
            await callback()
        except DatabaseError as error:
            log.warn("after a ping: {error}", error=error)

    def _lost(self, reason: str) -> None:
        self._connection = None
        log.info("the dedicated connection is lost: {reason}", reason=reason)
        for callback in self._on_close:
            callback(reason)
