"""A rush is seen, waited for, and not for ever."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from maasha.region.rush import FEW, LONGEST, LOOK, WINDOW, Rush


class RushTests(SynchronousTestCase):
    """On a clock."""

    def setUp(self) -> None:
        """Begin when nobody comes."""
        self.clock = Clock()
        self.rush = Rush(self.clock)

    def come(self, racks: int) -> None:
        """Have racks come."""
        for _ in range(racks):
            self.rush.came()

    def wait(self) -> Deferred[None]:
        """Wait for its end."""
        return Deferred.fromCoroutine(self.rush.over())

    def test_few(self) -> None:
        """Some racks at the same time are no rush, and nobody waits."""
        self.come(FEW)
        assert not self.rush.now
        self.successResultOf(self.wait())

    def test_many(self) -> None:
        """More are one, until they have come."""
        self.come(FEW + 1)
        assert self.rush.now
        waiting = self.wait()
        self.clock.pump([LOOK] * 4)
        self.assertNoResult(waiting)
        self.clock.pump([LOOK] * 2)
        assert not self.rush.now
        self.successResultOf(waiting)

    def test_one_after_the_other(self) -> None:
        """Racks that come calmly are none, however many they are."""
        for _ in range(100):
            self.rush.came()
            self.clock.advance(WINDOW / FEW)
            assert not self.rush.now

    def test_no_end(self) -> None:
        """What waits goes on in the end."""
        waiting = self.wait_in_a_rush()
        for _ in range(round(LONGEST / LOOK) + 1):
            self.come(FEW + 1)
            self.clock.advance(LOOK)
        self.successResultOf(waiting)

    def wait_in_a_rush(self) -> Deferred[None]:
        """Wait for the end of one that has just begun."""
        self.come(FEW + 1)
        return self.wait()
