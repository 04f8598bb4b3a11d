"""Racks whose links stay together for now are named, with the instant when that ends."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve
from hypothesis import given

from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from maasha.balancer.staying import Together, together
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import Placement
from tests.unit.balancer.fleet import LATELY, LONG_AGO, NOW, placed, placements, workers

UNTIL = LATELY + POLICY.stay


def found(placement: Placement, but: tuple[RackKey, ...] = ()) -> list[Together]:
    """Find them."""
    return list(together(placement, POLICY, NOW, but))


def moved(placement: Placement, *instants: datetime | None) -> Placement:
    """Have the links moved at these instants, in their order."""
    pairs = zip(placement.links, instants, strict=True)
    return evolve(placement, links=tuple(evolve(link, moved=at) for link, at in pairs))


def test_both_links_of_a_rack_on_one_region() -> None:
    """They were moved there lately, and another region is back: the first may go when it may."""
    placement = placed(workers(2, 1), [[1, 2]])
    lately = moved(placement, NOW, LATELY)
    assert plan(lately, POLICY, NOW).actions == ()
    assert found(lately) == [
        Together(RackKey(1), WorkerId(2), on_worker=False, links=2, moved=LATELY, until=UNTIL)
    ]


def test_both_links_on_one_worker() -> None:
    """The same, where there is another worker."""
    placement = moved(placed(workers(2), [[1, 1]]), LATELY, LATELY)
    (only,) = found(placement)
    assert (only.on_worker, only.worker, only.links) == (True, 1, 2)


def test_only_the_crowded_place_counts() -> None:
    """A link that was moved elsewhere is no reason."""
    placement = placed(workers(2, 1, 1), [[1, 2, 3]])
    assert found(moved(placement, None, None, LATELY)) == []
    (only,) = found(moved(placement, LATELY, LATELY, None))
    assert (only.links, only.worker) == (2, 1)


def test_who_does_not_wait_is_not_named() -> None:
    """Links apart, or moved long ago; a drained rack, and one of which more is known."""
    apart = placed(workers(2, 1), [[1, 3]], moved=LATELY)
    old = placed(workers(2, 1), [[1, 2]], moved=LONG_AGO)
    held = placed(workers(2, 1), [[1, 2]], moved=LATELY)
    drained = evolve(held, racks=tuple(evolve(rack, draining=True) for rack in held.racks))
    assert [found(one) for one in (apart, old, drained)] == [[], [], []]
    assert found(held, but=(RackKey(1),)) == []


def test_links_of_dead_workers_do_not_count() -> None:
    """They are not there."""
    placement = placed(workers(1, 1), [[1, 9]], moved=LATELY)
    assert found(placement) == []


@given(placements())
def test_it_ends_when_it_is_said(placement: Placement) -> None:
    """Whoever is named has a link that may move then and not before."""
    for each in found(placement):
        assert NOW < each.until == each.moved + POLICY.stay
        assert each.until not in {again.until for again in together(placement, POLICY, each.until)}
