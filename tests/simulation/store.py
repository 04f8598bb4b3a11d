"""The database in memory: workers, racks, links and moves, and the rules of their changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from attrs import define, evolve, field
from twisted.internet.task import Clock

from maasha.balancer.actions import Action, Flip, Move
from maasha.balancer.turn import Seen
from maasha.db.regions import WORKER_TTL
from maasha.model.cluster import Endpoint, EventLoop, LinkId, RackKey, SystemId, WorkerId
from maasha.model.placement import Link, Placement, Rack, UnderWay, Worker
from maasha.rpc.errors import NotOwner, Unavailable

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MOVE_SECONDS = timedelta(seconds=20)
LATELY = timedelta(seconds=60)


@define
class WorkerRow:
    """A worker's row; `heartbeat` is an instant."""

    worker: Worker
    heartbeat: datetime


@define(eq=False)
class Store:
    """What all processes agree on; without it (`reachable` False) nobody changes anything."""

    clock: Clock
    reachable: bool = True
    workers: dict[WorkerId, WorkerRow] = field(factory=dict)
    links: dict[LinkId, Link] = field(factory=dict)
    racks: dict[RackKey, Rack] = field(factory=dict)
    moves: dict[int, UnderWay] = field(factory=dict)
    epochs: dict[tuple[RackKey, int], WorkerId] = field(factory=dict)
    """Who owned which rack in which epoch, for ever."""
    begun: int = 0
    _numbers: int = 0

    @property
    def now(self) -> datetime:
        """The database's clock."""
        return BEGINNING + timedelta(seconds=self.clock.seconds())

    def number(self) -> int:
        """Give the next number of any sequence."""
        self._numbers += 1
        return self._numbers

    def require(self) -> None:
        """Raise Unavailable while it is out of reach."""
        if not self.reachable:
            raise Unavailable("the database is out of reach", 2.0)

    # workers

    def hire(self, region: str) -> WorkerId:
        """Write a row."""
        worker = WorkerId(self.number())
        self.workers[worker] = WorkerRow(Worker(worker, SystemId(region)), self.now)
        return worker

    def dismiss(self, worker: WorkerId) -> None:
        """Take a row with its links."""
        self.workers.pop(worker, None)
        self.links = {key: link for key, link in self.links.items() if link.worker != worker}

    def reap(self) -> None:
        """Take the rows of the dead."""
        dead = timedelta(seconds=WORKER_TTL)
        for worker, row in tuple(self.workers.items()):
            if self.now - row.heartbeat > dead:
                self.dismiss(worker)

    def drain(self, worker: WorkerId, draining: bool) -> None:
        """Drain a worker, or undo it."""
        row = self.workers[worker]
        row.worker = evolve(row.worker, draining=draining)

    def loops(self) -> tuple[EventLoop, ...]:
        """List where racks may go."""
        rows = [row for row in self.workers.values() if not row.worker.draining]
        found = [row.worker for row in rows or self.workers.values()]
        return tuple(loop_of(one, self.load(one.id)) for one in found)

    def load(self, worker: WorkerId) -> int:
        """Count a worker's links."""
        return sum(link.worker == worker for link in self.links.values())

    # racks

    def register(self, rack: RackKey, worker: WorkerId) -> LinkId:
        """Write a link; who comes first to an unowned rack owns it. Raises Unavailable."""
        self.require()
        if worker not in self.workers:
            raise Unavailable("the worker has no row", 2.0)
        link = LinkId(self.number())
        self.links[link] = Link(link, rack, worker)
        if not self._can_act(rack, self.racks[rack].owner):
            self._own(rack, worker)
        return link

    def part(self, link: LinkId) -> None:
        """Take a link."""
        self.links.pop(link, None)

    def claim(self, rack: RackKey, lost: WorkerId | None, worker: WorkerId) -> None:
        """Let a worker own a rack whose owner is lost or cannot act; raises NotOwner."""
        self.require()
        owner = self.racks[rack].owner
        if not self._has_link(rack, worker) or (owner != lost and self._can_act(rack, owner)):
            raise NotOwner(None)
        self._own(rack, worker)

    def claim_vacant(self, worker: WorkerId) -> None:
        """Let a worker own what it has a link to and nobody can act for."""
        for rack in tuple(self.racks.values()):
            if self._has_link(rack.key, worker) and not self._can_act(rack.key, rack.owner):
                self._own(rack.key, worker)

    def _own(self, rack: RackKey, worker: WorkerId) -> None:
        epoch = max((e for r, e in self.epochs if r == rack), default=0) + 1
        self.epochs[rack, epoch] = worker
        self.racks[rack] = evolve(self.racks[rack], owner=worker)

    def _can_act(self, rack: RackKey, worker: WorkerId | None) -> bool:
        return worker is not None and self._has_link(rack, worker)

    def _has_link(self, rack: RackKey, worker: WorkerId) -> bool:
        return any(link.rack == rack and link.worker == worker for link in self.links.values())

    # moves

    def seen(self) -> Seen:
        """Give what the leader looks at."""
        self.require()
        workers = tuple(row.worker for row in self.workers.values())
        links = tuple(link for link in self.links.values() if link.worker in self.workers)
        racks = tuple(
            rack if rack.owner in self.workers else evolve(rack, owner=None)
            for rack in self.racks.values()
        )
        lately = tuple(
            each for each in self.moves.values() if each.open or self.now - each.begun < LATELY
        )
        return Seen(Placement(workers, links, racks), self.now, lately)

    def begin(self, actions: Iterable[Action]) -> None:
        """Write what the leader begins; a rack does one thing at a time."""
        busy = {each.rack for each in self.moves.values() if each.open}
        for action in actions:
            if isinstance(action, Flip):
                if self.racks[action.rack].owner == action.source and self._has_link(
                    action.rack, action.to
                ):
                    self._own(action.rack, action.to)
            elif action.rack not in busy and action.link in self.links:
                to = action.to if isinstance(action, Move) else None
                each = UnderWay(action.link, action.rack, action.source, to, self.now, open=True)
                self.moves[self.number()] = each
                self.begun += 1

    def end(self, move: int, moved_to: WorkerId | None, failed: bool) -> None:
        """Close a move."""
        if not self.reachable or not self.moves[move].open:
            return
        each = self.moves[move] = evolve(self.moves[move], open=False, failed=failed)
        for key, link in self.links.items():
            if link.rack == each.rack and link.worker == moved_to:
                self.links[key] = evolve(link, moved=self.now)

    def end_overdue(self) -> None:
        """Close the moves that nobody will end any more."""
        for number, each in tuple(self.moves.items()):
            gone = each.link not in self.links or self.now - each.begun > MOVE_SECONDS
            if each.open and (gone or each.target not in (None, *self.workers)):
                self.moves[number] = evolve(each, open=False, failed=True)


def loop_of(worker: Worker, load: float) -> EventLoop:
    """Name a worker as racks know it."""
    place = Endpoint(worker.region, 5000 + worker.id)
    return EventLoop(f"{worker.region}:pid={worker.id}", (place,), load)
