"""The rule of evenness: what is out of band, and between whom something should move.

A *bin* is a worker, or a region with its workers. Its load is what it holds over its capacity. A
region is judged by the loads that its workers would have if it were even in itself: the greatest is
its `top`, the least its `bottom`; those of a worker are its load.

A move from a donor to a receiver is *worth* it if the donor's top is above, or the receiver's bottom
below, the inner band around the mean, and the move does not merely swap the two. Where no move is
worth it the loads are at rest. Each such move leaves the greatest load no greater and the least no
less, and never goes back: so moves come to an end.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from math import ceil, floor
from operator import itemgetter
from typing import Generic, TypeVar

from attrs import frozen

from maasha.balancer.policy import Policy

Key = TypeVar("Key", str, int)

EPSILON = 1e-9
"""Loads this close are equal: they are quotients."""
KEY = itemgetter(1)
Ties = Callable[[Key], Container[Key]]


@frozen
class Bin:
    """What holds something."""

    capacity: float
    parts: tuple[float, ...]
    """The different capacities of its workers."""
    grain: float
    """How much one link is of its largest worker's load."""
    single: bool
    """It is one worker."""
    alike: bool
    """Its workers have one capacity."""


def bin_of(capacities: Sequence[float]) -> Bin:
    """Give the bin of workers with these capacities."""
    parts = tuple(sorted(set(capacities)))
    return Bin(sum(capacities), parts, 1.0 / parts[-1], len(capacities) == 1, len(parts) == 1)


class Scale(Generic[Key]):
    """Bins in the order of their loads, then of their keys."""

    def __init__(self, bins: Mapping[Key, Bin], policy: Policy) -> None:
        self._bins = bins
        self._policy = policy
        self._held = dict.fromkeys(bins, 0)
        self._entries = {key: (0.0, key) for key in bins}
        self._order = sorted(self._entries.values())
        self._capacity = sum(one.capacity for one in bins.values())
        self._single = all(one.single for one in bins.values())
        self._equals = self._single and len({one.capacity for one in bins.values()}) < 2
        self._least = min((1.0 / one.capacity for one in bins.values()), default=0.0)
        self._total = 0

    @property
    def mean(self) -> float:
        """What all hold over all capacity."""
        return self._total / self._capacity

    def add(self, key: Key, number: int) -> None:
        """Put more into a bin, or take it out if the number is negative; others are ignored."""
        entry = self._entries.get(key)
        if entry is not None and number:
            order = self._order
            del order[bisect_left(order, entry)]
            held = self._held[key] = self._held[key] + number
            entry = self._entries[key] = held / self._bins[key].capacity, key
            insort(order, entry)
            self._total += number

    def held(self, key: Key) -> int:
        """Give what a bin holds."""
        return self._held[key]

    def load(self, key: Key) -> float:
        """Give the load of a bin."""
        return self._entries[key][0]

    def rising(self) -> Iterator[Key]:
        """Give the bins, the emptiest first."""
        return map(KEY, self._order)

    def falling(self) -> Iterator[Key]:
        """Give the bins, the fullest first."""
        return map(KEY, reversed(self._order))

    def out_of_band(self, mean: float) -> bool:
        """Whether the loads of workers are so uneven that something is to be done."""
        if not self._order:
            return False
        (least, empty), (most, full) = self._order[0], self._order[-1]
        act = self._policy.act
        outside = most > act * mean + EPSILON or least < mean / act - EPSILON
        step = (self._bins[full].grain + self._bins[empty].grain) / 2
        return outside and most - least >= self._policy.spread * step - EPSILON

    def at_rest(self, mean: float) -> bool:
        """Whether no move is worth it."""
        return not any(True for _ in self.worth(mean))

    def worth(self, mean: float, ties: Ties[Key] | None = None) -> Iterator[tuple[Key, Key]]:
        """Give the donors and receivers of moves that are worth it, fullest to emptiest first.

        `ties` leaves out receivers that a donor can give nothing.
        """
        high, low = self._policy.rest * mean + EPSILON, mean / self._policy.rest - EPSILON
        least_gap, single = 2 * self._least - EPSILON, self._single
        for full, donor in reversed(self._order):
            top, possible = full if single else self._top(donor, full), False
            tied = None if ties is None else ties(donor)
            for empty, receiver in self._order:
                bottom = empty if single else self._bottom(receiver, empty)
                if full - empty < least_gap or (top <= high and bottom >= low):
                    break
                possible = True
                if tied is not None and receiver not in tied:
                    continue
                if self._equals or self._evens(donor, receiver, top - bottom):
                    yield donor, receiver
            if not possible:
                return

    def _evens(self, donor: Key, receiver: Key, gap: float) -> bool:
        """Whether a move from one to the other does not merely swap them."""
        giving, taking = self._bins[donor], self._bins[receiver]
        left = (self._held[donor] - 1) / giving.capacity
        if left < (self._held[receiver] + 1) / taking.capacity - EPSILON:
            return False
        return gap >= giving.grain + taking.grain - EPSILON

    def _top(self, key: Key, load: float) -> float:
        one = self._bins[key]
        if one.alike:
            return ceil(load / one.grain - EPSILON) * one.grain
        return max(ceil(load * part - EPSILON) / part for part in one.parts)

    def _bottom(self, key: Key, load: float) -> float:
        one = self._bins[key]
        if one.alike:
            return floor(load / one.grain + EPSILON) * one.grain
        return min(floor(load * part + EPSILON) / part for part in one.parts)
