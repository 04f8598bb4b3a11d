"""What is left of a plan under orders, as text."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from maasha.dhcp.effective import effective
from maasha.dhcp.facts import RackFacts
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render import render
from maasha.model.dhcp import SOLO, DhcpPlan, Role
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind, order_on
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, situations
from tests.unit.region.spot import NOON

ALL = st.sampled_from([None, OrderKind.STOP, OrderKind.SOLO])


def order(number: int, kind: OrderKind, vlan: int | None) -> Order:
    """Give an order."""
    return Order(number, kind, None if vlan is None else VlanId(vlan), NOON)


def as_ordered(
    roles: Mapping[VlanId, Role], kinds: Mapping[VlanId, OrderKind]
) -> dict[VlanId, Role]:
    """Give the roles that orders leave."""
    left = {vlan: role for vlan, role in roles.items() if kinds.get(vlan) is not OrderKind.STOP}
    return {vlan: SOLO if vlan in kinds else role for vlan, role in left.items()}


@given(situations(), st.lists(ALL, min_size=3, max_size=3))
@settings(max_examples=150, deadline=None)
def test_the_text_is_what_would_be_rendered_for_these_roles(
    situation: tuple[RackFacts, dict[VlanId, Role]], wishes: list[OrderKind | None]
) -> None:
    """So a region that knows the orders renders the very same, and sends nothing for ever."""
    facts, roles = situation
    kinds = {vlan: kind for vlan, kind in zip(roles, wishes, strict=False) if kind is not None}
    orders = [order(number, kind, vlan) for number, (vlan, kind) in enumerate(kinds.items(), 1)]
    rendered = render(facts, roles)
    served = {entry.vlan: entry.role for entry in rendered.plan.roles}
    found = effective(rendered.plan, orders)
    expected = render(
        evolve(facts, vlans=tuple(each for each in facts.vlans if each.vlan in served)),
        as_ordered(served, kinds),
    )
    assert found == expected.plan
    assert digest(found) == digest(expected.plan)
    assert effective(found, orders) == found


def plan(role: Role = PRIMARY, acts: int | None = None) -> DhcpPlan:
    """Give the plan of a rack that serves one VLAN."""
    return evolve(render(rack(PLAIN), {PLAIN.vlan: role}).plan, acts=acts)


def test_no_orders_change_nothing() -> None:
    """The plan is the very same."""
    assert effective(plan(), ()) is not None
    assert effective(plan(), ()) == plan()


def test_stopped_everywhere_nothing_is_left() -> None:
    """No server is to run; the generation is still that of the plan."""
    found = effective(plan(), [order(1, OrderKind.STOP, None)])
    assert found == evolve(EMPTY, generation=plan().generation)


def test_a_plan_that_knows_of_a_solo_says_what_comes_of_it() -> None:
    """Else a rack that is to learn every lease from its peer would serve beside it."""
    orders = [order(3, OrderKind.SOLO, PLAIN.vlan)]
    assert effective(plan(acts=2), orders).roles[0].role == SOLO
    assert effective(plan(acts=None), orders).roles[0].role == SOLO
    assert effective(plan(acts=3), orders) == plan(acts=3)


def test_a_stop_holds_against_every_plan() -> None:
    """Whoever is ordered to stop serves nothing, whatever a region knows."""
    assert effective(plan(acts=9), [order(3, OrderKind.STOP, PLAIN.vlan)]).roles == ()


@pytest.mark.parametrize(
    ("orders", "kind"),
    [
        ((), None),
        ((order(1, OrderKind.STOP, 2),), None),
        ((order(1, OrderKind.STOP, None), order(2, OrderKind.SOLO, 1)), OrderKind.SOLO),
        ((order(1, OrderKind.SOLO, 1), order(2, OrderKind.STOP, None)), OrderKind.STOP),
    ],
)
def test_the_newest_order_about_a_vlan_counts(
    orders: tuple[Order, ...], kind: OrderKind | None
) -> None:
    """Others stand below it."""
    assert order_on(orders, VlanId(1)) is kind
