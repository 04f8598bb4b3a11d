"""What is between a client's connection and the server: the way there, its length and its gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from attrs import define, frozen
from psycopg2 import extensions
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from maasha.db.connection import Connection
from maasha.db.connector import CONNECT_TIMEOUT, SessionLimits
from maasha.db.errors import ConnectFailed
from tests.memory.meanings import Rows
from tests.memory.server import Database, Parameters

ENDS = ("commit", "rollback")
ALONE = ("begin", *ENDS)
"""The statements of a transaction whose answers take their time. All that is asked between BEGIN's
answer and the end is asked in one moment, so one transaction comes after the other."""


@define(eq=False)
class Way:
    """The way to the server; where it is not `up` nobody hears anything of anybody."""

    up: bool = True
    refused: bool = False
    """Whether the server is down: that is heard at once."""
    latency: float = 0.0
    """Seconds."""


@frozen
class Column:
    """A column of an answer."""

    name: str


class Cursor:
    """One statement and its answer, as psycopg2 has them."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._rows: Sequence[Mapping[str, object]] = ()
        self.description: tuple[Column, ...] | None = None
        self.rowcount = -1

    def execute(self, sql: str, parameters: Parameters) -> Deferred[Cursor]:
        """Send a statement; fires when the answer is there."""
        asked = self._socket.ask(sql, parameters)
        return asked.addCallback(self._answered)

    def _answered(self, answer: Rows | int) -> Cursor:
        if isinstance(answer, int):
            self.rowcount = answer
        else:
            self._rows, self.rowcount = answer, len(answer)
            self.description = tuple(Column(name) for name in (answer[0] if answer else ()))
        return self

    def fetchall(self) -> list[tuple[object, ...]]:
        """Give the rows."""
        return [tuple(row.values()) for row in self._rows]

    def close(self) -> None:
        """Nothing is held."""


class Socket:
    """In the place of txpostgres below `maasha.db.connection.Connection`.

    `clock` is the client's own: while its process is stopped answers wait there.
    """

    def __init__(
        self, database: Database, clock: IReactorTime, way: Way, limits: SessionLimits
    ) -> None:
        self._clock = clock
        self._way = way
        self._session = database.connect(limits, self._hear)
        self._database = database
        self._asked: Deferred[Rows | int] | None = None
        self.closed = False
        self.lost = _ignore
        self.noticed = _ignore_notice

    def get_backend_pid(self) -> int:
        """Name the session."""
        return self._session.backend

    def get_transaction_status(self) -> int:
        """Tell whether a transaction is open."""
        status = extensions.TRANSACTION_STATUS_IDLE
        return extensions.TRANSACTION_STATUS_INTRANS if self._session.open else status

    def cursor(self) -> Cursor:
        """Give a new one."""
        return Cursor(self)

    def close(self) -> None:
        """Close; the server notices, where there is a way to it."""
        self.closed = True
        if self._way.up:
            self._session.end()
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.errback(ConnectionDone("closed here"))

    def ask(self, sql: str, parameters: Parameters) -> Deferred[Rows | int]:
        """Send a statement."""
        verb = sql.split(maxsplit=1)[0]
        if self._session.open and verb not in ALONE:
            return self._ask_now(sql, parameters)
        answered = self._asked = Deferred[Rows | int]()
        if self._way.latency and verb not in ENDS:
            later = self._database.clock.callLater
            later(self._way.latency, self._arrive, answered, sql, parameters)
        else:
            self._arrive(answered, sql, parameters)
        return answered

    def _ask_now(self, sql: str, parameters: Parameters) -> Deferred[Rows | int]:
        if not self._way.up:
            self._asked = Deferred()
            return self._asked
        try:
            return succeed(self._session.ask(sql, parameters))
        except Exception:
            failed: Deferred[Rows | int] = Deferred()
            failed.errback(Failure())
            return failed

    def _arrive(self, answered: Deferred[Rows | int], sql: str, parameters: Parameters) -> None:
        if self._way.refused:
            self._answer(answered, Failure(ConnectionDone("the server is down")))
        elif self._way.up and not self.closed:
            result: Rows | int | Failure
            try:
                result = self._session.ask(sql, parameters)
            except Exception:
                result = Failure()
            if self._way.latency:
                self._clock.callLater(self._way.latency, self._answer, answered, result)
            else:
                self._answer(answered, result)

    def _answer(self, answered: Deferred[Rows | int], result: Rows | int | Failure) -> None:
        """Have the answer arrive, unless it is on a way that ends before."""
        if self._way.up and not self.closed:
            self._asked = None
            answered.callback(result)  # a Failure makes it fail

    def _hear(self, channel: str, payload: str) -> None:
        self._clock.callLater(self._way.latency, self._notice, channel, payload)

    def _notice(self, channel: str, payload: str) -> None:
        if self._way.up and not self.closed:
            self.noticed(channel, payload)

    def vanish(self, *, noticed: bool) -> None:
        """End without a word from the client."""
        self.closed = True
        if noticed:
            self._session.end()

    def break_off(self, reason: str) -> None:
        """Have the client notice that the server is gone."""
        if not self.closed:
            self.lost(reason)


def _ignore(_reason: str) -> None:
    """Do nothing."""


def _ignore_notice(_channel: str, _payload: str) -> None:
    """Do nothing."""


class Opener:
    """Opens connections to the database in memory: an `Opener` of pools."""

    def __init__(
        self, database: Database, clock: IReactorTime, way: Way, limits: SessionLimits
    ) -> None:
        self._database = database
        self._clock = clock
        self._way = way
        self.limits = limits
        self.sockets: list[Socket] = []

    async def open(self) -> Connection:
        """Give a new connection; raises ConnectFailed."""
        if self._way.latency:
            await deferLater(self._clock, self._way.latency)
        if not self._way.up:
            await deferLater(self._clock, CONNECT_TIMEOUT)
            raise ConnectFailed(("no answer",))
        if self._way.refused:
            raise ConnectFailed(("refused",))
        socket = Socket(self._database, self._clock, self._way, self.limits)
        self.sockets = [one for one in self.sockets if not one.closed] + [socket]
        return Connection(cast(Any, socket), self._clock)

    def break_off(self) -> None:
        """Have the client's kernel say that the server is gone, as soon as the client listens."""
        for socket in self.sockets:
            self._clock.callLater(self._way.latency, socket.break_off, "the server is gone")

    def vanish(self) -> None:
        """Kill the client: the server hears of it, where there is a way."""
        for socket in self.sockets:
            socket.vanish(noticed=self._way.up)
