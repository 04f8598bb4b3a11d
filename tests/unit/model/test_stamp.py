"""Stamps order events across restored databases."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.model.stamp import NEVER, Stamp

stamps = st.builds(Stamp, st.integers(1, 99), st.integers(0, 99))


@given(stamps, stamps)
def test_a_higher_incarnation_wins(one: Stamp, other: Stamp) -> None:
    """After a restore every new stamp is newer than all that came before."""
    if one.incarnation < other.incarnation:
        assert one < other
    assert NEVER < one < one.next()


def test_a_stamp_is_written_with_both_numbers() -> None:
    """People see incarnation and counter."""
    assert str(Stamp(2, 17)) == "2.17"
