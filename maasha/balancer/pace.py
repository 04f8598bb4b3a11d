"""How fast a plan is carried out: which of its actions may begin now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from attrs import frozen

from maasha.balancer.actions import Action, Flip, Plan
from maasha.balancer.policy import Policy
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import Placement

SECOND = timedelta(seconds=1)
MOST_FLIPS = 200
"""At once: their rows are locked until all are written, and racks that register wait for them."""


@frozen
class Begun:
    """A move, or the closing of a link, that was begun."""

    rack: RackKey
    source: WorkerId
    at: datetime
    under_way: bool
    """It has not ended, well or badly."""


def anything(_: Action) -> bool:
    """Allow every action."""
    return True


def may_begin(
    plan: Plan,
    placement: Placement,
    begun: Iterable[Begun],
    policy: Policy,
    now: datetime,
    allowed: Callable[[Action], bool] = anything,
) -> tuple[Action, ...]:
    """Give the actions that may begin now, in the order of the plan; each has to be `allowed`.

    Of a donor's links at most max(`at_least`, `share`) in any second; `placement` says how many it
    has. One that is being emptied gives as much as one with its even share to the end: a share of
    what is left would take for ever. A rack does one thing at a time: what is planned for it waits
    for what is under way, and for what comes before it in the plan. Flips cost no donor anything
    and wait for their rack only. A move that takes long keeps its rack waiting and nobody else: one
    deaf rack stops no drain.
    """
    begun = tuple(begun)
    busy = {one.rack for one in begun if one.under_way}
    spent = Counter(one.source for one in begun if now - one.at < SECOND)
    links = Counter(link.worker for link in placement.links)
    even = len(placement.links) / max(1, len(placement.workers))
    chosen: list[Action] = []
    flips = 0
    for action in plan.actions:
        if action.rack in busy:
            continue
        busy.add(action.rack)
        if not allowed(action):
            continue
        if isinstance(action, Flip):
            flips += 1
            if flips > MOST_FLIPS:
                continue
        else:
            held = max(links[action.source], even)
            most = max(policy.at_least, int(policy.share * held + 1e-9))
            if spent[action.source] >= most:
                continue
            spent[action.source] += 1
        chosen.append(action)
    return tuple(chosen)
