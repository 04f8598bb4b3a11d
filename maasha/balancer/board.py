"""The working copy of a placement on which a plan is tried out, action by action.

It knows what each action leads to and which moves are allowed; it decides nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import attrgetter

from maasha.balancer.actions import Action, Close, Flip, Move, Reason
from maasha.balancer.policy import Policy
from maasha.balancer.scale import Scale, bin_of
from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.model.placement import Link, Placement, Worker

Site = SystemId | WorkerId
"""What the owners of partners are to differ in: the region, or with one region the worker."""


class Board:
    """Where links and owners are by now, and the actions that led there.

    A link moves once in a plan: the next plan may move it again when its dwell is over.
    """

    def __init__(self, placement: Placement, policy: Policy, now: datetime) -> None:
        workers = sorted(placement.workers, key=attrgetter("id"))
        self.actions: list[Action] = []
        self.open = {one.id: one for one in workers if not one.draining}
        self.home = {one.id: one.region for one in workers}
        self.regions = _by_region(self.open.values())
        self.leaving = frozenset(rack.key for rack in placement.racks if rack.draining)
        self._since = now - policy.stay
        self._moved: set[LinkId] = set()
        self._rows: dict[tuple[WorkerId, SystemId | WorkerId], Iterator[Link]] = {}
        self._movable: dict[WorkerId, Sequence[Link]] = {}
        self._take_links(placement.links)
        self._take_owners(placement)
        self._weigh(policy)

    def _take_links(self, links: Iterable[Link]) -> None:
        self.on: dict[WorkerId, list[Link]] = {worker: [] for worker in self.home}
        on, spots = self.on, defaultdict[RackKey, list[WorkerId]](list)
        for link in sorted(links, key=attrgetter("id")):
            if link.worker in on:
                on[link.worker].append(link)
                spots[link.rack].append(link.worker)
        self.spots = dict(spots)

    def _take_owners(self, placement: Placement) -> None:
        """Owners without a link are left out: racks and workers mend that among themselves."""
        self.owner: dict[RackKey, WorkerId] = {}
        for rack in sorted(placement.racks, key=attrgetter("key")):
            if rack.owner is not None and rack.owner in self.spots.get(rack.key, ()):
                self.owner[rack.key] = rack.owner
        self.partners: dict[RackKey, list[RackKey]] = defaultdict(list)
        for pair in sorted(placement.pairs, key=lambda pair: (pair.primary, pair.secondary)):
            if not {pair.primary, pair.secondary} & self.leaving:
                self.partners[pair.primary].append(pair.secondary)
                self.partners[pair.secondary].append(pair.primary)
        self._site = {one: self._site_of(one) for one in self.home}
        self._beside: dict[RackKey, Counter[Site]] = {
            rack: Counter(self._site[self.owner[one]] for one in partners if one in self.owner)
            for rack, partners in self.partners.items()
        }

    def _weigh(self, policy: Policy) -> None:
        singles = {key: bin_of([worker.capacity]) for key, worker in self.open.items()}
        self._singles, self._policy = singles, policy
        self.within = {
            region: Scale({one.id: singles[one.id] for one in workers}, policy)
            for region, workers in self.regions.items()
        }
        bins = {r: bin_of([one.capacity for one in workers]) for r, workers in self.regions.items()}
        self.between = Scale(bins, policy)
        self.acting = Scale(singles, policy)
        for worker, region in self.home.items():
            number = len(self.on[worker])
            if self.leaving:
                number -= sum(link.rack in self.leaving for link in self.on[worker])
            if worker in self.open:
                self.within[region].add(worker, number)
                self.between.add(region, number)
        busy = Counter(owner for rack, owner in self.owner.items() if rack not in self.leaving)
        for owner, racks in busy.items():
            self.acting.add(owner, racks)

    def whole(self) -> Scale[WorkerId]:
        """Give all open workers with their links of now."""
        whole = Scale(self._singles, self._policy)
        for scale in self.within.values():
            for worker in scale.rising():
                whole.add(worker, scale.held(worker))
        return whole

    def _shift(self, source: WorkerId, to: WorkerId) -> None:
        here, there = self.home[source], self.home[to]
        if source not in self.open:
            self.within[there].add(to, 1)
            self.between.add(there, 1)
        elif here == there:
            self.within[here].shift(source, to)
        else:
            self.within[here].add(source, -1)
            self.within[there].add(to, 1)
            self.between.shift(here, there)

    def _site_of(self, worker: WorkerId) -> Site:
        return self.home[worker] if len(self.regions) > 1 else worker

    def site(self, worker: WorkerId) -> Site:
        """Give where owners are that would clash with one there."""
        return self._site[worker]

    def held(self, link: Link) -> bool:
        """Whether the balancer moved it lately or in this plan."""
        return link.id in self._moved or (link.moved is not None and link.moved > self._since)

    def still(self, worker: WorkerId) -> list[Link]:
        """Give the links that were at a worker and did not move."""
        return [link for link in self.on[worker] if link.id not in self._moved]

    def others(self, link: Link) -> list[WorkerId]:
        """Give where the other links of its rack are; call it before the link moves."""
        spots = self.spots[link.rack].copy()
        spots.remove(link.worker)
        return spots

    def lacks(self, rack: RackKey, region: SystemId, other: SystemId) -> bool:
        """Whether the rack has fewer links on the one region than on the other."""
        more = 0
        for spot in self.spots[rack]:
            home = self.home[spot]
            if home == other:
                more += 1
            elif home == region:
                more -= 1
        return more > 0

    def clashes(self, rack: RackKey, worker: WorkerId) -> int:
        """Count the partners whose owners are where the rack's owner would be, too."""
        beside = self._beside.get(rack)
        return 0 if beside is None else beside[self._site[worker]]

    def seat(self, rack: RackKey, to: WorkerId) -> None:
        """Let it be seen with another owner: as a thought, which is to be taken back."""
        source = self.owner[rack]
        self.owner[rack] = to
        here, there = self._site[source], self._site[to]
        if here != there:
            for partner in self.partners.get(rack, ()):
                self._beside[partner][here] -= 1
                self._beside[partner][there] += 1

    def may_flip(self, rack: RackKey, to: WorkerId) -> bool:
        """Whether no partner minds that the rack's owner goes there."""
        if rack not in self.partners:
            return True
        return self.clashes(rack, to) <= self.clashes(rack, self.owner[rack])

    def calmest(self, rack: RackKey) -> WorkerId | None:
        """Give the open worker with a link that the fewest partners mind, then the least busy."""
        return min(
            (spot for spot in self.spots[rack] if spot in self.open),
            key=lambda spot: (self.clashes(rack, spot), self.acting.load(spot), spot),
            default=None,
        )

    def carries(self, link: Link) -> bool:
        """Whether ownership goes along when this link moves."""
        worker = link.worker
        return self.owner.get(link.rack) == worker and self.spots[link.rack].count(worker) == 1

    def may_go(self, link: Link, to: WorkerId) -> bool:
        """Whether it has not moved, the rack has no link there, and no partner minds."""
        if link.id in self._moved or to in self.spots[link.rack]:
            return False
        return (
            link.rack not in self.partners or not self.carries(link) or self.may_flip(link.rack, to)
        )

    def row(self, worker: WorkerId, toward: SystemId | WorkerId) -> Iterator[Link]:
        """Give the links that may leave a worker, one by one; each once for each direction.

        Some may have moved meanwhile. Standbys come before owners' links, and the newest first.
        """
        row = self._rows.get((worker, toward))
        if row is None:
            row = self._rows[worker, toward] = iter(self.movable(worker))
        return row

    def movable(self, worker: WorkerId) -> Sequence[Link]:
        """Give the links that no dwell holds there; `refresh` looks anew."""
        if worker not in self._movable:
            since, leaving, owner = self._since, self.leaving, self.owner
            free = [
                link
                for link in reversed(self.on[worker])
                if (link.moved is None or link.moved <= since) and link.rack not in leaving
            ]
            found = [link for link in free if owner.get(link.rack) != worker]
            found += [link for link in free if owner.get(link.rack) == worker]
            self._movable[worker] = found
        return self._movable[worker]

    def refresh(self) -> None:
        """Forget which links were asked for in vain."""
        self._rows.clear()
        self._movable.clear()

    def move(self, link: Link, to: WorkerId, reason: Reason) -> None:
        """Move a link that has not moved yet, with the ownership where it hangs on it."""
        rack, source = link.rack, link.worker
        if self.carries(link):
            self._own(rack, to)
        spots = self.spots[rack]
        spots.remove(source)
        spots.append(to)
        self._moved.add(link.id)
        if rack not in self.leaving:
            self._shift(source, to)
        self.actions.append(Move(link.id, rack, source, to, reason))

    def close(self, link: Link, reason: Reason) -> None:
        """Close a link of a draining worker."""
        self.spots[link.rack].remove(link.worker)
        self._moved.add(link.id)
        self.actions.append(Close(link.id, link.rack, link.worker, reason))

    def flip(self, rack: RackKey, to: WorkerId, reason: Reason) -> None:
        """Let another worker own the rack."""
        self.actions.append(Flip(rack, self.owner[rack], to, reason))
        self._own(rack, to)

    def _own(self, rack: RackKey, to: WorkerId) -> None:
        source = self.owner[rack]
        self.seat(rack, to)
        if rack in self.leaving:
            return
        if source in self.open:
            self.acting.shift(source, to)
        else:
            self.acting.add(to, 1)


def _by_region(workers: Iterable[Worker]) -> dict[SystemId, list[Worker]]:
    regions: dict[SystemId, list[Worker]] = {}
    for worker in sorted(workers, key=attrgetter("region", "id")):
        regions.setdefault(worker.region, []).append(worker)
    return regions
