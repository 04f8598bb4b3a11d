"""What comes while one lot is under way goes with the next."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from maasha.region.gathering import Gathering, TooMany


@define
class Work:
    """Doubles numbers, lot by lot, when the test says so."""

    lots: list[Sequence[int]] = field(factory=list)
    under_way: list[Deferred[None]] = field(factory=list)

    async def __call__(self, lot: Sequence[int]) -> Sequence[int]:
        """Work."""
        self.lots.append(lot)
        self.under_way.append(Deferred())
        await self.under_way[-1]
        return [2 * item for item in lot]

    def done(self) -> None:
        """End the lot under way."""
        self.under_way[-1].callback(None)


class GatheringTests(SynchronousTestCase):
    """Lots of three, of five that wait."""

    def setUp(self) -> None:
        """Make one at rest."""
        self.work, self.clock = Work(), Clock()
        self.gathering: Gathering[int, int] = Gathering(
            self.clock, self.work, most=3, longest=5, patience=2.0
        )

    def add(self, *items: int) -> list[Deferred[int]]:
        """Add items."""
        return [Deferred.fromCoroutine(self.gathering.add(item)) for item in items]

    def test_alone(self) -> None:
        """One item waits for nobody."""
        (result,) = self.add(1)
        assert self.work.lots == [[1]]
        self.work.done()
        assert self.successResultOf(result) == 2

    def test_together(self) -> None:
        """The others go together, so many at most, in their order."""
        results = self.add(1, 2, 3, 4, 5)
        for _ in range(3):
            self.work.done()
        assert self.work.lots == [[1], [2, 3, 4], [5]]
        assert [self.successResultOf(result) for result in results] == [2, 4, 6, 8, 10]
        self.add(6)
        assert self.work.lots[-1] == [6]

    def test_too_many(self) -> None:
        """More than may wait are refused at once."""
        self.add(0, 1, 2, 3, 4, 5)
        (refused,) = self.add(6)
        self.failureResultOf(refused, TooMany)

    def test_too_long(self) -> None:
        """Whose turn does not come in time is refused; what is under way goes on."""
        first, second = self.add(1, 2)
        self.clock.advance(2.0)
        self.failureResultOf(second, TooMany)
        self.work.done()
        assert self.successResultOf(first) == 2
        assert self.work.lots == [[1]]
        assert self.clock.getDelayedCalls() == []

    def test_in_time(self) -> None:
        """Nobody's patience ends when the turn has come."""
        _, second = self.add(1, 2)
        self.clock.advance(1.9)
        self.work.done()
        self.clock.advance(1.9)
        self.work.done()
        assert self.successResultOf(second) == 4
        assert self.clock.getDelayedCalls() == []

    def test_failure(self) -> None:
        """It is that of the whole lot, and of no other."""
        first, second = self.add(1, 2)
        self.work.under_way[0].errback(ZeroDivisionError())
        self.failureResultOf(first, ZeroDivisionError)
        self.work.done()
        assert self.successResultOf(second) == 4

    def test_cancelled(self) -> None:
        """Nothing is done for a caller that has gone; what is under way is done for nobody."""
        first, second, third = self.add(1, 2, 3)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.work.done()
        self.work.done()
        assert self.work.lots == [[1], [3]]
        assert self.successResultOf(third) == 6

    def test_all_cancelled(self) -> None:
        """An empty lot is no work."""
        _, second = self.add(1, 2)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.work.done()
        assert self.work.lots == [[1]]
        self.add(3)
        assert self.work.lots == [[1], [3]]
