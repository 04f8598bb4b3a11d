"""Whether somebody set the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from maasha.dhcp.clock_watch import REMEMBERED, ClockWatch

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def look(watch: ClockWatch, steady: float, set_by: float = 0.0) -> str:
    """Look at both clocks; the date was set by so many seconds since noon."""
    watch.look(NOON + timedelta(seconds=steady + set_by), steady)
    return watch.words


def test_a_clock_that_only_goes_on_is_fine() -> None:
    """So is one that is slewed."""
    watch = ClockWatch()
    assert [look(watch, second, second * 0.0005) for second in (0.0, 10.0, 1000.0)] == [""] * 3


def test_a_step_is_told_of_for_a_while() -> None:
    """By how much and when; then it is over."""
    watch = ClockWatch()
    look(watch, 0.0)
    words = "its clock was set ahead of".removesuffix(" of")
    assert look(watch, 10.0, 3600.0) == f"{words} by 1:00:00, last at 2026-01-31T13:00:10+00:00"
    assert look(watch, 10.0 + REMEMBERED - 1, 3600.0) == watch.words != ""
    assert look(watch, 10.0 + REMEMBERED, 3600.0) == ""


def test_steps_add_up() -> None:
    """Back again is a step too: leases may have been granted in between."""
    watch = ClockWatch()
    look(watch, 0.0)
    look(watch, 1.0, 100.0)
    assert "set back by 0:00:20, last at" in look(watch, 2.0, -20.0)
