"""How many of a plan's actions may begin at a time."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from maasha.balancer.actions import Flip
from maasha.balancer.pace import MOST_FLIPS, Begun, may_begin
from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import Placement
from tests.unit.balancer.fleet import NOW, alone, placed, workers


def begun(rack: int, source: int, ago: float, *, under_way: bool = True) -> Begun:
    """Give a move that was begun so many seconds ago."""
    at = NOW - timedelta(seconds=ago)
    return Begun(RackKey(rack), WorkerId(source), at, under_way)


def chosen(placement: Placement, *before: Begun) -> list[int]:
    """Give the racks whose moves may begin now."""
    made = plan(placement, POLICY, NOW)
    return [action.rack for action in may_begin(made, placement, before, POLICY, NOW)]


def test_a_donor_gives_a_part_of_its_links_in_a_second() -> None:
    """Five of a hundred."""
    assert len(chosen(alone(100, 0))) == 5


def test_who_is_emptied_does_not_tire() -> None:
    """The last links go as fast as the first ones of an even share."""
    nearly = alone(5, 195)
    crew = tuple(evolve(one, draining=one.id == 1) for one in nearly.workers)
    assert len(chosen(evolve(nearly, workers=crew))) == 5


def test_a_small_donor_gives_one() -> None:
    """Five percent of six is not nothing."""
    assert chosen(alone(6, 0)) == [6]


def test_each_donor_has_its_own_pace() -> None:
    """Two donors give one each."""
    assert len(chosen(alone(10, 10, 0))) == 2


def test_what_was_begun_within_the_second_counts() -> None:
    """Done or not; a second later it does not."""
    assert chosen(alone(6, 0), begun(9, 1, 0.9, under_way=False)) == []
    assert chosen(alone(6, 0), begun(9, 1, 1.0, under_way=False)) == [6]


def test_a_deaf_rack_stops_nobody_else() -> None:
    """It is not asked again while its move is under way, and the next one is."""
    assert chosen(alone(6, 0), begun(6, 1, 5.0)) == [5]


def test_a_rack_does_one_thing_at_a_time() -> None:
    """Its link waits for the flip that comes first."""
    placement = placed(workers(1, 1, 1), [[1, 2]])
    crew = tuple(evolve(one, draining=one.id == 1) for one in placement.workers)
    draining = evolve(placement, workers=crew)
    made = plan(draining, POLICY, NOW)
    (first,) = may_begin(made, draining, (), POLICY, NOW)
    assert isinstance(first, Flip)
    assert len(made.actions) == 2


def test_owners_are_flipped_in_lots() -> None:
    """Each holds its rack's row until all are written."""
    racks = [[1, 2]] * (2 * MOST_FLIPS + 100)
    placement = placed(workers(2), racks)
    made = plan(placement, POLICY, NOW)
    assert len(made.flips) > MOST_FLIPS
    assert len(may_begin(made, placement, (), POLICY, NOW)) == MOST_FLIPS


def test_what_is_not_allowed_takes_no_share_of_the_pace() -> None:
    """The next one goes in its stead."""
    placement = alone(6, 0)
    made = plan(placement, POLICY, NOW)
    first, second, *_ = made.actions
    allowed = may_begin(made, placement, (), POLICY, NOW, lambda action: action is not first)
    assert allowed == (second,)
