"""Orders on the spot as a region knows them: from reports, in the history, to their end."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from maasha.db.acts import end_orders, take_acts
from maasha.db.events import history, open_alarms
from maasha.db.pool import Pool
from maasha.db.services import confirm_stopped, record_asked
from maasha.model.dhcp import OFF, SOLO, VlanRole, VlanService
from maasha.model.network import VlanId
from maasha.model.orders import Act, Order, OrderKind
from maasha.region.decision import EndOrders, decide
from tests.asynchronous import asynchronous
from tests.integration.db.test_services import (
    NORMAL,
    PRIMARY,
    SECONDARY,
    Pair,
    epoch,
    make_pair,
    report,
    situation,
    view,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def order(kind: OrderKind, vlan: VlanId | None, number: int = 1) -> Order:
    """Give an order."""
    return Order(number, kind, vlan, NOON, None, "root (uid 0)")


def act(number: int) -> Act:
    """Give an act."""
    return Act(UUID(int=number), number, NOON, "root (uid 0)", "dhcp solo VLAN 1", "done")


async def paired(pool: Pool) -> Pair:
    """Make a pair that is normal."""
    pair = await make_pair(pool)
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    await report(pool, pair.two, VlanService(pair.vlan, SECONDARY, NORMAL, NORMAL))
    return pair


@asynchronous
async def test_a_rack_that_serves_alone_by_order(pool: Pool) -> None:
    """What it says counts at once, the pair has another name, and who comes back is to stop."""
    pair = await paired(pool)
    asked = (VlanRole(pair.vlan, PRIMARY),)
    await pool.run(lambda tx: record_asked(tx, pair.one.rack, epoch(pair.one), asked))
    orders = (order(OrderKind.SOLO, pair.vlan),)
    said = VlanService(pair.vlan, SOLO)
    await report(pool, pair.one, said, settles=False, acts=1, orders=orders)
    seen = await situation(pool, pair.one)
    one, two = seen.vlans[0].members
    assert (seen.acts, seen.orders, seen.vlans[0].pairing) == (1, orders, 2)
    assert (one.asked, one.running, one.ordered, one.vouched_off) == (
        *(SOLO, SOLO),
        *(OrderKind.SOLO, False),
    )
    assert (two.ordered, two.vouched_off, one.commanded) == (None, True, False)
    (alarm,) = [each for each in await pool.run(open_alarms) if each.kind == "dhcp.by-hand"]
    assert f"solo VLAN {pair.vlan}, by root (uid 0)" in alarm.detail
    assert (await view(pool, pair.one)).orders == orders
    await report(pool, pair.two)
    assert not (await situation(pool, pair.one)).vlans[0].members[1].vouched_off
    await report(pool, pair.one, said, acts=2)
    assert [each.kind for each in await pool.run(open_alarms)] == []


@asynchronous
async def test_a_rack_that_was_stopped_by_order(pool: Pool) -> None:
    """It is off for certain; its peer is not vouched to be."""
    pair = await paired(pool)
    await report(pool, pair.one, settles=False, acts=1, orders=(order(OrderKind.STOP, None),))
    seen = (await situation(pool, pair.two)).vlans[0]
    assert (seen.members[0].running, seen.members[0].ordered) == (OFF, OrderKind.STOP)
    assert (seen.members[1].vouched_off, seen.pairing) == (False, 2)


@asynchronous
async def test_orders_end_in_the_region(pool: Pool) -> None:
    """The rack is told to end those that were known then, and no later one."""
    pair = await paired(pool)
    name = (await view(pool, pair.one)).name.system_id
    assert not await pool.run(lambda tx: end_orders(tx, "user:ann", name))
    await report(pool, pair.one, acts=1, orders=(order(OrderKind.STOP, None),))
    assert await pool.run(lambda tx: end_orders(tx, "user:ann", name))
    decision = decide(await situation(pool, pair.one)).decision
    assert decision == EndOrders((1,), "user:ann")
    await report(pool, pair.one, acts=2)
    await report(pool, pair.one, acts=3, orders=(order(OrderKind.STOP, None, 3),))
    assert not isinstance(decide(await situation(pool, pair.one)).decision, EndOrders)
    await report(pool, pair.one, acts=1, orders=(order(OrderKind.STOP, None),))
    assert (await situation(pool, pair.one)).resume_upto == 0


@asynchronous
async def test_an_act_is_written_down_once(pool: Pool) -> None:
    """However often it is told; the history has who, what, when and what came of it."""
    pair = await make_pair(pool)
    rack = pair.one.rack
    assert await pool.run(lambda tx: take_acts(tx, rack, (act(1), act(2)))) == 2
    assert await pool.run(lambda tx: take_acts(tx, rack, (act(2), act(3)))) == 1
    events = [each for each in await pool.run(history) if each.kind == "dhcp.act"]
    assert len(events) == 3
    assert events[0].detail == "dhcp solo VLAN 1, at 2026-01-01T12:00:00+00:00: done"
    assert events[0].who.endswith("root (uid 0)")


@asynchronous
async def test_a_rack_that_was_given_up_has_no_orders(pool: Pool) -> None:
    """Should it come back, what it says of them is news."""
    pair = await paired(pool)
    orders = (order(OrderKind.SOLO, pair.vlan),)
    await report(pool, pair.one, VlanService(pair.vlan, SOLO), acts=1, orders=orders)
    await pool.run(lambda tx: confirm_stopped(tx, pair.one.rack))
    assert (await situation(pool, pair.one)).orders == ()
    await report(pool, pair.one, VlanService(pair.vlan, SOLO), acts=1, orders=orders)
    assert (await situation(pool, pair.one)).orders == orders


@asynchronous
async def test_a_damaged_plan_is_an_alarm(pool: Pool) -> None:
    """Until the rack has a good one on its disk again."""
    pair = await paired(pool)
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL), damaged=True)
    kinds = [each.kind for each in await pool.run(open_alarms)]
    assert kinds == ["dhcp.plan-damaged"]
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    assert await pool.run(open_alarms) == ()
