"""What a plan consists of, each action with its reason, and what becomes of a placement by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from attrs import evolve, frozen

from maasha.model.cluster import LinkId, RackKey, WorkerId
from maasha.model.placement import Acting, Placement


class Reason(Enum):
    """Why an action is planned; for people."""

    DRAIN = "the worker is draining"
    NOWHERE_ELSE = "the worker is draining and every other one has a link of this rack"
    DOUBLED = "the rack has more links there than on another region or worker"
    PARTNER = "the owner of the other rack of the VLAN is there too"
    REGIONS = "the region has more than its share of links"
    WORKERS = "the worker has more than its share of its region's links"
    OWNERS = "the worker acts for more than its share of racks"


@frozen
class Move:
    """Open a link to `to`, then drain and close this one: the rack is never without.

    Where the source acts for the rack and has no other link of it, ownership goes along.
    """

    link: LinkId
    rack: RackKey
    source: WorkerId
    to: WorkerId
    reason: Reason


@frozen
class Close:
    """Close one link of a rack that has another one on an open worker."""

    link: LinkId
    rack: RackKey
    source: WorkerId
    reason: Reason


@frozen
class Flip:
    """Let another worker act for the rack, one that has a link to it; no link is touched."""

    rack: RackKey
    source: WorkerId
    to: WorkerId
    reason: Reason


Action = Move | Close | Flip


class Verdict(Enum):
    """Why a plan does nothing, or no more than it does; for people."""

    NO_WORKER = "there is no open worker"
    ONE_WORKER = "there is one open worker only"
    EVEN = "it is even"
    WITHIN_BAND = "it is not even, but not enough to act"
    HELD = "links that could move were moved lately and stay for now"
    NOWHERE = "it is not even, but no rack on the full side may go to the empty one"


@frozen
class Plan:
    """What to do, in this order for each rack; any part of it may be all that happens."""

    actions: tuple[Action, ...]
    links: Verdict
    """Of the links when all is done."""
    owners: Verdict
    acting: Acting
    """What the next placement is to carry."""

    @property
    def moves(self) -> tuple[Move, ...]:
        """The link moves among the actions."""
        return tuple(action for action in self.actions if isinstance(action, Move))

    @property
    def flips(self) -> tuple[Flip, ...]:
        """The changes of owners among the actions."""
        return tuple(action for action in self.actions if isinstance(action, Flip))


def after(placement: Placement, actions: Iterable[Action], now: datetime) -> Placement:
    """Give the placement when the actions are done."""
    links = {link.id: link for link in placement.links}
    racks = {rack.key: rack for rack in placement.racks}
    places = Counter((link.rack, link.worker) for link in placement.links)
    for action in actions:
        if isinstance(action, Flip):
            racks[action.rack] = evolve(racks[action.rack], owner=action.to)
            continue
        rack, source, was = action.rack, action.source, links[action.link]
        places[rack, source] -= 1
        if isinstance(action, Move):
            links[action.link] = evolve(was, worker=action.to, moved=now)
            places[rack, action.to] += 1
            if not places[rack, source] and rack in racks and racks[rack].owner == source:
                racks[rack] = evolve(racks[rack], owner=action.to)
        else:
            del links[action.link]
    return evolve(placement, links=tuple(links.values()), racks=tuple(racks.values()))
