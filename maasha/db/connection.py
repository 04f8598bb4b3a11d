"""One connection to PostgreSQL over txpostgres, with its pitfalls mended.

txpostgres 1.7 is from 2019. What it gets wrong, and where that is put right:

- a connection attempt cannot be cancelled and knows no time limit: `connect` closes it instead;
- losing an idle connection logs a traceback, and while libpq still connects the reader is put back
  on a socket that libpq may have swapped: `_Socket`;
- cancelling a query leaves its connection busy: the caller fails at once, the connection knows that
  the server has not finished (`settled`);
- psycopg2's own cancel() holds Python's lock while it waits for the server (a stopped postmaster
  froze the whole process): it is not used. Whoever has another connection asks the server there
  (`interrupt`);
- statement_timeout looks like a CancelledError: it becomes StatementCancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg2
from psycopg2 import extensions
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.error import ConnectionLost as TransportLost
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from txpostgres import txpostgres

from maasha.db import values
from maasha.db.errors import ConnectionLost, DatabaseError
from maasha.db.row import Answer, Row
from maasha.db.sqlstate import describe, translate
from maasha.db.waiting import shielded, within

T = TypeVar("T")

BROKEN = (psycopg2.Error, ConnectionDone, TransportLost, OSError)
"""What a failing connection raises."""

values.register()


class _Cursor(txpostgres.Cursor):  # type: ignore[misc]  # txpostgres has no types
    """A cursor whose cancelled statement keeps its own error."""

    def _handleCancellation(self, failure: Failure) -> Failure:
        return failure


class _Socket(txpostgres.Connection):  # type: ignore[misc]  # txpostgres has no types
    """A txpostgres connection that says quietly, and once, that it is lost."""

    cursorFactory = _Cursor

    def __init__(self, reactor: ReactorBase) -> None:
        super().__init__(reactor, cooperator=object())
        self.lost: Callable[[str], None] = lambda _reason: None
        self.noticed: Callable[[str, str], None] = lambda _channel, _payload: None

    def doRead(self) -> None:
        if self._pollingD is not None:
            txpostgres._PollingMixin.doRead(self)
            return
        try:
            super().doRead()
        except psycopg2.Error as error:
            self.lost(describe(error))

    def connectionLost(self, reason: Failure) -> None:
        txpostgres._PollingMixin.connectionLost(self, reason)
        if self._pollingD is None:
            self.lost(describe(reason.value))

    def checkForNotifies(self) -> None:
        """Hand out notices here and now: their takers only make a note."""
        notices = list(self._connection.notifies)
        self._connection.notifies.clear()
        for notice in notices:
            self.noticed(notice.channel, notice.payload)

    def close(self) -> None:
        if self._connection is None:
            return
        try:
            super().close()
        except (OSError, KeyError, psycopg2.Error):
            # the reactor or libpq had already forgotten this socket
            return


class Connection:
    """A live connection that runs one statement at a time.

    When it breaks or is closed, `on_lost` callbacks hear the reason, once each.
    """

    def __init__(self, socket: _Socket, clock: IReactorTime) -> None:
        self._socket = socket
        self._clock = clock
        self._lost: list[Callable[[str], None]] = []
        self._running: list[Deferred[None]] | None = None
        self.interruptible = False
        """Whether a statement runs that may be stopped halfway (a COMMIT may not)."""
        self.closed = False
        self._reason = ""
        self.backend = int(socket.get_backend_pid())
        """The process id of the server's side."""
        socket.lost = self._break

    @property
    def settled(self) -> bool:
        """Whether the server runs nothing and no transaction is open."""
        idle = extensions.TRANSACTION_STATUS_IDLE
        return self._running is None and self._socket.get_transaction_status() == idle

    def on_lost(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the reason when this connection is lost or closed."""
        self._lost.append(callback)

    def on_notice(self, callback: Callable[[str, str], None]) -> None:
        """Call `callback` with channel and payload of every notice (NOTIFY)."""
        self._socket.noticed = callback

    async def execute(
        self,
        sql: str,
        parameters: Sequence[object] | Mapping[str, object] | None = None,
        *,
        timeout: float,
        interruptible: bool = True,
    ) -> Answer:
        """Run one statement (or several without parameters) and give the last one's answer.

        Without an answer in `timeout` seconds the connection is closed and lost. Raises the types
        of `maasha.db.errors`. Cancellation fails the caller at once; the server runs on until
        `settle` returns.
        """
        if self.closed:
            raise ConnectionLost(self._reason)
        if self._running is not None:
            raise RuntimeError("one statement at a time: await the one before")
        cursor = self._cursor()
        self._running, self.interruptible = [], interruptible
        timer = self._clock.callLater(timeout, self.close, late(timeout))
        running: Deferred[object] = cursor.execute(sql, parameters)

        def ended(result: object) -> Answer | Failure:
            if timer.active():
                timer.cancel()
            return self._ended(cursor, result)

        return await shielded(running.addBoth(ended), lambda: None)

    def _cursor(self) -> Any:
        try:
            return self._socket.cursor()
        except psycopg2.Error as error:
            self.close(describe(error))
            raise ConnectionLost(self._reason) from error

    def _ended(self, cursor: Any, result: object) -> Answer | Failure:
        waiting, self._running, self.interruptible = self._running or [], None, False
        try:
            return self._failed(result) if isinstance(result, Failure) else _answer(cursor)
        finally:
            for waiter in waiting:
                if not waiter.called:
                    waiter.callback(None)

    def _failed(self, failure: Failure) -> Failure:
        error = failure.value
        if isinstance(error, psycopg2.Error):
            typed = translate(error)
            if not (isinstance(typed, ConnectionLost) or self._socket.closed):
                return Failure(typed)
        elif not isinstance(error, BROKEN):
            return failure
        self.close(describe(error))
        return Failure(ConnectionLost(self._reason))

    async def settle(self, timeout: float) -> None:
        """Wait until the server has finished what it runs, then roll back.

        After `timeout` seconds, or when that fails, the connection is closed instead.
        """
        try:
            if self._running is not None:
                await self._finished(timeout)
            if not self.closed and not self.settled:
                await self.execute("rollback", timeout=timeout)
        except DatabaseError as error:
            self.close(f"could not be rolled back: {describe(error)}")

    async def _finished(self, timeout: float) -> None:
        waiter: Deferred[None] = Deferred()
        assert self._running is not None  # noqa: S101 -- the caller has just looked
        self._running.append(waiter)
        await within(self._clock, timeout, waiter, lambda: ConnectionLost(late(timeout)))

    def close(self, reason: str = "closed here") -> None:
        """Close for good; what runs fails with ConnectionLost. Twice is once."""
        self._break(reason)

    def _break(self, reason: str) -> None:
        if self.closed:
            return
        self.closed, self._reason = True, reason
        self._socket.close()
        callbacks, self._lost = self._lost, []
        for callback in callbacks:
            callback(reason)


def late(timeout: float) -> str:
    """Say that a deadline passed."""
    return f"no answer within {timeout:g} s"


def _answer(cursor: Any) -> Answer:
    """Take what the finished cursor holds."""
    rows: tuple[Row, ...] = ()
    if cursor.description is not None:
        columns = tuple(column.name for column in cursor.description)
        rows = tuple(Row(columns, row) for row in cursor.fetchall())
    answer = Answer(rows, max(0, cursor.rowcount))
    cursor.close()
    return answer


async def interrupt(sibling: Connection, backend: int, timeout: float) -> None:
    """Ask the server, over another connection, to stop what `backend` runs.

    When this returns the signal has been sent; the statement then fails or has just ended.
    """
    await sibling.execute("select pg_cancel_backend(%s)", (backend,), timeout=timeout)


async def connect(
    reactor: ReactorBase, parameters: Mapping[str, object], timeout: float
) -> Connection:
    """Open a connection to one address; `parameters` are libpq's, with `hostaddr` resolved.

    Raises ConnectionLost. After `timeout` seconds, or when the caller is cancelled, the attempt
    is closed.
    """
    socket = _Socket(reactor)
    timer = reactor.callLater(timeout, socket.close)
    try:
        await shielded(socket.connect(**parameters), socket.close)
        return Connection(socket, reactor)
    except BROKEN as error:
        socket.close()
        raise ConnectionLost(describe(error) if timer.active() else late(timeout)) from error
    finally:
        if timer.active():
            timer.cancel()
