"""What holds of every plan, wherever it is cut short."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from maasha.balancer.actions import Move, Plan, Reason, Verdict, after
from maasha.balancer.pace import Begun, may_begin
from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from maasha.model.placement import IDLE, Placement
from tests.unit.balancer.fleet import (
    LATELY,
    LATER,
    NOW,
    broken,
    placements,
    together,
)
from tests.unit.balancer.flow import fewest_moves

EVENING = (Reason.REGIONS, Reason.WORKERS)
UNCHANGED = (Verdict.HELD, Verdict.NOWHERE)
often = settings(max_examples=60, deadline=None)


def planned(placement: Placement) -> Plan:
    """Plan for now."""
    return plan(placement, POLICY, NOW)


def done(placement: Placement, made: Plan, upto: int | None = None) -> Placement:
    """Give the placement when a part of a plan, or all of it, is done."""
    return evolve(after(placement, made.actions[:upto], NOW), acting=made.acting)


@often
@given(placements())
def test_every_prefix_of_a_plan_is_a_legal_state(placement: Placement) -> None:
    """A plan may be cut short after any action."""
    actions = planned(placement).actions
    for upto in range(len(actions) + 1):
        state = after(placement, actions[:upto], NOW)
        assert list(broken(placement, state)) == []


@often
@given(placements())
def test_a_plan_leads_to_a_state_whose_plan_is_empty(placement: Placement) -> None:
    """At once, when no dwell holds any more, and for a leader that remembers nothing."""
    state = done(placement, planned(placement))
    for acting in (state.acting, IDLE):
        assert planned(evolve(state, acting=acting)).actions == ()


@often
@given(placements(), st.data())
def test_a_plan_cut_short_is_finished_by_the_next(
    placement: Placement, data: st.DataObject
) -> None:
    """It ends where nothing is to be done."""
    made = planned(placement)
    upto = data.draw(st.integers(0, len(made.actions)))
    state = done(placement, made, upto)
    rest = planned(state)
    assert planned(done(state, rest)).actions == ()


@often
@given(placements(), st.booleans())
def test_repeated_planning_ends(placement: Placement, remembers: bool) -> None:
    """One action at a time, with a new plan after each and all dwells over, comes to an end."""
    for _ in range(4 * len(placement.links) + 10):
        made = plan(placement, POLICY, LATER)
        if not made.actions:
            return
        acting = made.acting if remembers else IDLE
        placement = evolve(after(placement, made.actions[:1], NOW), acting=acting)
    raise AssertionError(made)


@often
@given(placements(), st.data())
def test_the_order_of_what_is_told_does_not_matter(
    placement: Placement, data: st.DataObject
) -> None:
    """The same cluster has the same plan."""
    other = evolve(
        placement,
        workers=tuple(data.draw(st.permutations(placement.workers))),
        links=tuple(data.draw(st.permutations(placement.links))),
        racks=tuple(data.draw(st.permutations(placement.racks))),
        pairs=tuple(data.draw(st.permutations(placement.pairs))),
    )
    assert planned(other) == planned(placement)


@often
@given(placements())
def test_draining_workers_are_emptied(placement: Placement) -> None:
    """Of owners and links, whatever dwell and loads, as long as there is an open worker."""
    state = done(placement, planned(placement))
    away = {worker.id for worker in placement.workers if worker.draining}
    if len(away) < len(placement.workers):
        assert not any(link.worker in away for link in state.links)
        assert not any(rack.owner in away for rack in state.racks)


@often
@given(placements())
def test_only_a_drain_moves_what_is_held_or_leaves(placement: Placement) -> None:
    """Links that the balancer moved lately, and draining racks, stay."""
    held = {link.id for link in placement.links if link.moved == LATELY}
    leaving = {rack.key for rack in placement.racks if rack.draining}
    for action in planned(placement).actions:
        if isinstance(action, Move) and action.reason is not Reason.DRAIN:
            assert action.link not in held
        if action.reason is not Reason.DRAIN and action.reason is not Reason.NOWHERE_ELSE:
            assert action.rack not in leaving


@often
@given(placements())
def test_a_plan_leaves_no_load_out_of_band_that_could_be_in_it(placement: Placement) -> None:
    """Where it does, it says why."""
    made = planned(placement)
    state = done(placement, made)
    loads, mean = state.loads, state.mean
    equal = len({worker.capacity for worker in state.workers}) == 1
    if len(loads) > 1 and equal and made.links not in UNCHANGED:
        unit = state.workers[0].capacity
        most, least = max(loads.values()), min(loads.values())
        outside = most > POLICY.act * mean or least < mean / POLICY.act
        assert not outside or (most - least) * unit < POLICY.spread


@often
@given(placements())
def test_flips_part_pairs(placement: Placement) -> None:
    """No plan brings the owners of a VLAN together, unless a drain leaves them no choice."""
    drains = any(worker.draining for worker in placement.workers)
    state = done(placement, planned(placement))
    assert drains or together(state) <= together(placement)


@often
@given(placements(plain=True))
def test_evening_takes_about_the_fewest_moves(placement: Placement) -> None:
    """Within one region exactly the fewest; evening regions first may cost two more.

    Links of a rack are on different regions where there are two. Where there is a way to evenness
    no plan says that there is none; one that needs a link twice waits for the dwell in between.
    """
    made, fewest = planned(placement), fewest_moves(placement, POLICY)
    if fewest is None:
        return
    assert made.links is not Verdict.NOWHERE
    if made.moves and made.links is not Verdict.HELD:
        regions = len({worker.region for worker in placement.workers})
        assert 0 <= len(made.moves) - fewest <= (2 if regions > 1 else 0)


@often
@given(placements(plain=True))
def test_nothing_is_moved_within_the_band(placement: Placement) -> None:
    """Evening begins only where the greatest or the least load is out of band."""
    loads, mean = placement.loads.values(), placement.mean
    if max(loads) <= 1.25 * mean and min(loads) >= mean / 1.25:
        assert planned(placement).moves == ()


@often
@given(placements())
def test_a_paced_plan_arrives(placement: Placement) -> None:
    """Planning anew each second, with one second for a move, reaches a state of rest."""
    start, begun = placement, tuple[Begun, ...]()
    for _ in range(4 * len(placement.links) + 10):
        made = planned(placement)
        chosen = may_begin(made, placement, begun, POLICY, NOW)
        if not chosen:
            assert made.actions == ()
            return
        placement = evolve(after(placement, chosen, NOW), acting=made.acting)
        assert list(broken(start, placement)) == []
    raise AssertionError(made)
