"""Figures: medians and spreads, which bars they miss, the rows and the table."""

from __future__ import annotations

import pytest

from benchmarks.bars import Bar
from benchmarks.figures import Figure, columns, owed, report, short, shown, table

FASTER = Bar("speed", at_least=2.0, quick=True)
SMALLER = Bar("memory", at_most=8.0, unit="KiB", peer="")
BARS = (FASTER, SMALLER)


def found(**values: tuple[float, ...]) -> dict[str, Figure]:
    """Make figures."""
    return {name: Figure(name, given) for name, given in values.items()}


def test_a_figure_is_the_median_of_its_rounds() -> None:
    """One bad round does not move it, but it is shown."""
    figure = Figure("speed", (3.0, 0.1, 2.5))
    assert (figure.median, figure.spread) == (2.5, (0.1, 3.0))


def test_a_figure_without_rounds_has_no_median() -> None:
    """And no spread."""
    assert (Figure("speed").median, Figure("speed").spread) == (None, (None, None))


def test_a_missing_figure_is_short() -> None:
    """One that was never computed as well as one without a value."""
    assert short({}, BARS) == [FASTER, SMALLER]
    assert short(found(speed=(), memory=(4.0,)), BARS) == [FASTER]


def test_the_median_decides() -> None:
    """A minimum below the bar is no miss, a maximum above it no success."""
    assert short(found(speed=(1.0, 2.0, 3.0), memory=(9.0, 9.0, 1.0)), BARS) == [SMALLER]


def test_each_round_decides_where_each_must_reach_the_bar() -> None:
    """The median is within, but one round is not: that one is reported, and the table says so."""
    still = Bar("moves", at_least=1.0, at_most=4.0, unit="moves", peer="", always=True)
    rounds = found(moves=(2.0, 5.0, 3.0))
    assert short(rounds, (still,)) == [still]
    (row,) = report(rounds, (still,))
    assert (row["value"], row["holds"], row["bar"]) == (5.0, False, ">= 1, <= 4 each")
    assert "SHORT" in table(rounds, (still,))
    assert short(found(moves=(2.0, 4.0, 3.0)), (still,)) == []
    assert short(found(moves=(0.0, 4.0, 3.0)), (still,)) == [still]


def test_a_quick_run_owes_the_quick_bars_only() -> None:
    """A full one owes all."""
    assert owed(BARS, quick=True) == (FASTER,)
    assert owed(BARS, quick=False) == BARS


def test_the_report_has_a_row_for_every_bar_that_is_owed() -> None:
    """A figure that is no ratio has none; one that is missing holds nothing."""
    assert report(found(memory=(4.0, 6.0), other=(1.0,)), BARS) == [
        {
            "name": "speed",
            "value": None,
            "unit": "x",
            "peer": "stock Twisted AMP",
            "ratio": None,
            "bar": ">= 2",
            "holds": False,
        },
        {
            "name": "memory",
            "value": 5.0,
            "unit": "KiB",
            "peer": "",
            "ratio": None,
            "bar": "<= 8",
            "holds": True,
        },
    ]


def test_a_ratio_is_a_value_too() -> None:
    """It is in both places."""
    (row,) = report(found(speed=(2.5,)), (FASTER,))
    assert (row["value"], row["ratio"]) == (2.5, 2.5)


def test_the_table_has_the_barred_figures_first_and_shows_what_is_missing() -> None:
    """What has neither a bar nor a value is left out."""
    assert table(
        found(other=(1.0, 3.0), empty=(), memory=(9.0, 10.0, 1234.5)), BARS
    ).splitlines() == [
        "| figure | median |  min |   max |  bar |       |",
        "| ------ | -----: | ---: | ----: | ---: | ----: |",
        "| speed  |      - |    - |     - | >= 2 | SHORT |",
        "| memory |   10.0 | 9.00 | 1,234 | <= 8 | SHORT |",
        "| other  |   2.00 | 1.00 |  3.00 |      |       |",
    ]


def test_an_empty_table_is_its_head() -> None:
    """Nothing measured, nothing owed."""
    assert columns(("a", "b"), []).splitlines() == ["| a | b |", "| - | : |"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "-"),
        (0.0, "0"),
        (0.0000174, "2e-05"),
        (0.0123, "0.012"),
        (0.5, "0.500"),
        (2.456, "2.46"),
        (24.56, "24.6"),
        (245.6, "246"),
        (123456.7, "123,457"),
        (-2.456, "-2.46"),
    ],
)
def test_a_number_has_three_digits_that_count(value: float | None, written: str) -> None:
    """Whatever its size."""
    assert shown(value) == written
