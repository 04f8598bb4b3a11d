"""How long nobody was answered while somebody was asking, from what clients saw."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen


@frozen
class Asking:
    """A time in which a client asked for a lease; `answered`: an ACK ended it."""

    began: float
    ended: float
    answered: bool

    def within(self, first: float, last: float) -> Asking | None:
        """Give the part between two instants, None where there is none."""
        if self.ended <= first or self.began >= last:
            return None
        answered = self.answered and self.ended <= last
        return Asking(max(self.began, first), min(self.ended, last), answered)


def longest_silence(asked: Iterable[Asking]) -> float:
    """Give the seconds of the longest time without an ACK and with a client that waits for one.

    A time in which nobody asks is no silence: the next begins with the next question.
    """
    longest, began, waiting = 0.0, 0.0, 0
    for instant, asking, answered in _instants(asked):
        if waiting:
            longest = max(longest, instant - began)
        if answered or not waiting:
            began = instant
        waiting += asking
    return longest


def _instants(asked: Iterable[Asking]) -> list[tuple[float, int, bool]]:
    """Give, in order, when a client begins (+1) or ceases (-1) to ask, and whether by an ACK."""
    both = [
        edge for one in asked for edge in ((one.began, 1, False), (one.ended, -1, one.answered))
    ]
    return sorted(both)
