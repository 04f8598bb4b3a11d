"""Plans, case by case: what moves, in which order, and why nothing does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from maasha.balancer.actions import Close, Flip, Move, Plan, Reason, Verdict, after
from maasha.balancer.pace import may_begin
from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY, Policy
from maasha.model.cluster import LinkId, RackKey, WorkerId
from maasha.model.placement import IDLE, Acting, Link, Placement, Rack, Worker
from tests.unit.balancer.fleet import (
    LATELY,
    LONG_AGO,
    NOW,
    alone,
    counts,
    placed,
    spots_of,
    together,
    workers,
)


def planned(placement: Placement, policy: Policy = POLICY) -> Plan:
    """Plan for now."""
    return plan(placement, policy, NOW)


def draining(placement: Placement, *ids: int) -> Placement:
    """Let these workers drain."""
    crew = (evolve(one, draining=one.id in ids) for one in placement.workers)
    return evolve(placement, workers=tuple(crew))


def leaving(placement: Placement, *keys: int) -> Placement:
    """Let these racks drain."""
    racks = (evolve(one, draining=one.key in keys) for one in placement.racks)
    return evolve(placement, racks=tuple(racks))


def owned_by(placement: Placement, *owners: int | None) -> Placement:
    """Let these workers own the racks, in the order of their keys."""
    racks = zip(placement.racks, owners, strict=True)
    owned = (Rack(r.key, None if owner is None else WorkerId(owner)) for r, owner in racks)
    return evolve(placement, racks=tuple(owned))


def told(made: Plan) -> list[tuple[int, int, int | None, Reason]]:
    """Say for each action which rack goes from where to where and why."""
    return [
        (one.rack, one.source, None if isinstance(one, Close) else one.to, one.reason)
        for one in made.actions
    ]


@pytest.mark.parametrize(
    ("before", "later"),
    [
        ((5, 5, 5, 5, 4, 0), [4, 4, 4, 4, 4, 4]),
        ((10,) * 10 + (0,), [10] + [9] * 10),
        ((6, 0), [3, 3]),
        ((2, 0), [1, 1]),
        ((9, 0, 0), [3, 3, 3]),
        ((13, 11, 11, 5), [10, 10, 10, 10]),
    ],
)
def test_what_is_out_of_band_is_evened(before: tuple[int, ...], later: list[int]) -> None:
    """Only the excess moves, from the fullest to the emptiest."""
    placement = alone(*before)
    made = planned(placement)
    state = after(placement, made.actions, NOW)
    assert sorted(counts(state), reverse=True) == later
    assert {move.reason for move in made.moves} == {Reason.WORKERS}
    assert (made.links, made.acting.links) == (Verdict.EVEN, True)


@pytest.mark.parametrize(
    ("loads", "verdict"),
    [
        ((5, 5, 5), Verdict.EVEN),
        ((1, 0), Verdict.EVEN),
        ((1, 1, 1, 0), Verdict.EVEN),
        ((12, 10, 9), Verdict.WITHIN_BAND),
        ((0, 0), Verdict.EVEN),
        ((7,), Verdict.ONE_WORKER),
    ],
)
def test_a_plan_says_why_it_does_nothing(loads: tuple[int, ...], verdict: Verdict) -> None:
    """Nothing out of band, or a spread of one, is no reason to move."""
    made = planned(alone(*loads))
    assert (made.actions, made.links, made.acting) == ((), verdict, IDLE)


def test_what_was_begun_goes_on_within_the_outer_band() -> None:
    """A plan cut short is finished by the next one, which knows that it was acting."""
    placement = alone(12, 10, 8)
    assert planned(placement).moves == ()
    made = planned(evolve(placement, acting=Acting(links=True)))
    assert told(made) == [(12, 1, 3, Reason.WORKERS), (11, 1, 3, Reason.WORKERS)]


def test_without_an_open_worker_nothing_moves() -> None:
    """A rack on draining workers only keeps its links."""
    made = planned(draining(placed(workers(1, 1), [[1, 2]]), 1, 2))
    assert (made.actions, made.links, made.owners) == ((), Verdict.NO_WORKER, Verdict.NO_WORKER)


def test_regions_are_evened_before_workers() -> None:
    """A region that returns empty gets its share from the fullest workers of the others."""
    placement = placed(workers(2, 2), [[1]] * 6 + [[2]] * 2)
    reasons = [move.reason for move in planned(placement).moves]
    assert reasons == [Reason.REGIONS] * 4


def test_links_of_a_rack_stay_on_different_regions() -> None:
    """Where each rack is on both regions, only workers within a region are evened."""
    placement = placed(workers(1, 2), [[1, 2]] * 6)
    made = planned(placement)
    assert {(move.source, move.to) for move in made.moves} == {(2, 3)}
    assert len(made.moves) == 3
    assert made.links is Verdict.NOWHERE


def test_links_of_a_rack_stay_on_different_workers() -> None:
    """With one region, of each rack one link goes at most to the same empty worker."""
    placement = placed(workers(3), [[1, 2]] * 4)
    state = after(placement, planned(placement).actions, NOW)
    assert counts(state) == [3, 3, 2]
    assert all(len(set(spots)) == 2 for spots in spots_of(state).values())


def test_a_third_region_lets_links_pass() -> None:
    """Both racks of the full region have a link on the emptiest one, but not on the third."""
    placement = placed(workers(1, 1, 3), [[1], [2, 3], [2, 3]])
    made = planned(placement)
    assert told(made)[:2] == [(3, 2, 1, Reason.REGIONS), (1, 1, 4, Reason.REGIONS)]
    assert counts(after(placement, made.actions, NOW)) == [1, 1, 1, 1, 1]
    assert (len(made.moves), made.links) == (3, Verdict.EVEN)
    cut_short = evolve(after(placement, made.actions[:1], NOW), acting=made.acting)
    assert told(planned(cut_short)) == told(made)[1:]


@pytest.mark.parametrize(
    ("sizes", "racks"),
    [
        pytest.param((1, 1, 5), [[1, 3], [2, 3], [2, 3]], id="all of its racks are there, too"),
        pytest.param((1, 1, 5), [[1, 3], [1, 3], [2, 3], [2, 3]], id="it would be the fullest"),
        pytest.param(
            (1, 1, 1, 8), [[1, 4], [2, 4], [2, 5], [3, 6], [3, 7]], id="nor for a second full one"
        ),
        pytest.param((3, 1, 5), [[4, 5, 1], [4, 6, 2], [3]], id="it has all racks of the full one"),
    ],
)
def test_a_third_region_that_is_no_help(sizes: tuple[int, ...], racks: list[list[int]]) -> None:
    """Nothing moves between regions then, and the plan says so."""
    made = planned(placed(workers(*sizes), racks))
    assert Reason.REGIONS not in {move.reason for move in made.moves}
    assert made.links is Verdict.NOWHERE


def test_a_third_region_brings_no_partners_together() -> None:
    """The link that would be passed on has the owner, and the partner's owner is there already."""
    placement = placed(workers(1, 1, 3), [[1], [3, 2], [2, 3]], pairs=[(1, 2)])
    made = planned(placement)
    assert Reason.REGIONS not in {move.reason for move in made.moves}
    assert made.links is Verdict.NOWHERE


