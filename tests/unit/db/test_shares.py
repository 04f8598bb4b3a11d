"""A region's share of connections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.db.shares import LIMIT, MASTER, MAX_POOL, MIN_PER_PROCESS, TooManyWorkers, shares


@given(num_workers=st.integers(1, 13))
def test_within_limit(num_workers: int) -> None:
    """Every number of workers that may start fits the limit, with three or more for each."""
    share = shares(num_workers)
    assert MASTER + num_workers * share.per_worker <= LIMIT
    assert share.per_worker >= MIN_PER_PROCESS
    assert share.pool <= MAX_POOL


@pytest.mark.parametrize(("num_workers", "pool"), [(1, 8), (4, 8), (5, 6), (8, 3), (13, 2)])
def test_pools(num_workers: int, pool: int) -> None:
    """A worker's pool shrinks when there are more than four."""
    assert shares(num_workers).pool == pool


@pytest.mark.parametrize("num_workers", [-1, 0, 14, 100])
def test_refused(num_workers: int) -> None:
    """Too many workers, or none, are refused with the number that would fit."""
    with pytest.raises(TooManyWorkers, match="a number from 1 to 13") as caught:
        shares(num_workers)
    assert caught.value.most == 13
