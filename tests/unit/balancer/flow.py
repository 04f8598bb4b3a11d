"""The fewest moves that even a placement: a minimum-cost flow by successive shortest paths."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterator
from math import ceil, floor

from maasha.balancer.policy import Policy
from maasha.model.placement import Placement

Node = Hashable
OWED = 1000
"""Worth of a link that a worker must have: more than any number of moves."""


class Network:
    """A directed graph with capacities and costs; flow goes from `source` to `sink`."""

    def __init__(self) -> None:
        self._ends: list[Node] = []
        self._room: list[int] = []
        self._cost: list[int] = []
        self._out: dict[Node, list[int]] = {}

    def edge(self, start: Node, end: Node, room: int, cost: int = 0) -> None:
        """Add an edge and, for what may flow back, its reverse."""
        for one, other, capacity, price in ((start, end, room, cost), (end, start, 0, -cost)):
            self._out.setdefault(one, []).append(len(self._ends))
            self._out.setdefault(other, [])
            self._ends.append(other)
            self._room.append(capacity)
            self._cost.append(price)

    def flow(self, source: Node, sink: Node) -> tuple[int, int]:
        """Give the greatest flow and its least cost; every edge from the source has whole units."""
        amount = cost = 0
        while (path := self._cheapest(source, sink)) is not None:
            for edge in path:
                self._room[edge] -= 1
                self._room[edge ^ 1] += 1
                cost += self._cost[edge]
            amount += 1
        return amount, cost

    def _cheapest(self, source: Node, sink: Node) -> list[int] | None:
        """Give the edges of a cheapest way that has room (Bellman and Ford, with a queue)."""
        price, came = {source: 0}, dict[Node, int]()
        queue = deque([source])
        while queue:
            node = queue.popleft()
            for edge in self._out[node]:
                end, paid = self._ends[edge], price[node] + self._cost[edge]
                if self._room[edge] and (end not in price or paid < price[end]):
                    price[end], came[end] = paid, edge
                    queue.append(end)
        return list(self._way(came, sink)) if sink in price else None

    def _way(self, came: dict[Node, int], node: Node) -> Iterator[int]:
        while node in came:
            yield came[node]
            node = self._ends[came[node] ^ 1]


def fewest_moves(placement: Placement, policy: Policy) -> int | None:
    """Give the fewest moves to where the rule rests: within the inner band, or a spread of one.

    None: racks whose links are on different regions cannot be placed like that.
    Of workers of capacity 1 that are all open; no link is held, no owner minds.
    """
    mean = len(placement.links) / len(placement.workers)
    bands = (
        (ceil(mean / policy.rest - 1e-9), floor(mean * policy.rest + 1e-9)),
        (floor(mean), ceil(mean)),
    )
    found = [_moves(placement, least, most) for least, most in bands if least <= most]
    return min((moves for moves in found if moves is not None), default=None)


def _moves(placement: Placement, least: int, most: int) -> int | None:
    """Give the fewest moves to where each worker has between least and most; None: impossible."""
    network, links = Network(), Counter(link.rack for link in placement.links)
    homes = {worker.id: worker.region for worker in placement.workers}
    now = {(link.rack, link.worker) for link in placement.links}
    for rack, number in links.items():
        network.edge("source", rack, number)
        for region in set(homes.values()):
            network.edge(rack, (rack, region), ceil(number / len(set(homes.values()))))
        for worker, region in homes.items():
            network.edge((rack, region), -worker, 1, int((rack, worker) not in now))
    for worker in homes:
        network.edge(-worker, "sink", least, -OWED)
        network.edge(-worker, "sink", most - least)
    amount, cost = network.flow("source", "sink")
    owed = OWED * least * len(homes)
    possible = amount == len(placement.links) and cost + owed < OWED
    return cost + owed if possible else None
