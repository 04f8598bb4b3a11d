"""The yardstick of the other tests: how long nobody was answered while somebody asked."""

from __future__ import annotations

from tests.acceptance.silence import Asking, longest_silence


def test_an_answer_ends_a_silence() -> None:
    """Two clients ask from 0 on; the waits are 0 to 2 and 2 to 5."""
    assert longest_silence([Asking(0, 2, answered=True), Asking(0, 5, answered=True)]) == 3


def test_nobody_asks_in_between() -> None:
    """A time without a question is no silence, however long."""
    assert longest_silence([Asking(0, 1, answered=True), Asking(90, 92, answered=True)]) == 2


def test_a_client_that_gives_up_ends_no_silence() -> None:
    """While another still asks, the silence goes on until there is an answer."""
    assert longest_silence([Asking(0, 4, answered=False), Asking(1, 9, answered=True)]) == 9


def test_one_who_is_never_answered_is_no_silence_for_the_others() -> None:
    """What counts is the time without any answer, 3 to 5."""
    answered = [Asking(second, second + 1, answered=True) for second in (0, 1, 2, 4)]
    assert longest_silence([*answered, Asking(0, 5, answered=False)]) == 2


def test_a_window_cuts_off_what_is_outside() -> None:
    """An answer after the window is none within it."""
    assert Asking(1, 9, answered=True).within(2, 5) == Asking(2, 5, answered=False)
    assert Asking(1, 4, answered=True).within(2, 5) == Asking(2, 4, answered=True)
    assert Asking(1, 2, answered=True).within(2, 5) is None
    assert Asking(5, 6, answered=True).within(2, 5) is None
