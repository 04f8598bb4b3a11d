"""The bars: what they accept, and that they are whole."""

from __future__ import annotations

import pytest

from benchmarks.bars import ATTACKS, BALANCE, RPC, STORM, Bar
from benchmarks.rpc_figures import FORMULAS


@pytest.mark.parametrize(("value", "met"), [(1.9, False), (2.0, True), (2.1, True), (None, False)])
def test_a_lower_bar_is_met_from_its_value_on(value: float | None, met: bool) -> None:
    """What was not measured meets nothing."""
    assert Bar("calls/s", at_least=2.0).met_by(value) is met


@pytest.mark.parametrize(("value", "met"), [(0.0, True), (2.0, True), (2.1, False), (None, False)])
def test_an_upper_bar_is_met_up_to_its_value(value: float | None, met: bool) -> None:
    """What was not measured meets nothing."""
    assert Bar("ms", at_most=2.0).met_by(value) is met


def test_a_bar_is_written_as_people_write_it() -> None:
    """With its direction."""
    assert [str(Bar("a", at_least=2.0)), str(Bar("b", at_most=0.5))] == [">= 2", "<= 0.5"]
    assert str(Bar("c", at_least=1.0, at_most=4.0, always=True)) == ">= 1, <= 4 each"


def test_every_bar_has_one_direction_and_a_figure_that_somebody_computes() -> None:
    """A name that no formula has would be short for ever."""
    for bar in RPC:
        assert (bar.at_least is None) is not (bar.at_most is None)
        assert bar.figure in FORMULAS


def test_no_figure_has_two_bars() -> None:
    """Names are unique."""
    for bars in (RPC, ATTACKS, STORM, BALANCE):
        assert len({bar.figure for bar in bars}) == len(bars)


def test_a_ratio_names_whom_it_compares_with() -> None:
    """And what stands alone has another unit."""
    assert all(bool(bar.peer) is (bar.unit == "x") for bar in RPC)