def test_regions_that_cannot_be_even_are_no_reason_to_move_their_workers() -> None:
    """Such a region's workers are held against their own mean."""
    placement = placed(workers(1, 2), [[1, 2]] * 6 + [[1, 3]] * 5)
    made = planned(placement)
    assert (made.moves, made.links) == ((), Verdict.NOWHERE)


def test_standbys_move_before_owners() -> None:
    """The link that the owner works on stays where others can go."""
    placement = placed(workers(1, 1, 1), [[1, 2]] * 3)
    made = planned(placement)
    assert [(move.source, move.to) for move in made.moves] == [(2, 3), (1, 3)]


def test_what_the_balancer_moved_lately_stays() -> None:
    """After the dwell, to the second, it may move again."""
    placement = alone(6, 0)
    held, free = (
        evolve(placement, links=tuple(evolve(one, moved=moved) for one in placement.links))
        for moved in (LATELY, LONG_AGO)
    )
    assert (planned(held).actions, planned(held).links) == ((), Verdict.HELD)
    assert planned(held).acting == Acting(links=True)
    assert len(planned(free).moves) == 3


def test_a_draining_worker_overrides_band_and_dwell() -> None:
    """It is emptied completely, to the emptiest."""
    placement = placed(workers(3), [[1], [1], [2], [3], [3]], moved=LATELY)
    made = planned(draining(placement, 1))
    assert told(made) == [(1, 1, 2, Reason.DRAIN), (2, 1, 2, Reason.DRAIN)]


def test_owners_leave_a_draining_worker_before_links() -> None:
    """A standby takes over first; then the link moves to a region without one."""
    made = planned(draining(placed(workers(1, 1, 1), [[1, 2]]), 1))
    assert told(made) == [(1, 1, 2, Reason.DRAIN), (1, 1, 3, Reason.DRAIN)]
    assert isinstance(made.actions[0], Flip)
    assert isinstance(made.actions[1], Move)


