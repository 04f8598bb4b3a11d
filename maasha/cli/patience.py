"""When to look again at what takes its time, and when to give up waiting for it."""

from __future__ import annotations

from attrs import evolve, frozen

LOOK = 1.0
"""Seconds between looks."""
LONGEST = 10.0
"""The same after many looks in a row without an answer: a region is back within that anyway."""
ANSWER = 10.0
"""Seconds that an answer may take: the one that is asked may be the one that ends."""


@frozen
class Patience:
    """How long somebody waits; instants are seconds of a clock that is never set."""

    until: float
    misses: int = 0
    """Looks in a row without an answer."""
    rest: float = 0.0
    """Seconds for which whoever is away asked not to be asked."""

    def pause(self, now: float) -> float:
        """Give the seconds until the next look, the last of which is in time; 0: time is up."""
        pause = min(LOOK * 2.0 ** max(0, min(self.misses - 1, 10)), LONGEST)
        return max(0.0, min(max(pause, self.rest), self.until - now))

    def timeout(self, now: float, most: float = ANSWER) -> float:
        """Give the seconds that the answer to a look may take: the last look has some, too."""
        return max(LOOK, min(most, self.until - now))

    def missed(self, rest: float = 0.0) -> Patience:
        """Give what is left after a look without an answer."""
        return evolve(self, misses=self.misses + 1, rest=rest)

    @property
    def answered(self) -> Patience:
        """What is left after an answer."""
        return evolve(self, misses=0, rest=0.0)
