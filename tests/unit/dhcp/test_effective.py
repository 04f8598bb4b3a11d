"""What is left of a plan under orders, as text."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from maasha.dhcp.effective import effective
from maasha.dhcp.facts import RackFacts
from maasha.dhcp.joining import ranges
from maasha.dhcp.lease_log import STATEMENTS
from maasha.dhcp.options import ARCHITECTURE
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render import render
from maasha.dhcp.snippets import snippet_lines
from maasha.model.dhcp import SOLO, DhcpPlan, Role
from maasha.model.network import RelayedVlan, VlanId
from maasha.model.orders import Order, OrderKind, order_on
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, situations, span, subnet, vlan
from tests.unit.region.spot import NOON

FAR = "20.0.0.0/24"
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
    assert found.hosts in (rendered.plan.hosts, "")


@given(situations(), st.lists(ALL, min_size=3, max_size=3))
@settings(max_examples=100, deadline=None)
def test_what_people_wrote_and_who_else_is_served_stays(
    situation: tuple[RackFacts, dict[VlanId, Role]], wishes: list[OrderKind | None]
) -> None:
    """Snippets and the lease log stand; a relayed VLAN goes where the one goes that it needs."""
    facts, roles = situation
    kinds = {vlan: kind for vlan, kind in zip(roles, wishes, strict=False) if kind is not None}
    orders = [order(number, kind, vlan) for number, (vlan, kind) in enumerate(kinds.items(), 1)]
    plan = render(facts, roles).plan
    found = effective(plan, orders)
    left = {entry.vlan for entry in plan.roles if kinds.get(entry.vlan) is not OrderKind.STOP}
    every = {entry.vlan: (entry.vlan, *entry.relayed) for entry in plan.roles}
    assert set(ranges(found.config)) == {each for vlan in left for each in every[vlan]}
    assert {vlan: ranges(plan.config)[vlan] for vlan in ranges(found.config)} == ranges(
        found.config
    )
    for number in kinds:
        assert f'"failover-vlan-{number}-1' not in "".join(
            line for line in found.config.splitlines() if not line.lstrip().startswith("#")
        )
    if left:
        assert "\n".join(snippet_lines(facts.snippets)) in found.config
        assert STATEMENTS in found.config
        assert ARCHITECTURE in found.config
        assert found.hosts == facts.hosts


def test_a_relayed_vlan_is_served_as_the_one_that_it_is_relayed_to() -> None:
    """It is stopped with it, and left without the peer with it."""
    there = RelayedVlan(VlanId(8), 600, 1500, (subnet(span("20.0.0.5", "20.0.0.9"), cidr=FAR),))
    through = evolve(PLAIN, relayed=(there,))
    other = vlan(
        subnet(span("10.1.0.50", "10.1.0.99"), cidr="10.1.0.0/24"),
        number=2,
        own="10.1.0.1",
        interface="eth1",
    )
    both = render(rack(through, other), {PLAIN.vlan: PRIMARY, other.vlan: SOLO}).plan
    found = effective(both, [order(1, OrderKind.SOLO, PLAIN.vlan)])
    assert set(ranges(found.config)) == {PLAIN.vlan, there.vlan, other.vlan}
    assert "failover" not in found.config
    found = effective(both, [order(1, OrderKind.STOP, PLAIN.vlan)])
    assert set(ranges(found.config)) == {other.vlan}
    assert found.interfaces == ("eth1",)


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
