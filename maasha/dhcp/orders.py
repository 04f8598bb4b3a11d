"""What becomes of a rack's orders when people act on the spot, time passes, or a region speaks.

What runs is always `effective(plan, orders)` of the last good plan of a region. The invariants:

- An order never makes a rack serve a VLAN that its plan does not name, and a plan without the VLAN
  ends its service whatever was ordered. Only a person who vouches that the peer's host is off makes
  a rack serve alone that was one of a pair.
- *Stop* can be taken back on the spot only while no region may know of it (`number > told`): until
  then every region takes it that this rack runs its part, as a rack out of reach does. Afterwards
  the peer may serve alone, so an ended stop stays in effect until a region that knows of its end
  sends a plan.
- *Solo* cannot be taken back on the spot at all: the peer's leases are old from then on. Ended, it
  stays in effect until a region has had the peer forget its leases and sends a plan with a new
  pairing.
- A plan that was made without knowing of the newest act is not carried out (`outdated`): each act
  has a number, a region has it from the rack's report, and puts it into the plan. So a report with
  a new number says for certain what the rack runs: whatever is on its way to it is refused.
- A region never makes a rack serve alone beside one that may serve: it takes each rack's word for
  what it runs (`maasha.dhcp.rollout`), and a rack's word holds until it hears from a region, for
  nothing on the spot undoes what a region was told, except a person who vouches.
"""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from maasha.model.dhcp import DhcpPlan
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind, Standing


class Impossible(Exception):
    """An order that cannot be; the message is for people."""


def stop(
    standing: Standing, vlan: VlanId | None, at: datetime, until: datetime | None, by: str
) -> Standing:
    """Order a VLAN, or all, to be served no more; raises Impossible."""
    _require_some_served(standing)
    return _with(standing, OrderKind.STOP, vlan, at, until, by)


def solo(standing: Standing, plan: DhcpPlan, vlan: VlanId, at: datetime, by: str) -> Standing:
    """Order a VLAN to be served alone, a stop of it being over; raises Impossible."""
    _require_some_served(standing)
    if all(entry.vlan != vlan for entry in plan.roles):
        named = ", ".join(str(entry.vlan) for entry in plan.roles) or "none"
        raise Impossible(
            f"the last plan of a region does not have this rack serve VLAN {vlan} (it has: {named})"
        )
    return _with(standing, OrderKind.SOLO, vlan, at, None, by)


def require_own(plan: DhcpPlan, vlan: VlanId | None) -> None:
    """Raise Impossible for a VLAN that is relayed to another one: it is served with that one."""
    for entry in plan.roles:
        if vlan in entry.relayed:
            raise Impossible(
                f"VLAN {vlan} is relayed to VLAN {entry.vlan}, with which it is served: order it "
                f"about VLAN {entry.vlan}"
            )


def resume(standing: Standing, vlan: VlanId | None) -> Standing:
    """End the orders about a VLAN, or all; raises Impossible where there is none."""
    chosen = [
        order
        for order in active(standing)
        if vlan is None or order.vlan == vlan or order.vlan is None
    ]
    if not chosen:
        where = "for anything" if vlan is None else f"about VLAN {vlan}"
        raise Impossible(f"no order {where} is in force here; see `maasha-rack dhcp status`")
    if vlan is not None and any(order.vlan is None for order in chosen):
        raise Impossible(
            "every VLAN is stopped: `maasha-rack dhcp resume` without a VLAN ends that"
        )
    return end(standing, {order.number for order in chosen})


def end(standing: Standing, numbers: set[int]) -> Standing:
    """End orders by their numbers; those that are not in force are left alone."""
    if not numbers & {order.number for order in active(standing)}:
        return standing
    left = (
        evolve(order, ended=True) if order.number in numbers else order
        for order in standing.orders
        if not (order.number in numbers and _can_be_undone(order, standing))
    )
    return evolve(standing, number=standing.number + 1, orders=tuple(left))


def expired(standing: Standing, now: datetime) -> set[int]:
    """Name the orders whose time is over."""
    orders = active(standing)
    return {order.number for order in orders if order.until is not None and order.until <= now}


def told(standing: Standing) -> Standing:
    """Note that a region may know everything from now on."""
    return evolve(standing, told=standing.number) if standing.orders else standing


def planned(standing: Standing) -> Standing:
    """Forget what was ended: a plan has come from a region that knows of its end."""
    return evolve(standing, orders=active(standing))


def outdated(plan: DhcpPlan, standing: Standing) -> bool:
    """Whether a plan was made without knowing of the newest act; of an older region, never."""
    return plan.acts is not None and plan.acts < standing.number


def active(standing: Standing) -> tuple[Order, ...]:
    """Give the orders that nobody ended."""
    return tuple(order for order in standing.orders if not order.ended)


def _with(
    standing: Standing,
    kind: OrderKind,
    vlan: VlanId | None,
    at: datetime,
    until: datetime | None,
    by: str,
) -> Standing:
    number = standing.number + 1
    below = (_below(order, kind, vlan, standing) for order in standing.orders)
    kept = (order for order in below if order is not None)
    orders = (*kept, Order(number, kind, vlan, at, until, by))
    return evolve(standing, number=number, orders=orders)


def _below(order: Order, kind: OrderKind, vlan: VlanId | None, standing: Standing) -> Order | None:
    """Give what is left of an order under a new one, which may be taken back; None: nothing.

    A solo outlives a stop, and so does a stop that a region may know of.
    """
    if order.vlan != vlan or (order.kind is OrderKind.SOLO and kind is OrderKind.STOP):
        return order
    if kind is OrderKind.STOP and not _can_be_undone(order, standing):
        return evolve(order, ended=True)
    return None


def _can_be_undone(order: Order, standing: Standing) -> bool:
    return order.kind is OrderKind.STOP and order.number > standing.told


def _require_some_served(standing: Standing) -> None:
    if any(order.vlan is None for order in active(standing)):
        raise Impossible(
            "every VLAN is stopped here by order: end that first with `maasha-rack dhcp resume`"
        )
