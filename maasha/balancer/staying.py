"""Why a rack's links stay together although there is a better place for one of them.

A link that the balancer moved stays for the dwell, whatever else: also where it doubles what its
rack has on a region or a worker. Only a drain moves it earlier.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from attrs import frozen

from maasha.balancer.board import Board
from maasha.balancer.links import doubled
from maasha.balancer.policy import Policy
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import Link, Placement


@frozen
class Together:
    """A rack with more links in one place than need be, one of which may not move yet."""

    rack: RackKey
    worker: WorkerId
    """Where the link is that may move first."""
    on_worker: bool
    """They are on this one worker, else on its region."""
    links: int
    """How many are there."""
    moved: datetime
    """When the balancer moved that link there."""
    until: datetime
    """When it may move again."""


def together(
    placement: Placement, policy: Policy, now: datetime, but: Collection[RackKey] = ()
) -> Iterator[Together]:
    """Give the racks that wait for the end of a dwell; `but`: those of which more is known."""
    board = Board(placement, policy, now)
    waiting = {
        rack
        for rack, spots in board.spots.items()
        if rack not in but and rack not in board.leaving and doubled(board, spots)
    }
    of_racks = defaultdict[RackKey, list[Link]](list)
    for link in placement.links:
        if link.rack in waiting and link.worker in board.home:
            of_racks[link.rack].append(link)
    for rack in sorted(of_racks):
        found = _of(board, of_racks[rack], policy)
        if found is not None:
            yield found


def _of(board: Board, links: list[Link], policy: Policy) -> Together | None:
    """Find the link of a rack that is held where there are too many and may move first."""
    workers = Counter(link.worker for link in links)
    homes = Counter(board.home[link.worker] for link in links)
    on_worker = max(workers.values()) > 1
    counts = {
        link.id: workers[link.worker] if on_worker else homes[board.home[link.worker]]
        for link in links
    }
    most = max(counts.values())
    held = [
        (link.moved, link)
        for link in links
        if counts[link.id] == most and link.moved is not None and board.held(link)
    ]
    if not held:
        return None
    moved, link = min(held, key=lambda each: each[0])
    return Together(link.rack, link.worker, on_worker, most, moved, moved + policy.stay)
