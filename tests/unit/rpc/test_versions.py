"""Two ranges of protocol numbers agree on their highest common number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.rpc.versions import Versions, agree

ranges = st.builds(Versions, st.integers(0, 9), st.integers(0, 9))


@given(ranges, ranges)
def test_the_highest_common_number_is_agreed(ours: Versions, theirs: Versions) -> None:
    """The agreed number is in both ranges, none is higher, and both sides find the same."""
    common = set(range(ours.lowest, ours.highest + 1)) & set(
        range(theirs.lowest, theirs.highest + 1)
    )
    assert agree(ours, theirs) == agree(theirs, ours) == max(common, default=None)


def test_a_range_is_written_with_both_ends() -> None:
    """People see the lowest and the highest number."""
    assert str(Versions(1, 3)) == "1..3"
