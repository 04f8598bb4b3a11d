"""The dedicated connection when it fails between two pings, on a clock: without any database."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from maasha.db.backoff import Backoff
from maasha.db.connection import Connection
from maasha.db.connector import SessionLimits
from maasha.db.dedicated import Dedicated
from maasha.db.errors import ConnectionLost, DatabaseUnavailable, StatementCancelled
from maasha.db.row import Answer


class Line:
    """A connection whose answers the test gives."""

    settled = True

    def __init__(self) -> None:
        self.closed = False
        self.asked: list[Deferred[Answer]] = []
        self._lost: list[Callable[[str], None]] = []

    def on_lost(self, callback: Callable[[str], None]) -> None:
        """Note who wants to hear."""
        self._lost.append(callback)

    async def execute(self, *_: object, **__: object) -> Answer:
        """Wait for what the test says."""
        answer: Deferred[Answer] = Deferred()
        self.asked.append(answer)
        return await answer

    def close(self, reason: str) -> None:
        """Tell of it once."""
        if not self.closed:
            self.closed = True
            for callback in self._lost:
                callback(reason)


class Lines:
    """Opens them; all that were ever opened are kept."""

    limits = SessionLimits()

    def __init__(self) -> None:
        self.opened: list[Line] = []

    async def open(self) -> Connection:
        """Give another one."""
        self.opened.append(Line())
        return cast(Connection, self.opened[-1])


class DedicatedTests(SynchronousTestCase):
    """One connection at a time, whatever happens to it."""

    def setUp(self) -> None:
        """Open the first, which is asked something at once."""
        self.clock, self.lines = Clock(), Lines()
        backoff = Backoff(first=0.25, last=1.0, factor=2.0)
        self.dedicated = Dedicated(self.clock, self.lines, jitter=lambda: 0.5, backoff=backoff)
        self.dedicated.start()
        (self.first,) = self.lines.opened

    def test_a_ping_waits_while_the_connection_is_lost(self) -> None:
        """Somebody uses it, a ping waits, the server ends it: that is foreseen."""
        self.first.asked[0].callback(Answer((), 1))
        using = Deferred.fromCoroutine(self.dedicated.ask("select 2"))
        self.clock.advance(1.0)
        self.first.close("idle for too long")
        self.first.asked[1].errback(ConnectionLost("idle for too long"))
        self.failureResultOf(using, ConnectionLost)
        assert not self.dedicated.connected
        self.clock.advance(1.0)
        assert self.flushLoggedErrors() == []
        assert len(self.lines.opened) == 2
        assert self.dedicated.connected

    def test_a_ping_that_is_cancelled_leaves_no_second_connection(self) -> None:
        """The one that did not answer in time is closed before another is opened."""
        self.first.asked[0].errback(StatementCancelled("statement timeout"))
        assert self.first.closed
        assert not self.dedicated.connected
        self.failureResultOf(
            Deferred.fromCoroutine(self.dedicated.ask("select 2")), DatabaseUnavailable
        )
        self.clock.advance(1.0)
        assert [line.closed for line in self.lines.opened] == [True, False]
        assert self.dedicated.connected
        assert self.flushLoggedErrors() == []