def test_a_link_that_has_nowhere_to_go_is_closed() -> None:
    """The rack keeps the one that it has elsewhere."""
    made = planned(draining(placed(workers(2), [[1, 2]]), 1))
    assert told(made) == [(1, 1, 2, Reason.DRAIN), (1, 1, None, Reason.NOWHERE_ELSE)]


def test_the_last_link_of_two_on_a_draining_worker_hands_over_before_it_closes() -> None:
    """One moves, the owner follows it, the other one ends."""
    made = planned(draining(placed(workers(2), [[1, 1]]), 1))
    assert told(made) == [
        (1, 1, 2, Reason.DRAIN),
        (1, 1, 2, Reason.DRAIN),
        (1, 1, None, Reason.NOWHERE_ELSE),
    ]


def test_a_closed_link_is_gone_afterwards() -> None:
    """What a plan leads to has no trace of it."""
    placement = draining(placed(workers(2), [[2, 1]]), 1)
    state = after(placement, planned(placement).actions, NOW)
    assert [link.worker for link in state.links] == [2]


def test_a_drain_keeps_partners_apart() -> None:
    """A rack with one link goes to the region where its partner's owner is not."""
    placement = placed(workers(1, 1, 1), [[1], [2], [3]], pairs=[(1, 2)])
    assert told(planned(draining(placement, 1))) == [(1, 1, 3, Reason.DRAIN)]


def test_links_on_one_region_are_parted() -> None:
    """Where a region came back, a rack's second link goes there, the fuller worker's first."""
    placement = placed(workers(2, 2), [[2, 1], [3, 1], [4, 2], [1, 4]])
    assert told(planned(placement)) == [(1, 1, 3, Reason.DOUBLED)]


def test_links_on_one_worker_are_parted() -> None:
    """With one region, on different workers."""
    placement = placed(workers(2), [[1, 1], [2]])
    assert [(m.source, m.to) for m in planned(placement).moves] == [(1, 2)]
    assert planned(placement).moves[0].reason is Reason.DOUBLED


def test_links_on_one_worker_are_parted_within_a_region_whose_share_is_right() -> None:
    """A third link goes where the rack has not more links than need be."""
    placement = placed(workers(2, 2), [[1, 1, 3]])
    assert told(planned(placement))[:1] == [(1, 1, 2, Reason.DOUBLED)]


def test_links_on_one_worker_stay_if_there_is_no_other() -> None:
    """A second link there does no harm."""
    assert planned(placed(workers(1), [[1, 1]])).actions == ()


def test_a_draining_rack_is_no_reason_to_move_others() -> None:
    """Its links do not count, its doubled links are not parted, its owner stays."""
    placement = leaving(placed(workers(1, 1), [[1]] * 6 + [[2]]), 1, 2, 3, 4, 5)
    assert planned(placement).actions == ()
    doubled = leaving(placed(workers(2, 1), [[1, 2]], pairs=[(1, 2)]), 1)
    assert planned(doubled).actions == ()


def test_a_draining_rack_leaves_a_draining_worker() -> None:
    """The worker is emptied all the same, of links and owners."""
    placement = draining(leaving(placed(workers(1, 1, 1), [[1, 2]]), 1), 1)
    assert told(planned(placement)) == [(1, 1, 2, Reason.DRAIN), (1, 1, 3, Reason.DRAIN)]


def test_capacity_weighs() -> None:
    """A worker of twice the capacity gets twice the links."""
    crew = (Worker(WorkerId(1), "r1", 2.0), Worker(WorkerId(2), "r1"))  # type: ignore[arg-type]
    placement = placed(crew, [[2]] * 9)
    assert counts(after(placement, planned(placement).actions, NOW)) == [6, 3]


def test_a_move_that_overloads_a_small_worker_is_not_worth_it() -> None:
    """One link is four times the load of a worker with a quarter of the capacity."""
    crew = (Worker(WorkerId(1), "r1"), Worker(WorkerId(2), "r1", 0.25))  # type: ignore[arg-type]
    made = planned(placed(crew, [[1]] * 3))
    assert (made.actions, made.links) == ((), Verdict.EVEN)


