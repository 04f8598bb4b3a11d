"""The pool's patience, on a clock: without any database."""

from __future__ import annotations

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from maasha.db.backoff import Backoff
from maasha.db.connection import Connection
from maasha.db.connector import SessionLimits
from maasha.db.errors import ConnectFailed, DatabaseUnavailable
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction


class Closed:
    """An opener to which nobody opens; notes when it was asked."""

    limits = SessionLimits()

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self.error: Exception = ConnectFailed(("db1:5432: refused",))

    async def open(self) -> Connection:
        """Refuse."""
        self.asked.append(self.clock.seconds())
        raise self.error


async def nothing(_tx: Transaction) -> None:
    """Do nothing."""


class PoolTests(SynchronousTestCase):
    """A pool whose database is away."""

    def setUp(self) -> None:
        """Make a pool of one connection."""
        self.clock = Clock()
        self.opener = Closed(self.clock)
        backoff = Backoff(first=0.25, last=1.0, factor=2.0)
        self.pool = Pool(self.clock, self.opener, 1, jitter=lambda: 0.5, backoff=backoff)

    def test_backoff(self) -> None:
        """It asks again after pauses that grow to the longest."""
        self.pool.start()
        for _ in range(16):
            self.clock.advance(0.25)
        assert self.opener.asked == [0, 0.25, 0.75, 1.75, 2.75, 3.75]
        assert not self.pool.connected

    def test_unforeseen(self) -> None:
        """An error that nobody foresaw is logged, and does not end the attempts."""
        self.opener.error = ZeroDivisionError()
        self.pool.start()
        self.clock.advance(0.25)
        assert len(self.opener.asked) == 2
        assert len(self.flushLoggedErrors(ZeroDivisionError)) == 2

    def test_patience(self) -> None:
        """A caller waits for five seconds and then hears why, and when to come back."""
        self.pool.start()
        work = Deferred.fromCoroutine(self.pool.run(nothing))
        self.clock.advance(4.9)
        self.assertNoResult(work)
        assert (self.pool.open, self.pool.in_use, self.pool.waiting) == (0, 0, 1)
        self.clock.advance(0.1)
        error = cast(DatabaseUnavailable, self.failureResultOf(work, DatabaseUnavailable).value)
        assert error.reason == "db1:5432: refused"
        assert error.retry_after == 2.0

    def test_not_started(self) -> None:
        """Before its start, and after its stop, a pool refuses at once and asks nobody."""
        work = Deferred.fromCoroutine(self.pool.run(nothing))
        assert "not started" in str(self.failureResultOf(work, DatabaseUnavailable).value)
        self.pool.start()
        waiting = Deferred.fromCoroutine(self.pool.run(nothing))
        self.successResultOf(Deferred.fromCoroutine(self.pool.stop()))
        assert "stopped" in str(self.failureResultOf(waiting, DatabaseUnavailable).value)
        self.clock.advance(60.0)
        assert len(self.opener.asked) == 1
        assert not self.clock.getDelayedCalls()
