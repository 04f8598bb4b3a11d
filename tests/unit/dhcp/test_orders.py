"""What stands after orders, their ends, and words of regions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from maasha.dhcp import orders
from maasha.dhcp.held import Held
from maasha.dhcp.orders import Impossible
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.render import render
from maasha.model.dhcp import OFF, SOLO, Role
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind, Standing
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack
from tests.unit.region.spot import NOON

V, OTHER = PLAIN.vlan, VlanId(1)
PLAN = render(rack(PLAIN), {V: PRIMARY}).plan
FRESH = Standing()


def stopped(standing: Standing = FRESH, vlan: VlanId | None = V) -> Standing:
    """Order a stop."""
    return orders.stop(standing, vlan, NOON, None, "ann")


def alone(standing: Standing = FRESH) -> Standing:
    """Order to serve alone."""
    return orders.solo(standing, PLAN, V, NOON, "ann")


def runs(standing: Standing) -> Role:
    """Give what the rack does for the VLAN."""
    roles = Held(PLAN, standing).plan.roles
    return roles[0].role if roles else OFF


def test_an_order_has_the_next_number() -> None:
    """The newest is the last, and says what there is to it."""
    after = alone(stopped(vlan=OTHER))
    assert after.number == 2
    assert after.orders[-1] == Order(2, OrderKind.SOLO, V, NOON, None, "ann")
    assert [str(order) for order in after.orders] == ["stop VLAN 1", f"solo VLAN {V}"]
    assert str(stopped(vlan=None).orders[0]) == "stop every VLAN"


def test_a_stop_that_no_region_knows_of_is_undone_on_the_spot() -> None:
    """The rack runs its part again, as after a restart."""
    after = orders.resume(stopped(), V)
    assert (after.number, after.orders, runs(after)) == (2, (), PRIMARY)


def test_a_stop_that_a_region_may_know_of_lasts_until_its_next_plan() -> None:
    """The peer may serve alone by then."""
    after = orders.resume(orders.told(stopped()), None)
    assert (runs(after), orders.active(after)) == (OFF, ())
    assert runs(orders.planned(after)) == PRIMARY


def test_stopping_once_more_does_not_make_a_region_forget() -> None:
    """The newer stop is undone, the older one, which was told, is not."""
    again = stopped(orders.told(stopped()))
    assert runs(orders.resume(again, V)) == OFF
    assert len(stopped(stopped()).orders) == 1


def test_serving_alone_is_not_undone_on_the_spot() -> None:
    """The peer's leases are old from then on: a region has to form the pair anew."""
    after = orders.resume(alone(), V)
    assert (runs(after), orders.active(after)) == (SOLO, ())
    assert runs(orders.planned(after)) == PRIMARY


def test_a_solo_outlives_a_stop_above_it() -> None:
    """When the stop ends the rack is alone as before; a solo ends the stop below it."""
    both = stopped(alone())
    assert runs(both) == OFF
    assert runs(orders.resume(both, V)) == SOLO
    assert alone(stopped()).orders[0].kind is OrderKind.SOLO


def test_of_other_vlans_nothing_changes() -> None:
    """An end names what it ends."""
    both = stopped(stopped(), OTHER)
    left = orders.resume(both, OTHER)
    assert [order.vlan for order in left.orders] == [V]


def test_what_cannot_be_is_said() -> None:
    """With what to do instead."""
    everything = stopped(vlan=None)
    for act in (lambda: stopped(everything), lambda: alone(everything)):
        with pytest.raises(Impossible, match="every VLAN is stopped here"):
            act()
    with pytest.raises(Impossible, match="`maasha-rack dhcp resume` without a VLAN"):
        orders.resume(everything, V)
    with pytest.raises(Impossible, match=f"serve VLAN 1 \\(it has: {V}\\)"):
        orders.solo(FRESH, PLAN, OTHER, NOON, "ann")
    with pytest.raises(Impossible, match="it has: none"):
        orders.solo(FRESH, EMPTY, OTHER, NOON, "ann")
    with pytest.raises(Impossible, match="no order about VLAN 1 is in force"):
        orders.resume(stopped(), OTHER)
    with pytest.raises(Impossible, match="no order for anything is in force"):
        orders.resume(FRESH, None)


def test_an_order_ends_when_its_time_is_over() -> None:
    """By the rack's clock, and not before."""
    until = NOON + timedelta(minutes=10)
    standing = orders.stop(FRESH, V, NOON, until, "ann")
    assert orders.expired(standing, NOON) == set()
    assert orders.expired(standing, until) == {1}
    assert orders.expired(stopped(), until) == set()
    assert orders.end(standing, {1}).orders == ()
    assert orders.end(standing, {7}) == standing


def test_a_plan_that_knows_of_less_is_outdated() -> None:
    """A region that is too old to know of acts at all is obeyed."""
    assert orders.outdated(evolve(PLAN, acts=0), stopped())
    assert not orders.outdated(evolve(PLAN, acts=1), stopped())
    assert not orders.outdated(PLAN, stopped())


def test_without_orders_there_is_nothing_to_be_told() -> None:
    """So that a report costs no write."""
    assert orders.told(FRESH) == FRESH
    assert orders.told(stopped()).told == 1


def test_a_relayed_vlan_has_no_orders_of_its_own() -> None:
    """It is served with the one that it is relayed to, which is said."""
    (entry,) = PLAN.roles
    through = evolve(PLAN, roles=(evolve(entry, relayed=(OTHER,)),))
    for vlan in (None, V):
        orders.require_own(through, vlan)
    with pytest.raises(Impossible, match=f"VLAN {OTHER} is relayed to VLAN {V}"):
        orders.require_own(through, OTHER)