def test_a_region_of_unequal_workers_gets_its_share() -> None:
    """Its capacity is the sum of theirs."""
    crew = (
        Worker(WorkerId(1), "r1", 2.0),  # type: ignore[arg-type]
        Worker(WorkerId(2), "r1"),  # type: ignore[arg-type]
        Worker(WorkerId(3), "r2"),  # type: ignore[arg-type]
    )
    placement = placed(crew, [[3]] * 16)
    assert counts(after(placement, planned(placement).actions, NOW)) == [8, 4, 4]


def test_owners_are_evened_without_touching_links() -> None:
    """A flip goes to a worker with a link to the rack."""
    placement = placed(workers(1, 1), [[1, 2]] * 4)
    made = planned(placement)
    assert told(made) == [(4, 1, 2, Reason.OWNERS), (3, 1, 2, Reason.OWNERS)]
    assert (made.moves, made.owners, made.acting) == ((), Verdict.EVEN, Acting(owners=True))
    assert len(made.flips) == 2


def test_owners_of_pairs_are_evened_where_no_partner_minds() -> None:
    """Not the one whose partner's owner is there."""
    placement = placed(workers(1, 1), [[1, 2]] * 4 + [[2]], pairs=[(4, 5), (3, 9)])
    made = planned(owned_by(placement, 1, 1, 1, 1, 2))
    assert told(made) == [(3, 1, 2, Reason.OWNERS)]


def test_owners_within_the_band_stay() -> None:
    """As links do."""
    placement = owned_by(placed(workers(1, 1), [[1, 2]] * 22), *[1] * 13, *[2] * 9)
    assert planned(placement).owners is Verdict.WITHIN_BAND


def test_owners_are_evened_over_workers_between() -> None:
    """Where fullest and emptiest share no rack, a third one takes one and gives one."""
    placement = placed(workers(3), [[1, 2]] * 3 + [[2, 3], [3, 2], [3, 1]])
    placement = owned_by(placement, 1, 1, 1, 2, 2, 1)
    made = planned(placement)
    state = after(placement, made.actions, NOW)
    assert sorted(state.owned.values()) == [2, 2, 2]


def test_a_chain_of_flips_begins_at_its_end() -> None:
    """Nobody acts for more racks meanwhile than the fullest did."""
    placement = placed(workers(3), [[1, 2], [1, 2], [1, 2], [2, 3], [2, 3], [3], [1], [3]])
    placement = owned_by(placement, 1, 1, 1, 2, 2, 3, None, None)
    assert told(planned(placement)) == [(5, 2, 3, Reason.OWNERS), (3, 1, 2, Reason.OWNERS)]


def test_a_rack_is_given_once() -> None:
    """What went to one receiver is no more there for another, and draining racks never are."""
    shared, filling = [[1, 2, 3]] * 2 + [[1]] * 4, [[2]] * 4 + [[3]] * 4
    placement = owned_by(placed(workers(3), shared + filling), *[1] * 6, *[None] * 8)
    made = planned(placement)
    assert sorted(move[:3] for move in told(made)) == [(1, 1, 3), (2, 1, 2)]
    assert made.owners is Verdict.NOWHERE
    assert told(planned(leaving(placement, 2, 3))) == [(1, 1, 2, Reason.OWNERS)]


def test_owners_that_cannot_be_evened_stay() -> None:
    """A rack with one link has no other owner."""
    made = planned(owned_by(placed(workers(1, 1), [[1], [1], [2], [2]]), 1, 1, None, None))
    assert (made.actions, made.owners) == ((), Verdict.NOWHERE)
    apart = owned_by(placed(workers(3), [[1, 2]] * 8 + [[3]] * 8), *[1, 2] * 4, *[None] * 8)
    assert (planned(apart).actions, planned(apart).owners) == ((), Verdict.NOWHERE)


@pytest.mark.parametrize("owner", [None, 2, 9])
def test_a_rack_whose_owner_has_no_link_is_left_to_claim_another(owner: int | None) -> None:
    """Ownership that nobody has is not the balancer's."""
    placement = owned_by(placed(workers(1, 1), [[1]]), owner)
    assert planned(placement).actions == ()


def test_owners_of_a_pair_are_parted() -> None:
    """To different regions, by a flip."""
    placement = placed(workers(2, 2), [[1, 3], [2, 4], [4, 2]], pairs=[(1, 2), (1, 9)])
    assert told(planned(placement)) == [(1, 1, 3, Reason.PARTNER)]


