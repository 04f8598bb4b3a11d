"""How long to wait before the next attempt, growing with each failure and spread by jitter."""

from __future__ import annotations

from attrs import frozen


@frozen
class Backoff:
    """Seconds from `first`, times `factor` after each failure, up to `last`.

    Half a second at most: with PostgreSQL promoted 0.6 s after its primary was killed, pools with
    50..500 ms were writable 0.8 s after the kill, with pauses of seconds 2.5 s after it.
    """

    first: float = 0.05
    last: float = 0.5
    factor: float = 1.5

    def delay(self, failures: int, jitter: float) -> float:
        """Give the pause after `failures` earlier ones; `jitter` in 0..1 makes it 70 to 130 %."""
        steady = self.last
        # beyond this exponent the power only overflows
        if failures < 64:
            steady = min(self.last, self.first * self.factor**failures)
        return min(self.last, max(self.first, steady * (0.7 + 0.6 * jitter)))
