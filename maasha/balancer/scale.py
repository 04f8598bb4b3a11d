"""The rule of evenness: what is out of band, and between whom something should move.

A *bin* is a worker, or a region with its workers. Its load is what it holds over its capacity. A
region is judged by the loads that its workers would have if it were even in itself: the greatest is
its `top`, the least its `bottom`; those of a worker are its load.

A move from a donor to a receiver is *worth* it if the donor's top is above, or the receiver's
bottom below, the inner band around the mean, and the move does not merely swap the two. Where no
move is worth it the loads are at rest. Each such move leaves the greatest load no greater and the
least no less, and never goes back: so moves come to an end.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from math import ceil, floor
from typing import Generic, TypeVar

from attrs import frozen

from maasha.balancer.policy import Policy
from maasha.model.cluster import SystemId, WorkerId

Key = TypeVar("Key", SystemId, WorkerId)

EPSILON = 1e-9
"""Loads this close are equal: they are quotients."""
Ties = Callable[[Key], Container[Key]]
"""Gives the receivers to which a donor could give something."""


@frozen
class Bin:
    """What holds something."""

    capacity: float
    parts: tuple[float, ...]
    """The different capacities of its workers."""
    grain: float
    """How much one link adds to the load of its smallest worker."""


def bin_of(capacities: Sequence[float]) -> Bin:
    """Give the bin of workers with these capacities."""
    parts = tuple(sorted(set(capacities)))
    return Bin(sum(capacities), parts, 1.0 / parts[0])


class Scale(Generic[Key]):
    """Bins in the order of their loads, then of their keys."""

    def __init__(self, bins: Mapping[Key, Bin], policy: Policy) -> None:
        self._bins: Mapping[Key, Bin] = bins
        self._policy = policy
        self._held: dict[Key, int] = dict.fromkeys(bins, 0)
        self._entries: dict[Key, tuple[float, Key]] = {key: (0.0, key) for key in bins}
        self._order: list[tuple[float, Key]] = sorted(self._entries.values())
        self._capacity = sum(one.capacity for one in bins.values())
        self._least = min((1.0 / one.capacity for one in bins.values()), default=0.0)
        self._most = max((one.grain for one in bins.values()), default=0.0)
        self._total = 0

    @property
    def mean(self) -> float:
        """What all hold over all capacity."""
        return self._total / self._capacity

    def add(self, key: Key, number: int) -> None:
        """Put more into a bin, or take it out if the number is negative; others are ignored."""
        if number and key in self._entries:
            self._change(key, number)
            self._total += number

    def shift(self, donor: Key, receiver: Key) -> None:
        """Take one out of a bin and put it into another."""
        self._change(donor, -1)
        self._change(receiver, 1)

    def _change(self, key: Key, number: int) -> None:
        order, entries = self._order, self._entries
        del order[bisect_left(order, entries[key])]
        held = self._held[key] = self._held[key] + number
        entries[key] = entry = (held / self._bins[key].capacity, key)
        insort(order, entry)

    def held(self, key: Key) -> int:
        """Give what a bin holds."""
        return self._held[key]

    def load(self, key: Key) -> float:
        """Give the load of a bin."""
        return self._entries[key][0]

    def bears(self, key: Key, other: Key) -> bool:
        """Whether with one more a bin has no greater load than another has now."""
        return (self._held[key] + 1) / self._bins[key].capacity <= self.load(other) + EPSILON

    def rising(self) -> Iterator[Key]:
        """Give the bins, the emptiest first."""
        return (key for _, key in self._order)

    def falling(self) -> Iterator[Key]:
        """Give the bins, the fullest first."""
        return (key for _, key in reversed(self._order))

    def out_of_band(self, mean: float) -> bool:
        """Whether the loads of workers are so uneven that something is to be done."""
        (least, empty), (most, full) = self._order[0], self._order[-1]
        act = self._policy.act
        outside = most > act * mean + EPSILON or least < mean / act - EPSILON
        step = (self._bins[full].grain + self._bins[empty].grain) / 2
        return outside and most - least >= self._policy.spread * step - EPSILON

    def at_rest(self, mean: float) -> bool:
        """Whether no move is worth it."""
        return not any(True for _ in self.worth(mean))

    def clearest(self, mean: float) -> tuple[Key, Key] | None:
        """Give the fullest and the emptiest bin where a move between them is worth it by far.

        It is what `worth` would give first, and much quicker to see.
        """
        (empty, receiver), (full, donor) = self._order[0], self._order[-1]
        rest = self._policy.rest
        far = full - empty >= 2 * self._most - EPSILON
        if far and (full > rest * mean + EPSILON or empty < mean / rest - EPSILON):
            return donor, receiver
        return None

    def worth(self, mean: float, ties: Ties[Key] | None = None) -> Iterator[tuple[Key, Key]]:
        """Give the donors and receivers of moves that are worth it, fullest to emptiest first.

        `ties` leaves out receivers that a donor can give nothing.
        """
        high, low = self._policy.rest * mean + EPSILON, mean / self._policy.rest - EPSILON
        least_gap, clear_gap = 2 * self._least - EPSILON, 2 * self._most - EPSILON
        for full, donor in reversed(self._order):
            tied = None
            for empty, receiver in self._order[:-1]:
                gap = full - empty
                if gap < least_gap:
                    break
                clear = gap >= clear_gap and (full > high or empty < low)  # quick to see
                if not clear and not self._outside(donor, receiver, high, low):
                    break
                if ties is not None:
                    tied = ties(donor) if tied is None else tied
                    if receiver not in tied:
                        continue
                if clear or self._evens(donor, receiver):
                    yield donor, receiver

    def _outside(self, donor: Key, receiver: Key, high: float, low: float) -> bool:
        return self._top(donor) > high or self._bottom(receiver) < low

    def _evens(self, donor: Key, receiver: Key) -> bool:
        """Whether a move from one to the other does not merely swap them."""
        giving, taking = self._bins[donor], self._bins[receiver]
        left = (self._held[donor] - 1) / giving.capacity
        if left < (self._held[receiver] + 1) / taking.capacity - EPSILON:
            return False
        gap = self._top(donor) - self._bottom(receiver)
        return gap >= giving.grain + taking.grain - EPSILON

    def _top(self, key: Key) -> float:
        load = self.load(key)
        return max(ceil(load * part - EPSILON) / part for part in self._bins[key].parts)

    def _bottom(self, key: Key) -> float:
        load = self.load(key)
        return min(floor(load * part + EPSILON) / part for part in self._bins[key].parts)
