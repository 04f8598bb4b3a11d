"""The benchmark of the balancer: its worlds, its peers, and what it ends with."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import balance
from benchmarks.balance import FULL, QUICK, RETURNS_1, RETURNS_2, TWO, skewed
from benchmarks.balance_peers import PEERS, Greedy, Hashing, Idle, Maasha, Shuffle, spots_of
from benchmarks.balance_world import (
    START,
    Scenario,
    begin,
    better_of_two,
    chance,
    course,
    out_of_band,
    reconnected,
    summary,
)
from benchmarks.bars import BALANCE
from benchmarks.figures import Figure
from maasha.model.cluster import SystemId, WorkerId
from maasha.model.placement import Worker

RESTLESS = Scenario("restless", (2, 2), 40, 2, churn=0.2, ticks=60)


def test_workers_that_return_are_empty_at_first() -> None:
    """The racks chose among the others, one link on each region."""
    placement, gone = begin(RETURNS_2, chance(1))
    assert gone == {9, 10, 11, 12}
    assert not gone & {link.worker for link in placement.links}
    regions = {worker.id: worker.region for worker in placement.workers}
    spots = spots_of(placement).values()
    assert all(len({regions[spot] for spot in several}) == 2 for several in spots)


def test_loads_can_be_given() -> None:
    """They are those of the scenario's name."""
    placement, _ = begin(balance.ONE_EMPTY, chance(1))
    assert list(placement.loads.values()) == [5, 5, 5, 5, 4, 0]


def test_a_rack_takes_the_better_of_two() -> None:
    """On another region if there is one, or else on another worker."""
    crew = [Worker(WorkerId(n), SystemId(home)) for n, home in ((1, "a"), (2, "a"), (3, "b"))]
    loads = Counter({WorkerId(2): 9})
    assert better_of_two(crew, [WorkerId(1)], loads, chance(1)) == 3
    assert better_of_two(crew, [WorkerId(1), WorkerId(3)], loads, chance(1)) == 2


@pytest.mark.parametrize(
    ("loads", "out"), [((5, 0), True), ((1, 0), False), ((10, 10, 8), False), ((10, 10, 7), True)]
)
def test_out_of_band_is_more_than_a_quarter_from_the_mean(
    loads: tuple[int, ...], out: bool
) -> None:
    """Both ways, and from a spread of two on."""
    assert out_of_band(loads) is out


def test_a_course_says_when_it_was_even_for_good() -> None:
    """And what moved when nothing was left to do."""
    ran = summary([3, 0, 1], [(4, 0), (3, 1), (2, 2)])
    assert (ran.moves, ran.late, ran.even_after) == (4, 1, 2)
    assert (ran.steady, ran.least, ran.loose) == (2.0, 0.0, 2)
    assert summary([0], [(4, 0)]).even_after is None


def test_links_reconnect_where_their_rack_has_none() -> None:
    """However many do at once, and owners stay with a link."""
    random = chance(1)
    placement, _ = begin(RESTLESS, random)
    later = reconnected(placement, Idle(random), 1.0, random)
    spots = spots_of(later)
    assert later != placement
    assert all(len(set(several)) == 2 for several in spots.values())
    assert all(rack.owner in spots[rack.key] for rack in later.racks)


def test_every_way_keeps_each_link_on_a_worker_of_its_own() -> None:
    """The peers obey the constraints that maasha obeys."""
    for made in PEERS.values():
        random = chance(2)
        balancer, (placement, gone) = made(random), begin(RETURNS_2, random)
        placement = balancer.settle(placement, gone)
        for several in spots_of(placement).values():
            assert len(set(several)) == 2


def test_the_ways_differ_as_expected() -> None:
    """Maasha moves the excess and rests; the herd and the shuffle never do."""
    ours, idle = course(RETURNS_1, Maasha(chance(1)), 1), course(RETURNS_1, Idle(chance(1)), 1)
    assert (ours.moves <= 34, ours.late, idle.moves) == (True, 0, 0)
    assert course(RETURNS_1, Shuffle(chance(1)), 1).late > 0
    assert course(RETURNS_1, Greedy(chance(1)), 1).late > 0
    hashing = course(RETURNS_1, Hashing(chance(1)), 1)
    assert hashing.moves > 0
    assert (hashing.late, hashing.steady <= 1.4) == (0, True)


def test_consistent_hashing_reconnects_in_place() -> None:
    """A link that breaks goes back to where it belongs."""
    assert course(RESTLESS, Hashing(chance(1)), 1).late == 0


def test_small_cases_have_a_link_on_each_region_at_most() -> None:
    """So the optimum can be told."""
    placement = skewed(chance(3))
    regions = {worker.id: worker.region for worker in placement.workers}
    for several in spots_of(placement).values():
        assert len({regions[spot] for spot in several}) == len(several)


def test_every_bar_has_a_figure_that_somebody_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick run owes only what it measures."""
    monkeypatch.setattr(balance, "QUICK", (TWO,))
    monkeypatch.setattr(balance, "SMALL_CASES", 2)
    monkeypatch.setattr(balance, "timed", lambda placement: float(len(placement.links)))
    found = balance.run(1, quick=True)
    names = {bar.figure for bar in BALANCE}
    scenarios = {scenario.name for scenario in FULL}
    assert len(names) == len(BALANCE)
    assert all(name in found or name.split(";")[0] in scenarios for name in names)
    quick = {scenario.name for scenario in QUICK}
    owed = [bar.figure for bar in BALANCE if bar.quick and ";" in bar.figure]
    assert all(name.split(";")[0] in quick for name in owed)


def test_a_run_without_figures_ends_with_1_and_says_so_in_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And its table shows who never got even."""
    where = tmp_path / "balance.json"
    moves = "100 racks x 1, a region returns; maasha: moves"
    found = {moves: Figure(moves, (32.0,))}
    monkeypatch.setattr(balance, "run", lambda rounds, *, quick: found if rounds and quick else {})
    monkeypatch.setattr(sys, "argv", ["balance", "--quick", "--json", str(where)])
    assert balance.main() == 1
    rows = {row["name"]: row for row in json.loads(where.read_text())}
    assert (rows[moves]["holds"], rows[moves]["value"]) == (True, 32.0)
    assert set(rows) == {bar.figure for bar in BALANCE if bar.quick}
    out = capsys.readouterr().out
    assert f"1 of {len(rows)} bars met" in out
    assert "never" in out


def test_time_is_told_in_milliseconds() -> None:
    """The median of several plans."""
    placement, _ = begin(TWO, chance(1))
    assert 0 < balance.timed(placement) < 1000
    assert START.utcoffset() is not None
