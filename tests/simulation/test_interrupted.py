"""A plan that is interrupted, between two actions or in the middle of a move, does no harm."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve
from hypothesis import given, settings

from maasha.balancer.actions import Action, Move, after
from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from maasha.model.cluster import LinkId
from maasha.model.placement import Link, Placement
from tests.unit.balancer.fleet import NOW, broken, placements

NEW = LinkId(10_000)
TWO = 2
"""Moves that an interruption may cost: the one whose half is done, for another link may go instead,
and one more where regions are evened before workers."""
FEW = 4
"""The same of odd clusters: racks with several links on one worker, of which some stay for now."""
TRANSIENT = "has more links on a region than it need"
"""What may be while a rack has both links of a move; it gives one of them up by itself."""


def moves(actions: tuple[Action, ...]) -> int:
    """Count the link moves."""
    return sum(isinstance(action, Move) for action in actions)


def half_done(state: Placement, move: Move) -> Iterator[Placement]:
    """Give what is when both links of a move stand: with the old owner, and with the new one."""
    both = evolve(state, links=(*state.links, Link(NEW, move.rack, move.to)))
    yield both
    racks = tuple(
        evolve(rack, owner=move.to) if (rack.key, rack.owner) == (move.rack, move.source) else rack
        for rack in state.racks
    )
    if racks != state.racks:
        yield evolve(both, racks=racks)


def interrupted(placement: Placement) -> Iterator[tuple[Placement, int]]:
    """Give every state in which its plan may be interrupted, and how many moves that took."""
    made = plan(placement, POLICY, NOW)
    for upto in range(len(made.actions) + 1):
        begun = made.actions[:upto]
        state = evolve(after(placement, begun, NOW), acting=made.acting)
        yield state, moves(begun)
        for action in made.actions[upto : upto + 1]:
            if isinstance(action, Move):
                for half in half_done(state, action):
                    yield half, moves(begun)


@settings(max_examples=60)
@given(placements())
def test_every_interrupted_plan_leaves_a_legal_state(placement: Placement) -> None:
    """Racks keep links, owners have one, and no rack has two on a worker."""
    for state, _ in interrupted(placement):
        wrong = [each for each in broken(placement, state) if TRANSIENT not in each]
        assert wrong == []


@settings(max_examples=60)
@given(placements(plain=True))
def test_from_every_interruption_one_plan_leads_to_rest(placement: Placement) -> None:
    """And all in all it takes two moves more than without it, at most."""
    hold_rest(placement, TWO)


@settings(max_examples=60)
@given(placements())
def test_that_holds_of_odd_clusters_too(placement: Placement) -> None:
    """Where links are together, drained or held, it may be a few."""
    hold_rest(placement, FEW)


def hold_rest(placement: Placement, more: int) -> None:
    """Hold that one plan finishes what another began, with so many moves more."""
    whole = moves(plan(placement, POLICY, NOW).actions)
    for state, taken in interrupted(placement):
        rest = plan(state, POLICY, NOW)
        assert taken + moves(rest.actions) <= whole + more
        end = evolve(after(state, rest.actions, NOW), acting=rest.acting)
        assert plan(end, POLICY, NOW).actions == ()
