"""When it is looked again, and when no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.patience import ANSWER, LONGEST, LOOK, Patience

SPANS = st.floats(0.0, 1e6)


def after(misses: int, rest: float = 0.0) -> Patience:
    """Give what is left of a thousand seconds after so many looks without an answer."""
    patience = Patience(1000.0)
    for _ in range(misses):
        patience = patience.missed(rest)
    return patience


def test_looks_without_an_answer_become_seldom() -> None:
    """Twice as seldom with each, up to a bound; an answer ends that."""
    assert [after(misses).pause(0.0) for misses in range(7)] == [1, 1, 2, 4, 8, LONGEST, LONGEST]
    assert after(10_000).pause(0.0) == LONGEST
    assert after(7, 30.0).answered.pause(0.0) == LOOK


def test_who_asks_not_to_be_asked_is_not() -> None:
    """For as long as it said."""
    assert after(1, 30.0).pause(0.0) == 30.0
    assert after(1, 30.0).missed().pause(0.0) == 2.0


def test_the_last_look_is_in_time() -> None:
    """Then time is up."""
    assert after(7, 30.0).pause(998.5) == 1.5
    assert after(0).pause(1000.0) == after(0).pause(2000.0) == 0.0


def test_an_answer_has_its_time() -> None:
    """Less of it toward the end, but some also to the last look."""
    assert [after(0).timeout(now) for now in (0.0, 995.0, 1000.0)] == [ANSWER, 5.0, LOOK]
    assert [after(0).timeout(now, 30.0) for now in (0.0, 995.0)] == [30.0, 5.0]


@given(st.integers(0, 20), SPANS, SPANS, SPANS)
def test_it_ends(misses: int, rest: float, until: float, now: float) -> None:
    """Whatever is said, nobody waits beyond the end."""
    patience = Patience(until, misses, rest)
    assert 0.0 <= patience.pause(now) <= max(0.0, until - now)
    assert (patience.pause(now) == 0.0) is (now >= until)
