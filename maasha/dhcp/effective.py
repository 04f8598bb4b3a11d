"""What a rack runs of the plan that a region gave it, under the orders given on the spot.

It takes blocks out of a text of `maasha.dhcp.render` and adds nothing, so what is left is as good
as what was there: a VLAN that is stopped is not declared at all, nor are those that are relayed to
it, and one that is served alone has no failover peer. The result is the text that `render` gives
for these roles.

The hosts stay as they are while any VLAN is served: dhcpd gives none of a host's addresses on a
link that they do not fit, and a stop, or its end, is then no change of hosts for anybody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import evolve

from maasha.dhcp.plan import EMPTY
from maasha.model.dhcp import SOLO, DhcpPlan, VlanRole
from maasha.model.orders import Order, OrderKind, order_on


def effective(plan: DhcpPlan, orders: Sequence[Order]) -> DhcpPlan:
    """Give the plan as the orders leave it; of several orders about a VLAN the newest counts.

    Orders never add a VLAN, so a rack that is told to serve a VLAN no more does not. A plan that
    was made knowing of an order to serve alone says itself what comes of it. What is given may be
    given again: orders are carried out once.
    """
    counting = [order for order in orders if _counts(order, plan)]
    ordered = {entry.vlan: order_on(counting, entry.vlan) for entry in plan.roles}
    roles = tuple(
        _role(entry, ordered[entry.vlan])
        for entry in plan.roles
        if ordered[entry.vlan] is not OrderKind.STOP
    )
    if roles == plan.roles:
        return plan
    if not roles:
        return evolve(EMPTY, generation=plan.generation, acts=plan.acts)
    config = plan.config
    for entry in plan.roles:
        config = _without(config, entry, ordered[entry.vlan])
    return evolve(plan, config=config, interfaces=_interfaces(plan, roles), roles=roles)


def _counts(order: Order, plan: DhcpPlan) -> bool:
    known = plan.acts is not None and plan.acts >= order.number
    return order.kind is OrderKind.STOP or not known


def _role(entry: VlanRole, order: OrderKind | None) -> VlanRole:
    return evolve(entry, role=SOLO) if order is OrderKind.SOLO else entry


def _without(config: str, entry: VlanRole, order: OrderKind | None) -> str:
    if order is None:
        return config
    if entry.role.paired:
        name = re.escape(entry.role.peer_name)
        config = _cut(config, f'failover peer "{entry.role.peer_name}"')
        config = re.sub(rf'^ +failover peer "{name}";\n', "", config, flags=re.MULTILINE)
    if order is OrderKind.STOP:
        for vlan in (entry.vlan, *entry.relayed):
            config = _cut(config, f"shared-network vlan-{vlan}")
    return config


def _cut(config: str, head: str) -> str:
    """Take a top-level block away, with the empty line before it.

    The last one of this head is ours: people's own words on the top level stand before all blocks.
    """
    start = config.rfind(f"\n{head} {{\n")
    end = config.find("\n}\n", start) + len("\n}\n")
    return config[:start] + config[end:]


def _interfaces(plan: DhcpPlan, roles: Sequence[VlanRole]) -> tuple[str, ...]:
    gone = {entry.interface for entry in plan.roles} - {entry.interface for entry in roles}
    return tuple(name for name in plan.interfaces if name not in gone)
