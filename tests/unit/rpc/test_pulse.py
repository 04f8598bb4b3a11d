"""A link's health follows from its silence, with hysteresis; round trips are smoothed."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.rpc.pulse import (
    DEAD_AFTER,
    HEARTBEAT,
    STEADY,
    SUSPECT_AFTER,
    TRUSTED_AFTER,
    Health,
    Pulse,
    RoundTrip,
    after,
    smoothed,
)

BEATS = st.lists(st.booleans(), max_size=60)


def history(beats: list[bool]) -> list[Pulse]:
    """Give every pulse up to the death or the end."""
    found = [STEADY]
    for heard in beats:
        if found[-1].health is Health.DEAD:
            break
        found.append(after(found[-1], heard))
    return found


@given(BEATS)
def test_dead_is_who_was_silent_all_the_time(beats: list[bool]) -> None:
    """No peer is dead that was heard in the last eight beats, and each one that was not is."""
    for count, pulse in enumerate(history(beats)):
        lately = beats[max(0, count - DEAD_AFTER) : count]
        assert (pulse.health is Health.DEAD) == (len(lately) == DEAD_AFTER and not any(lately))


@given(BEATS)
def test_a_status_does_not_flap(beats: list[bool]) -> None:
    """A suspect is healthy after three beats heard in a row, no earlier and no later."""
    seen = history(beats)
    for count, (before, now) in enumerate(pairwise(seen), 1):
        lately = beats[max(0, count - TRUSTED_AFTER) : count]
        if before.health is Health.SUSPECT and now.health is Health.HEALTHY:
            assert lately == [True] * TRUSTED_AFTER
        if before.health is Health.HEALTHY and now.health is Health.SUSPECT:
            assert not any(lately[-SUSPECT_AFTER:])


@given(BEATS)
def test_who_is_heard_is_healthy_in_the_end(beats: list[bool]) -> None:
    """Nothing of the past stays, as long as it lived."""
    last = history(beats)[-1]
    if last.health is not Health.DEAD:
        assert reduce(after, [True] * TRUSTED_AFTER, last) == STEADY


def test_the_bounds_in_seconds() -> None:
    """One beat may have heard what came just before the peer froze."""
    assert (SUSPECT_AFTER + 1) * HEARTBEAT <= 1.0
    assert (DEAD_AFTER + 1) * HEARTBEAT <= 3.0


def test_a_round_trip_begins_with_its_first_sample() -> None:
    """As RFC 6298 says, with half of it as the deviation."""
    assert smoothed(None, 0.2) == RoundTrip(0.2, 0.1)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=40))
def test_a_round_trip_stays_among_its_samples(samples: list[float]) -> None:
    """The mean never leaves their range, the deviation never exceeds it."""
    found = None
    for sample in samples:
        found = smoothed(found, sample)
    assert found is not None
    assert min(samples) - 1e-9 <= found.mean <= max(samples) + 1e-9
    assert 0 <= found.deviation <= max(samples)


def test_a_steady_round_trip_is_learned() -> None:
    """After enough equal samples nothing is left of an odd first one."""
    found = smoothed(None, 1.0)
    for _ in range(100):
        found = smoothed(found, 0.01)
    assert found.mean == pytest.approx(0.01, abs=1e-4)
    assert found.deviation == pytest.approx(0, abs=1e-4)
