"""Primaries are evened on request, as far as can be, without touching what people chose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.balancer.rearranging import Evens, Swap, rearranged
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.roles import VlanRoles
from tests.unit.balancer.vlans import lost, place, rack, vlan

Edge = tuple[int, int]
ONE, TWO, THREE = RackKey(1), RackKey(2), RackKey(3)


def site(edges: list[Edge]) -> list[VlanRoles]:
    """Give a VLAN for each primary and secondary."""
    return [
        vlan(rack(a), rack(b), primary=place(a), secondary=place(b), number=number)
        for number, (a, b) in enumerate(edges)
    ]


def plan(vlans: list[VlanRoles]) -> tuple[Swap, ...]:
    """Plan where all pairs are normal."""
    return rearranged(vlans, frozenset(roles.vlan for roles in vlans))


def test_a_swap_evens_two_racks() -> None:
    """Half of the VLANs change their primary; a difference of one is even."""
    swaps = plan(site([(1, 2)] * 3))
    assert swaps == (Swap(VlanId(0), TWO, ONE, Evens(3, 0)),)


def test_what_no_swap_alone_evens_is_evened_along_a_path() -> None:
    """The last rack of the path takes first, so that nobody has more on the way."""
    swaps = plan(site([(1, 2), (1, 2), (2, 3)]))
    assert swaps == (
        Swap(VlanId(2), THREE, TWO, Evens(1, 0)),
        Swap(VlanId(0), TWO, ONE, Evens(2, 0)),
    )


@pytest.mark.parametrize(
    "kept",
    [
        lambda roles: evolve(roles, primary=evolve(roles.primary, by="user:admin")),
        lambda roles: evolve(roles, secondary=evolve(roles.secondary, by="user:admin")),
        lambda roles: evolve(roles, secondary=place(None)),
        lambda roles: evolve(roles, primary=place(None)),
        lambda roles: evolve(roles, ha_auto=False),
        lambda roles: evolve(roles, candidates=(rack(1), lost(2))),
        lambda roles: evolve(roles, candidates=(rack(1), evolve(rack(2), draining=True))),
        lambda roles: evolve(roles, candidates=(rack(1),)),
    ],
)
def test_pairs_that_must_stay_are_left_alone(
    kept: Callable[[VlanRoles], VlanRoles],
) -> None:
    """Those that people chose, and those that are not whole."""
    assert plan([kept(roles) for roles in site([(1, 2)] * 4)]) == ()


def test_pairs_that_do_not_work_are_left_alone() -> None:
    """Only VLANs that are normal on both sides are swapped, whatever counts."""
    vlans = site([(1, 2)] * 4)
    swaps = rearranged(vlans, frozenset({VlanId(3)}))
    assert [swap.vlan for swap in swaps] == [VlanId(3)]


def test_a_fullest_rack_that_cannot_give_hides_no_other() -> None:
    """The next ones are evened all the same."""
    fixed = [evolve(one, ha_auto=False) for one in site([(4, 5)] * 9)]
    free = [evolve(one, vlan=VlanId(50 + one.vlan)) for one in site([(1, 2), (1, 2)])]
    assert [swap.vlan for swap in plan(fixed + free)] == [VlanId(50)]


EDGES = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 5)).filter(lambda edge: edge[0] != edge[1]),
    max_size=8,
)


def squares(edges: list[Edge]) -> int:
    """Give the sum of the squares of the racks' counts."""
    return sum(count**2 for count in Counter(primary for primary, _ in edges).values())


@given(EDGES)
def test_nothing_could_be_more_even_and_no_step_is_worse(edges: list[Edge]) -> None:
    """Checked against every orientation of all pairs."""
    best = min(
        squares([edge[::-1] if turn else edge for edge, turn in zip(edges, turns, strict=True)])
        for turns in product((False, True), repeat=len(edges))
    )
    now = list(edges)
    for swap in plan(site(edges)):
        counts = Counter(primary for primary, _ in now)
        assert now[swap.vlan] == (swap.secondary, swap.primary)
        assert swap.reason == Evens(counts[swap.secondary], counts[swap.primary])
        before = squares(now)
        now[swap.vlan] = (swap.primary, swap.secondary)
        assert squares(now) <= before
    assert squares(now) == best
    assert plan(site(now)) == ()
