"""One look serves all who ask during it and shortly after."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from maasha.api.shared import Shared


class SharedTests(SynchronousTestCase):
    """Answers that are good for half a second."""

    def setUp(self) -> None:
        """Look when the test says so."""
        self.clock = Clock()
        self.looks: list[Deferred[str]] = []
        self.shared = Shared(self.clock, self.look, 0.5)

    async def look(self) -> str:
        """Look."""
        self.looks.append(Deferred())
        return await self.looks[-1]

    def get(self) -> Deferred[str]:
        """Ask."""
        return Deferred.fromCoroutine(self.shared.get())

    def test_one_look_for_all(self) -> None:
        """Who asks meanwhile gets the same answer."""
        first, second = self.get(), self.get()
        assert len(self.looks) == 1
        self.looks[0].callback("found")
        assert [self.successResultOf(each) for each in (first, second)] == ["found", "found"]

    def test_fresh(self) -> None:
        """It counts from when the look began; then there is another."""
        self.get()
        self.clock.advance(0.3)
        self.looks[0].callback("found")
        assert self.successResultOf(self.get()) == "found"
        self.clock.advance(0.2)
        later = self.get()
        self.looks[1].callback("other")
        assert self.successResultOf(later) == "other"

    def test_failure(self) -> None:
        """All hear of it, and the next who asks has it tried again."""
        first, second = self.get(), self.get()
        self.looks[0].errback(ZeroDivisionError())
        self.failureResultOf(first, ZeroDivisionError)
        self.failureResultOf(second, ZeroDivisionError)
        third = self.get()
        self.looks[1].callback("found")
        assert self.successResultOf(third) == "found"

    def test_cancelled(self) -> None:
        """One who went away costs the others nothing."""
        first, second = self.get(), self.get()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.looks[0].callback("found")
        assert self.successResultOf(second) == "found"
