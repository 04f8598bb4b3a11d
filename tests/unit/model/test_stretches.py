"""Facts about sets of IPv6 addresses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.model.network import Stretch
from maasha.model.stretches import (
    Stretches,
    common,
    joined,
    lower_half,
    size,
    stretch,
    union,
    upper_half,
    without,
)

BASE = 0xFD00 << 112


def addresses(held: Stretches) -> set[int]:
    """Give the members, as numbers from the base."""
    return {number - BASE for each in held for number in range(int(each.start), int(each.end) + 1)}


def of(*ends: tuple[int, int]) -> Stretches:
    """Give stretches by their ends, counted from the base."""
    return tuple(stretch(BASE + first, BASE + last) for first, last in ends)


@st.composite
def any_stretches(draw: st.DrawFn) -> tuple[Stretch, ...]:
    """Give stretches in any order, overlapping or not."""
    starts = draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=4))
    return of(*((first, first + length) for first, length in starts))


@given(any_stretches(), any_stretches())
def test_they_are_sets(some: tuple[Stretch, ...], others: tuple[Stretch, ...]) -> None:
    """What is common, left and together is that of the members, in one form only."""
    one, two = addresses(some), addresses(others)
    for made, wanted in (
        (joined(some), one),
        (common(some, others), one & two),
        (without(some, others), one - two),
        (union(some, others), one | two),
    ):
        assert addresses(made) == wanted
        assert size(made) == len(wanted)
        assert made == joined(made)


@given(any_stretches())
def test_two_halves_are_the_whole(some: tuple[Stretch, ...]) -> None:
    """No address is in both halves or in none, and they differ by one address of each stretch."""
    whole = joined(some)
    lower, upper = lower_half(whole), upper_half(whole)
    assert union(lower, upper) == whole
    assert common(lower, upper) == ()
    assert 0 <= size(lower) - size(upper) <= len(whole)


def test_a_64_has_two_halves() -> None:
    """Ranges as large as networks are halved like others."""
    network = of((0, (1 << 64) - 1))
    assert lower_half(network) == of((0, (1 << 63) - 1))
    assert size(upper_half(network)) == 1 << 63


def test_a_stretch_is_shown_by_its_ends() -> None:
    """People see both ends."""
    assert str(of((1, 2))[0]) == "fd00::1-fd00::2"
