"""Where every link and every owner is: one immutable snapshot for one decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen
from attrs.validators import gt

from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId


@frozen
class Worker:
    """A living worker. A region drains when all its workers do."""

    id: WorkerId
    region: SystemId
    capacity: float = field(default=1.0, validator=gt(0.0))
    """How many links it should have, compared with a worker of capacity 1."""
    draining: bool = False
    """It is to be emptied; the others are *open*."""
    late: bool = False
    """Its heartbeat is overdue: perhaps it is dead, which is not known yet."""


@frozen
class Link:
    """A registered link."""

    id: LinkId
    rack: RackKey
    worker: WorkerId
    moved: datetime | None = None
    """When the balancer moved it here; None: the rack came by itself."""


@frozen
class Rack:
    """A rack, and the worker that acts for it."""

    key: RackKey
    owner: WorkerId | None = None
    draining: bool = False
    """It is about to go: neither its links nor its ownership count or are evened."""


@frozen
class Pair:
    """The racks of one VLAN that cover for each other."""

    primary: RackKey
    secondary: RackKey


@frozen
class Acting:
    """What the last plan left to be evened: the memory that makes two thresholds of one rule.

    Whoever forgets it (a new leader) leaves the loads within the outer band, which is no harm.
    """

    links: bool = False
    owners: bool = False


IDLE = Acting()


@frozen
class Placement:
    """What is. Links of workers that are not listed do not count: their workers are gone.

    Moves under way are to be counted as done (`maasha.balancer.actions.after`).
    """

    workers: tuple[Worker, ...]
    links: tuple[Link, ...]
    racks: tuple[Rack, ...]
    pairs: tuple[Pair, ...] = ()
    acting: Acting = IDLE

    @property
    def loads(self) -> Mapping[WorkerId, float]:
        """Links of each open worker over its capacity; those of draining racks do not count."""
        leaving = {rack.key for rack in self.racks if rack.draining}
        links = Counter(link.worker for link in self.links if link.rack not in leaving)
        return {
            worker.id: links[worker.id] / worker.capacity
            for worker in self.workers
            if not worker.draining
        }

    @property
    def owned(self) -> Mapping[WorkerId, float]:
        """Racks that each open worker acts for over its capacity, but not draining ones."""
        racks = Counter(rack.owner for rack in self.racks if not rack.draining)
        return {
            worker.id: racks[worker.id] / worker.capacity
            for worker in self.workers
            if not worker.draining
        }

    @property
    def mean(self) -> float:
        """Links of open workers over their capacity; 0 where there is no open worker."""
        return self._mean(self.loads)

    @property
    def ratio(self) -> float:
        """The greatest load over the mean; 1 where there is nothing to compare."""
        loads = self.loads
        mean = self._mean(loads)
        return max(loads.values()) / mean if mean else 1.0

    def _mean(self, loads: Mapping[WorkerId, float]) -> float:
        capacities = {w.id: w.capacity for w in self.workers if not w.draining}
        links = sum(loads[worker] * capacity for worker, capacity in capacities.items())
        return links / sum(capacities.values()) if capacities else 0.0


@frozen
class UnderWay:
    """A move of a link that is open, or was begun lately; without a target the link is closed."""

    link: LinkId
    rack: RackKey
    source: WorkerId
    target: WorkerId | None
    begun: datetime
    open: bool
    """It has not ended, well or badly."""
    failed: bool = False
