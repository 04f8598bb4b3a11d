"""Waiting with a deadline."""

import pytest

from lab.deadline import DeadlineExceeded, until


def test_until_returns_the_first_true_answer() -> None:
    """The answer itself comes back, not just its truth."""
    answers = iter((None, 0, "", "there"))
    assert until(lambda: next(answers), "an answer", timeout=5.0, interval=0.0) == "there"


def test_until_asks_at_least_once() -> None:
    """A deadline that has passed does not hide a fact."""
    assert until(lambda: True, "a fact", timeout=0.0)


def test_until_says_what_it_waited_for() -> None:
    """The error names the fact and the time."""
    with pytest.raises(DeadlineExceeded, match=r"waited 0.02 s in vain for godot"):
        until(lambda: None, "godot", timeout=0.02)
