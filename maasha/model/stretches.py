"""Sets of IPv6 addresses as sorted stretches: what two have in common, what is left, halves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address

from maasha.model.network import Stretch

Stretches = tuple[Stretch, ...]
"""Sorted, with a gap between any two: equal sets are equal tuples. All functions here give such."""


def stretch(first: int, last: int) -> Stretch:
    """Give the addresses from one number to another."""
    return Stretch(IPv6Address(first), IPv6Address(last))


def size(held: Iterable[Stretch]) -> int:
    """Count addresses."""
    return sum(int(each.end) - int(each.start) + 1 for each in held)


def joined(some: Iterable[Stretch]) -> Stretches:
    """Give the addresses that are in any of the stretches."""
    found: list[Stretch] = []
    for each in sorted(some):
        if found and int(each.start) <= int(found[-1].end) + 1:
            found[-1] = Stretch(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return tuple(found)


def common(some: Iterable[Stretch], others: Iterable[Stretch]) -> Stretches:
    """Give the addresses that are in both."""
    against = tuple(others)
    return joined(piece for one in some for two in against for piece in _both(one, two))


def without(some: Iterable[Stretch], gone: Iterable[Stretch]) -> Stretches:
    """Give the addresses that are in the first alone."""
    left = joined(some)
    for each in gone:
        left = tuple(piece for one in left for piece in _rest(one, each))
    return left


def union(some: Iterable[Stretch], others: Iterable[Stretch]) -> Stretches:
    """Give the addresses that are in either."""
    return joined((*some, *others))


def lower_half(held: Iterable[Stretch]) -> Stretches:
    """Give the lower half of each stretch; of an odd number it has one more."""
    return tuple(stretch(int(each.start), _middle(each)) for each in held)


def upper_half(held: Iterable[Stretch]) -> Stretches:
    """Give what `lower_half` leaves."""
    return tuple(
        stretch(_middle(each) + 1, int(each.end)) for each in held if each.start != each.end
    )


def _middle(held: Stretch) -> int:
    return (int(held.start) + int(held.end)) // 2


def _both(one: Stretch, two: Stretch) -> Iterator[Stretch]:
    start, end = max(one.start, two.start), min(one.end, two.end)
    if start <= end:
        yield Stretch(start, end)


def _rest(one: Stretch, gone: Stretch) -> Iterator[Stretch]:
    if gone.end < one.start or one.end < gone.start:
        yield one
        return
    if one.start < gone.start:
        yield stretch(int(one.start), int(gone.start) - 1)
    if gone.end < one.end:
        yield stretch(int(gone.end) + 1, int(one.end))
