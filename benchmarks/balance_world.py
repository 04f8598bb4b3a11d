"""A cluster that only balances: racks whose links reconnect, workers that return, tick by tick.

A tick is one second. The racks' own choice is the better of two workers taken at random (power of
two choices) on regions where the rack has no link. What balances is a `Balancer`; it sees the
placement and says which links are to move, and moves are done within the tick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from attrs import evolve, frozen

from maasha.balancer.actions import Action, Close, Flip, after
from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.model.placement import Acting, Link, Placement, Rack, Worker

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTLED = 40
"""The last ticks of a run, over which the steady state is measured."""
OUTER, INNER = 1.25, 1.10
"""How far from the mean loads may come by themselves, and how far balancing may leave them."""


class Balancer(Protocol):
    """What decides; one is made for each run."""

    def settle(self, placement: Placement, gone: frozenset[WorkerId]) -> Placement:
        """Give the state in which the run begins, while some workers were gone."""

    def arrive(
        self,
        crew: Sequence[Worker],
        link: Link,
        others: Sequence[WorkerId],
        loads: Counter[WorkerId],
    ) -> WorkerId:
        """Say where a link goes that reconnects; `others` have the rack's other links."""

    def decide(self, placement: Placement, now: datetime) -> tuple[Sequence[Action], Acting]:
        """Say what moves in this tick."""


@frozen
class Scenario:
    """A cluster at a moment, and what goes on in it."""

    name: str
    sizes: tuple[int, ...]
    """Workers of each region."""
    racks: int
    connections: int
    gone: int = 0
    """So many of the last workers were away until now and return empty."""
    counts: tuple[int, ...] = ()
    """How many links each worker has instead of the racks' own choice."""
    churn: float = 0.0
    """Part of the links that reconnect in each tick."""
    ticks: int = 180
    """Longer than the dwell."""


@frozen
class Course:
    """What a run came to."""

    moves: int
    late: int
    """Moves in the last third, when nothing is left to do."""
    steady: float
    """The greatest max/mean of the last ticks."""
    least: float
    """The least min/mean of the last ticks."""
    loose: int
    """How many of the last ticks had loads beyond the inner band that a move would mend."""
    even_after: int | None
    """The first tick from which on no load is out of band, None if it never comes."""


def chance(seed: int) -> Random:
    """Give the chance of one run: the same for every way of balancing."""
    return Random(seed)  # noqa: S311  # no secret


def begin(scenario: Scenario, random: Random) -> tuple[Placement, frozenset[WorkerId]]:
    """Give the placement at the beginning and the workers that were gone until then."""
    homes = [f"r{number:05d}" for number, size in enumerate(scenario.sizes) for _ in range(size)]
    crew = tuple(Worker(WorkerId(n), SystemId(home)) for n, home in enumerate(homes, 1))
    gone = frozenset(worker.id for worker in crew[len(crew) - scenario.gone :])
    if scenario.counts:
        spots = [[one.id] for one, n in zip(crew, scenario.counts, strict=True) for _ in range(n)]
    else:
        spots = _chosen(scenario, [one for one in crew if one.id not in gone], random)
    links = [(rack, spot) for rack, several in enumerate(spots, 1) for spot in several]
    return Placement(
        crew,
        tuple(Link(LinkId(n), RackKey(rack), spot) for n, (rack, spot) in enumerate(links, 1)),
        tuple(Rack(RackKey(rack), random.choice(one)) for rack, one in enumerate(spots, 1)),
    ), gone


def _chosen(scenario: Scenario, crew: Sequence[Worker], random: Random) -> list[list[WorkerId]]:
    """Let each rack choose, one after the other."""
    loads: Counter[WorkerId] = Counter()
    spots: list[list[WorkerId]] = [[] for _ in range(scenario.racks)]
    for several in spots:
        for _ in range(scenario.connections):
            several.append(better_of_two(crew, several, loads, random))
            loads[several[-1]] += 1
    return spots


def better_of_two(
    crew: Sequence[Worker], others: Iterable[WorkerId], loads: Counter[WorkerId], random: Random
) -> WorkerId:
    """Give the less loaded of two workers, on a region where the rack has no link if there is."""
    taken = set(others)
    homes = {worker.region for worker in crew if worker.id in taken}
    free = [worker for worker in crew if worker.id not in taken]
    choices = [worker.id for worker in free if worker.region not in homes] or [w.id for w in free]
    one, other = random.choice(choices), random.choice(choices)
    return one if loads[one] <= loads[other] else other


def course(scenario: Scenario, balancer: Balancer, seed: int) -> Course:
    """Run a scenario to its end."""
    random = chance(seed)
    placement, gone = begin(scenario, random)
    placement = balancer.settle(placement, gone)
    moves: list[int] = []
    loads: list[Sequence[float]] = []
    for tick in range(scenario.ticks):
        now = START + timedelta(seconds=tick)
        placement = reconnected(placement, balancer, scenario.churn, random)
        actions, acting = balancer.decide(placement, now)
        placement = evolve(after(placement, actions, now), acting=acting)
        moves.append(sum(not isinstance(action, Flip | Close) for action in actions))
        loads.append(tuple(placement.loads.values()))
    return summary(moves, loads)


def out_of_band(loads: Sequence[float]) -> bool:
    """Whether these loads are so uneven that something is to be done, and a move would help."""
    return _uneven(loads, OUTER)


def _uneven(loads: Sequence[float], band: float) -> bool:
    mean, most, least = sum(loads) / len(loads), max(loads), min(loads)
    return (most > band * mean or least < mean / band) and most - least >= 2


def summary(moves: Sequence[int], loads: Sequence[Sequence[float]]) -> Course:
    """Sum up a run's ticks."""
    uneven = [tick for tick, these in enumerate(loads) if out_of_band(these)]
    last = uneven[-1] if uneven else -1
    ends = [(these, sum(these) / len(these)) for these in loads[-SETTLED:]]
    return Course(
        moves=sum(moves),
        late=sum(moves[-(len(moves) // 3) :]),
        steady=max(max(these) / mean for these, mean in ends),
        least=min(min(these) / mean for these, mean in ends),
        loose=sum(_uneven(these, INNER) for these, _ in ends),
        even_after=None if last == len(loads) - 1 else last + 1,
    )


def reconnected(
    placement: Placement, balancer: Balancer, churn: float, random: Random
) -> Placement:
    """Let some links break, and their racks link anew; owners stay where a link is."""
    if not churn:
        return placement
    loads = Counter(link.worker for link in placement.links)
    links, owners = list(placement.links), {rack.key: rack for rack in placement.racks}
    mates: dict[RackKey, list[int]] = {}
    for index, link in enumerate(links):
        mates.setdefault(link.rack, []).append(index)
    for index in random.sample(range(len(links)), int(churn * len(links))):
        link = links[index]
        loads[link.worker] -= 1
        others = [links[one].worker for one in mates[link.rack] if one != index]
        to = balancer.arrive(placement.workers, link, others, loads)
        loads[to] += 1
        links[index] = Link(link.id, link.rack, to)
        if owners[link.rack].owner == link.worker:
            owners[link.rack] = Rack(link.rack, to)
    return evolve(placement, links=tuple(links), racks=tuple(owners.values()))
