"""The rows of the tables, with the columns' names, and what is true of all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from attrs import define, evolve, field, frozen

from maasha.model.stamp import Stamp


@frozen
class Instance:
    """The installation."""

    uuid: UUID
    secret: str
    omapi_secret: str
    key_root: str
    fingerprint: str
    incarnation: int = 1
    old_secret: str | None = None
    rotated: datetime | None = None
    paused_by: str | None = None
    paused_until: datetime | None = None
    vanished_known: datetime | None = None
    vanished_known_by: str | None = None


@frozen
class Region:
    """A region controller."""

    id: int
    system_id: str
    hostname: str
    version: str


@frozen
class Worker:
    """A worker process of a region."""

    id: int
    region_id: int
    slot: int
    pid: int
    token: UUID
    host: str
    capacity: float
    epoch_incarnation: int
    epoch_counter: int
    heartbeat: datetime
    endpoints: Sequence[object] = field(factory=list)
    leaving: bool = False


@frozen
class Rack:
    """A rack; every change of its owner raises its epoch."""

    id: int
    system_id: str
    hostname: str
    version: str
    last_seen: datetime
    url: str = ""
    deleted: datetime | None = None
    owner: int | None = None
    owner_incarnation: int = 0
    owner_counter: int = 0
    wanted_incarnation: int = 0
    wanted_counter: int = 0
    running_incarnation: int = 0
    running_counter: int = 0
    judged_incarnation: int = 0
    judged_counter: int = 0
    problem: str = ""
    serving: bool = False
    commanded: bool = False
    digest: str = ""
    hosts: str = ""
    running_hosts: str = ""
    lease_store: str = ""
    kept: bool = False
    acts: int = 0
    orders: list[object] = field(factory=list)
    resume_upto: int = 0
    resume_by: str = ""
    damaged: bool = False
    lost: datetime | None = None
    lost_by: str = ""
    vanished_known: datetime | None = None

    @property
    def epoch(self) -> Stamp:
        """Since when its owner owns it."""
        return Stamp(self.owner_incarnation, self.owner_counter)

    @property
    def wanted(self) -> Stamp:
        """The generation that it is to run."""
        return Stamp(self.wanted_incarnation, self.wanted_counter)

    @property
    def counts(self) -> bool:
        """Whether it may be waited for: nobody has deleted it or declared it lost."""
        return self.deleted is None and self.lost is None


@frozen
class Link:
    """A rack's link to a worker."""

    id: int
    rack_id: int
    worker_id: int
    remote: str
    moved: datetime | None = None


@frozen
class Move:
    """A move of a link; `ended` is None while it is open."""

    id: int
    rack_id: int
    link_id: int
    source: int
    target: int | None
    source_name: str
    target_name: str
    reason: str
    begun: datetime
    deadline: datetime
    ended: datetime | None = None
    failure: str = ""


@frozen
class Drain:
    """What somebody wants emptied."""

    id: int
    region_id: int | None
    slot: int | None
    rack_id: int | None
    since: datetime
    by: str
    expires: datetime
    keep: bool


@frozen
class Event:
    """What happened."""

    id: int
    at: datetime
    who: str
    subject: str
    kind: str
    severity: str
    detail: str
    clears: int | None


@frozen
class Evenness:
    """How even the cluster was."""

    at: datetime
    ratio: float
    links: int
    workers: int


@frozen
class Leader:
    """What the leader sees; `outlook` is JSON."""

    backend: int
    worker: str
    outlook: object
    changed: datetime


@define(eq=False)
class Tables:
    """All tables, by id.

    What only the server knows is set before each statement: `now` by its clock, `backend`, the
    session that asks, and `leading`, the one that has the leader's lock.
    """

    now: datetime
    backend: int = 0
    leading: int | None = None
    instance: Instance | None = None
    regions: dict[int, Region] = field(factory=dict)
    workers: dict[int, Worker] = field(factory=dict)
    racks: dict[int, Rack] = field(factory=dict)
    links: dict[int, Link] = field(factory=dict)
    moves: dict[int, Move] = field(factory=dict)
    drains: dict[int, Drain] = field(factory=dict)
    events: dict[int, Event] = field(factory=dict)
    evenness: tuple[Evenness, ...] = ()
    leader: Leader | None = None
    sequences: Counter[str] = field(factory=Counter)
    """A number that was given out stays so, also where its transaction is rolled back."""

    def copy(self) -> Tables:
        """Give what a rollback puts back; rows are values."""
        return evolve(
            self,
            regions=dict(self.regions),
            workers=dict(self.workers),
            racks=dict(self.racks),
            links=dict(self.links),
            moves=dict(self.moves),
            drains=dict(self.drains),
            events=dict(self.events),
        )

    def next(self, sequence: str) -> int:
        """Give a sequence's next number."""
        self.sequences[sequence] += 1
        return self.sequences[sequence]

    def ago(self, seconds: float) -> datetime:
        """Give the instant so many seconds before now."""
        return self.now - timedelta(seconds=seconds)

    @property
    def incarnation(self) -> int:
        """The instance's, or that of one to come."""
        return 1 if self.instance is None else self.instance.incarnation

    # what is true of several tables

    def lives(self, worker: Worker, ttl: float) -> bool:
        """Whether it was heard within its time-to-live."""
        return worker.heartbeat > self.ago(ttl)

    def drained(self, worker: Worker) -> bool:
        """Whether somebody wants it emptied."""
        return any(
            drain.region_id == worker.region_id and drain.slot in (None, worker.slot)
            for drain in self.drains.values()
        )

    def linked(self, rack: int, worker: int | None) -> bool:
        """Whether a worker has a link to a rack."""
        links = self.links.values()
        return any(link.rack_id == rack and link.worker_id == worker for link in links)

    def vacant(self, rack: Rack) -> bool:
        """Whether nobody can act for it."""
        return not self.linked(rack.id, rack.owner)

    def region_of(self, worker: Worker) -> Region:
        """Give its region."""
        return self.regions[worker.region_id]

    def name_of(self, worker: Worker) -> str:
        """Give what people call it."""
        return f"{self.region_of(worker).hostname}/{worker.slot}"

    # changes of several tables

    def own(self, rack: Rack, worker: int | None) -> Rack:
        """Have a worker own a rack, with a higher epoch."""
        changed = evolve(
            rack,
            owner=worker,
            owner_incarnation=self.incarnation,
            owner_counter=rack.owner_counter + 1,
        )
        self.racks[rack.id] = changed
        return changed

    def dismiss(self, workers: Iterable[int]) -> None:
        """Take workers' rows with their links; nobody owns what they owned."""
        gone = set(workers)
        self.workers = {key: row for key, row in self.workers.items() if key not in gone}
        self.links = {key: row for key, row in self.links.items() if row.worker_id not in gone}
        for rack in tuple(self.racks.values()):
            if rack.owner in gone:
                self.racks[rack.id] = evolve(rack, owner=None)

    def cut(self, links: Iterable[int]) -> int:
        """Take links' rows; gives how many there were."""
        gone = [key for key in links if key in self.links]
        for key in gone:
            del self.links[key]
        return len(gone)

    def heard(self, racks: Iterable[int]) -> int:
        """Note that racks were heard just now; gives how many."""
        known = [self.racks[key] for key in racks if key in self.racks]
        for rack in known:
            self.racks[rack.id] = evolve(rack, last_seen=self.now)
        return len(known)