def test_pairs_of_many_vlans_are_parted_in_one_plan() -> None:
    """All of it may begin at once: flips cost no donor anything."""
    racks = [[1 + number // 2 % 4, 5 + number // 2 % 4] for number in range(40)]
    pairs = [(number, number + 1) for number in range(1, 40, 2)]
    placement = placed(workers(4, 4), racks, pairs=pairs)
    made = planned(placement)
    assert (together(placement), together(after(placement, made.actions, NOW))) == (20, 0)
    assert [flip.reason for flip in made.flips] == [Reason.PARTNER] * 20
    assert may_begin(made, placement, (), POLICY, NOW) == made.actions


@pytest.mark.parametrize("size", [4, 6, 12, 32])
def test_a_ring_of_pairs_is_parted(size: int) -> None:
    """No flip alone parts a pair: it hands the trouble on to the next one, until that is apart."""
    pairs = [(number, number % size + 1) for number in range(1, size + 1)]
    half = size // 2
    owners = [(number + (number > half)) % 2 for number in range(1, size + 1)]
    racks = [[1 + owner, 2 - owner] for owner in owners]
    placement = placed(workers(1, 1), racks, pairs=pairs)
    made = planned(placement)
    assert together(placement) == 2
    states = [after(placement, made.actions[:n], NOW) for n in range(len(made.actions) + 1)]
    assert max(map(together, states)) == 2
    assert together(states[-1]) == 0


def test_an_odd_ring_keeps_one_pair_together() -> None:
    """There is no other way, and nobody tries for ever."""
    placement = placed(workers(1, 1), [[1, 2]] * 3, pairs=[(1, 2), (2, 3), (3, 1)])
    made = planned(placement)
    assert together(after(placement, made.actions, NOW)) == 1
    assert len(made.actions) == 1


def test_owners_of_a_pair_are_parted_on_one_region_by_worker() -> None:
    """There it is the worker that differs."""
    placement = placed(workers(2), [[1, 2], [1, 2]], pairs=[(1, 2)])
    assert told(planned(placement)) == [(1, 1, 2, Reason.PARTNER)]


def test_a_rack_with_one_link_moves_away_from_its_partner() -> None:
    """Its owner can go nowhere without it."""
    placement = placed(workers(1, 1), [[1], [1], [2]], pairs=[(1, 2)])
    assert told(planned(placement)) == [(2, 1, 2, Reason.PARTNER)]


def test_a_pair_that_cannot_be_parted_stays() -> None:
    """With one worker there is no other place."""
    assert planned(placed(workers(1), [[1], [1]], pairs=[(1, 2)])).actions == ()


def test_partners_are_not_brought_together_by_evening() -> None:
    """Neither a move that carries the owner nor a flip does that."""
    placement = placed(workers(1, 1), [[1], [1], [1], [2]], pairs=[(1, 4), (2, 4), (3, 4)])
    assert (planned(placement).actions, planned(placement).links) == ((), Verdict.NOWHERE)
    flips = placed(workers(1, 1), [[1, 2], [1, 2], [1, 2], [2]], pairs=[(1, 4), (2, 4), (3, 4)])
    assert planned(flips).flips == ()


def test_links_of_dead_workers_do_not_count() -> None:
    """Nor do racks that are not listed."""
    placement = placed(workers(1, 1), [[1], [2]])
    ghost = Link(LinkId(9), RackKey(1), WorkerId(9))
    assert planned(evolve(placement, links=(*placement.links, ghost))).actions == ()


def test_racks_that_nobody_listed_are_placed_all_the_same() -> None:
    """Their links count."""
    placement = evolve(alone(4, 0), racks=())
    made = planned(placement)
    assert (len(made.moves), after(placement, made.actions, NOW).racks) == (2, ())


def test_the_policy_sets_the_numbers() -> None:
    """All of them, within reason."""
    eager = Policy(act=1.1, rest=1.05, dwell=0)
    assert planned(alone(12, 10, 8)).moves == ()
    assert len(planned(alone(12, 10, 8), eager).moves) == 2
    assert Policy(dwell=60).stay == timedelta(minutes=1)
    with pytest.raises(ValueError, match=r"rest \(1.3\) is not within act \(1.25\): lower it"):
        Policy(rest=1.3)


def test_a_placement_knows_its_loads() -> None:
    """Of open workers, without draining racks."""
    placement = leaving(draining(alone(4, 2, 1), 3), 1)
    assert placement.loads == {1: 3.0, 2: 2.0}
    assert placement.owned == {1: 3.0, 2: 2.0}
    assert (placement.mean, placement.ratio) == (2.5, 1.2)
    nobody = draining(alone(1), 1)
    assert (nobody.mean, nobody.ratio) == (0.0, 1.0)
