"""Waits that end."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from maasha.db.waiting import pause, shielded, within


class ShieldedTests(SynchronousTestCase):
    """A Deferred whose cancellation does not reach the work."""

    def test_result(self) -> None:
        """The work's result and failure come through."""
        assert self.successResultOf(shielded(succeed(1), lambda: None)) == 1
        inner: Deferred[int] = Deferred()
        outer = shielded(inner, lambda: None)
        inner.errback(ZeroDivisionError())
        self.failureResultOf(outer, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """A cancelled caller hears it first, then the work is told; its end is dropped."""
        inner: Deferred[int] = Deferred()
        order: list[str] = []
        outer = shielded(inner, lambda: order.append("abandoned"))
        outer.addErrback(self._note, order)
        outer.cancel()
        assert order == ["CancelledError", "abandoned"]
        inner.callback(1)
        assert not inner.paused

    @staticmethod
    def _note(failure: Failure, order: list[str]) -> int:
        order.append(type(failure.value).__name__)
        return 0


class WithinTests(SynchronousTestCase):
    """A wait with a deadline."""

    def test_in_time(self) -> None:
        """A result in time stops the timer."""
        clock, waiter = Clock(), Deferred[int]()
        work = Deferred.fromCoroutine(within(clock, 1.0, waiter, TimeoutError))
        waiter.callback(5)
        assert self.successResultOf(work) == 5
        assert not clock.getDelayedCalls()

    def test_late(self) -> None:
        """At the deadline the wait fails with the error that was asked for."""
        clock, waiter = Clock(), Deferred[int]()
        work = Deferred.fromCoroutine(within(clock, 1.0, waiter, TimeoutError))
        clock.advance(0.9)
        self.assertNoResult(work)
        clock.advance(0.1)
        self.failureResultOf(work, TimeoutError)

    def test_cancelled(self) -> None:
        """A cancelled wait leaves no timer."""
        clock, waiter = Clock(), Deferred[int]()
        work = Deferred.fromCoroutine(within(clock, 1.0, waiter, TimeoutError))
        work.cancel()
        self.failureResultOf(work, CancelledError)
        assert not clock.getDelayedCalls()

    def test_pause(self) -> None:
        """A pause lasts as long as it says."""
        clock = Clock()
        work = Deferred.fromCoroutine(pause(clock, 2.0))
        clock.advance(1.9)
        self.assertNoResult(work)
        clock.advance(0.1)
        self.successResultOf(work)
