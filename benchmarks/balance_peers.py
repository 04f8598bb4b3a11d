"""maasha's balancer and the ways of others, all in the world of `benchmarks.balance_world`.

Each peer gets what it needs to look well: the racks' own choice is as good as maasha's, and
consistent hashing begins in, and reconnects to, the places of its own choice.
"""

# ruff: noqa: ARG002  each way has the arguments that some way needs

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from math import ceil
from random import Random

from attrs import evolve

from benchmarks.balance_world import START, better_of_two
from maasha.balancer.actions import Action, Move, Reason
from maasha.balancer.pace import Begun, may_begin
from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import IDLE, Acting, Link, Placement, Worker

Spots = dict[RackKey, list[WorkerId]]


def spots_of(placement: Placement) -> Spots:
    """Give the workers of each rack's links."""
    spots: Spots = {}
    for link in placement.links:
        spots.setdefault(link.rack, []).append(link.worker)
    return spots


def allowed(placement: Placement, link: Link, spots: Sequence[WorkerId]) -> list[Worker]:
    """Give where a link may go: other regions than the rack's other links, or other workers."""
    taken = set(spots) - {link.worker}
    homes = {worker.region for worker in placement.workers if worker.id in taken}
    free = [worker for worker in placement.workers if worker.id not in taken]
    return [worker for worker in free if worker.region not in homes] or free


class Idle:
    """Do nothing: racks choose well, and that is all."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def settle(self, placement: Placement, gone: frozenset[WorkerId]) -> Placement:
        """Begin with what the racks chose."""
        return placement

    def arrive(
        self,
        crew: Sequence[Worker],
        link: Link,
        others: Sequence[WorkerId],
        loads: Counter[WorkerId],
    ) -> WorkerId:
        """Take the better of two."""
        return better_of_two(crew, others, loads, self.random)

    def decide(self, placement: Placement, now: datetime) -> tuple[Sequence[Action], Acting]:
        """Move nothing."""
        return (), IDLE


class Maasha(Idle):
    """The rule with its pace: a plan each tick, of which so much begins as may."""

    def decide(self, placement: Placement, now: datetime) -> tuple[Sequence[Action], Acting]:
        """Plan anew each tick."""
        made = plan(placement, POLICY, now)
        return may_begin(made, placement, tuple[Begun, ...](), POLICY, now), made.acting


class Shuffle(Idle):
    """Each link is dialled anew once in so many ticks, wherever that leads (a maximum age)."""

    every = 30

    def decide(self, placement: Placement, now: datetime) -> tuple[Sequence[Action], Acting]:
        """Move those whose turn it is to a worker taken at random."""
        turn, spots = int((now - START).total_seconds()) % self.every, spots_of(placement)
        moves = []
        for link in placement.links:
            if link.id % self.every == turn:
                choices = allowed(placement, link, spots[link.rack])
                to = self.random.choice(choices).id
                if to != link.worker:
                    moves.append(Move(link.id, link.rack, link.worker, to, Reason.WORKERS))
        return moves, IDLE


class Greedy(Idle):
    """Each rack looks at loads that are five ticks old, and goes where it looks empty."""

    age = 5

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._seen: deque[Counter[WorkerId]] = deque(maxlen=self.age + 1)

    def decide(self, placement: Placement, now: datetime) -> tuple[Sequence[Action], Acting]:
        """Leave a worker that seemed to have over 1.25 times the mean for the emptiest allowed."""
        self._seen.append(Counter(link.worker for link in placement.links))
        loads, mean = self._seen[0], len(placement.links) / len(placement.workers)
        spots, moves = spots_of(placement), []
        for link in placement.links:
            if loads[link.worker] > 1.25 * mean:
                choices = allowed(placement, link, spots[link.rack])
                to = min(choices, key=lambda worker: loads[worker.id]).id
                if loads[to] + 2 <= loads[link.worker]:
                    spots[link.rack].remove(link.worker)
                    spots[link.rack].append(to)
                    moves.append(Move(link.id, link.rack, link.worker, to, Reason.WORKERS))
        return moves, IDLE


class Hashing(Idle):
    """Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016), c = 1.25."""

    points = 64
    """On the ring for each worker."""
    bound = 1.25

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._places: dict[int, WorkerId] = {}

    def settle(self, placement: Placement, gone: frozenset[WorkerId]) -> Placement:
        """Begin with its own places on the workers that were there."""
        crew = [worker for worker in placement.workers if worker.id not in gone]
        before = self._assign(placement, crew)
        self._places = self._assign(placement, placement.workers)
        links = tuple(evolve(link, worker=before[link.id]) for link in placement.links)
        owners = {link.rack: link.worker for link in links}
        racks = tuple(evolve(rack, owner=owners[rack.key]) for rack in placement.racks)
        return evolve(placement, links=links, racks=racks)

    def arrive(
        self,
        crew: Sequence[Worker],
        link: Link,
        others: Sequence[WorkerId],
        loads: Counter[WorkerId],
    ) -> WorkerId:
        """Go to the link's place."""
        return self._places[link.id]

    def decide(self, placement: Placement, now: datetime) -> tuple[Sequence[Action], Acting]:
        """Move what is not in its place."""
        places = self._places
        return [
            Move(link.id, link.rack, link.worker, places[link.id], Reason.WORKERS)
            for link in placement.links
            if link.worker != places[link.id]
        ], IDLE

    def _assign(self, placement: Placement, crew: Sequence[Worker]) -> dict[int, WorkerId]:
        """Give each link the next worker on the ring that has room and fits its rack."""
        marks = ((_hash(f"{one.id}/{n}"), one) for one in crew for n in range(self.points))
        ring = sorted(marks, key=lambda mark: mark[0])
        hashes = [point for point, _ in ring]
        room = ceil(self.bound * len(placement.links) / len(crew))
        loads: Counter[WorkerId] = Counter()
        regions = len({worker.region for worker in crew})
        places: dict[int, WorkerId] = {}
        homes: dict[RackKey, list[Worker]] = {}
        for link in placement.links:
            start, mine = bisect_right(hashes, _hash(str(link.id))), homes.setdefault(link.rack, [])
            apart = regions > len(mine)
            for step in range(len(ring)):
                worker = ring[(start + step) % len(ring)][1]
                near = any(
                    worker.id == one.id or (apart and worker.region == one.region) for one in mine
                )
                if loads[worker.id] < room and not near:
                    break
            loads[worker.id] += 1
            mine.append(worker)
            places[link.id] = worker.id
        return places


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


PEERS = {
    "maasha": Maasha,
    "do nothing": Idle,
    "timer shuffle": Shuffle,
    "greedy on stale data": Greedy,
    "bounded hashing": Hashing,
}
