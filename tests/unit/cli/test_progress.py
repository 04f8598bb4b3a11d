"""How far a drain is, in a bar and in words."""

from __future__ import annotations

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.progress import WIDTH, Progress, drawn
from maasha.cli.terminal import Meter

COUNTS = st.integers(0, 1000)


class Screen(StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_words() -> None:
    """One sees how many are left of how many."""
    assert Progress(12, 3).line == "3 of 12 links left"
    assert Progress(12, 0).line == "no link is left"
    rack = Progress(12, 12, unit="VLAN")
    assert [rack.next(left).line for left in (3, 0)] == ["3 of 12 VLANs left", "no VLAN is left"]
    assert Progress(4, 2).bar == f"[{'#' * 15}{'.' * 15}] 2 of 4 links left"
    assert Progress(0, 0).bar == f"[{'#' * WIDTH}] no link is left"
    assert drawn(1, 3) == f"[{'#' * 10}{'.' * 20}]"


def test_silence() -> None:
    """Where nobody says how many are left, the last word is shown, and why in a log."""
    silent = Progress(12, 3).unknown("Connection refused")
    assert silent.line == (
        "3 of 12 links left when last heard; no answer (Connection refused), trying again"
    )
    assert silent.bar.endswith("] 3 of 12 links left, no answer for now")
    assert silent.next(2).line == "2 of 12 links left"


def test_a_bar_fits_in_a_line() -> None:
    """Of a terminal of 80 columns: a longer one could not be drawn over."""
    assert len(Progress(10_000, 10_000).unknown("it answered 503").bar) < 80


@given(COUNTS, st.lists(COUNTS))
def test_the_bar_has_one_width(first: int, more: list[int]) -> None:
    """Whatever comes and goes; it is full only when nothing is left."""
    progress = Progress(first, first)
    for left in more:
        progress = progress.next(left)
        bar = progress.bar[1 : WIDTH + 1]
        assert len(bar.strip("#.")) == 0
        assert progress.bar[WIDTH + 1] == "]"
        assert (bar == "#" * WIDTH) is (left == 0)


def test_a_terminal_has_one_bar() -> None:
    """It is drawn over the one before; what follows begins on its own line."""
    screen = Screen()
    meter = Meter(screen)
    for bar in ("[.]", "[.]", "[#]"):
        meter.show(bar, "words")
    meter.close()
    assert screen.getvalue() == "\r[.]\x1b[K\r[#]\x1b[K\n"


def test_elsewhere_there_is_a_line_for_each_change() -> None:
    """A log does not grow while nothing changes."""
    log = StringIO()
    meter = Meter(log)
    for line in ("2 left", "2 left", "1 left"):
        meter.show("[#]", line)
    meter.close()
    assert log.getvalue() == "2 left\n1 left\n"


def test_nothing_shown_leaves_nothing() -> None:
    """A meter that ends before it began writes nothing."""
    screen = Screen()
    Meter(screen).close()
    assert screen.getvalue() == ""
