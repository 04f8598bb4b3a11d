"""Regions, workers, racks and the network between them; racks keep their links by rackd's code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, cast

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from maasha.balancer.brakes import LIMITS
from maasha.balancer.policy import POLICY
from maasha.balancer.turn import FRESH, Memory, turn
from maasha.host.rests import Rests
from maasha.model.cluster import (
    EventLoop,
    InstanceId,
    RackKey,
    SystemId,
    Welcome,
    WorkerId,
)
from maasha.model.cluster import Move as Order
from maasha.model.placement import Rack as RackRow
from maasha.rack.choice import lighter_of_two
from maasha.rack.links import Links
from maasha.rpc import rack_side
from maasha.rpc.errors import LinkLost, RpcError, Unavailable, Unreachable
from tests.simulation.store import Store, loop_of
from tests.unit.rack.stand_ins import INSTANCE

LATENCY = 0.01
"""Seconds for anything to get from a rack to a region."""
DIAL = 3.0
"""Seconds until a dial to where nothing answers is given up."""
SILENCE = 2.5
"""Seconds until a frozen process, or one that is cut off, is noticed."""
STEP = 0.25


@define(eq=False)
class Process:
    """A worker process."""

    id: WorkerId
    region: str
    alive: bool = True
    frozen: bool = False

    @property
    def runs(self) -> bool:
        """Whether it does anything."""
        return self.alive and not self.frozen


@define(eq=False)
class Remote:
    """What a rack may ask over a link."""

    session: Session

    async def claim(self, _: object) -> None:
        """Have the worker own the rack."""
        rack = self.session.rack
        await rack.world.travel(self.session.worker, rack)
        rack.world.store.claim(rack.key, rack.owner, self.session.worker.id)
        rack.owner = self.session.worker.id


@define(eq=False)
class Session:
    """A link that stands, as rackd's `Links` sees it."""

    rack: Rack
    worker: Process
    row: Any
    idle: bool = True
    over: bool = False
    _ended: list[Deferred[str]] = field(factory=list)

    @property
    def welcome(self) -> Welcome:
        """Who answered."""
        region = self.worker.region
        return Welcome(SystemId("rack"), InstanceId(INSTANCE), region, self.worker.id, "")

    @property
    def remote(self) -> Remote:
        """The worker."""
        return Remote(self)

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look."""
        waiting: Deferred[str] = Deferred()
        self._ended.append(waiting)
        return waiting

    async def farewell(self, _: float) -> bool:
        """Agree."""
        return True

    def leave(self, reason: str = "left") -> Deferred[str]:
        """End it."""
        closed = self.closed
        self.end(reason)
        return closed

    def abort(self, reason: str) -> None:
        """End it."""
        self.end(reason)

    def end(self, reason: str) -> None:
        """End it, for both sides."""
        if not self.over:
            self.over = True
            if self.rack.world.store.reachable and self.worker.runs:
                self.rack.world.store.part(self.row)
            else:
                self.rack.world.left.append(self.row)
            ended, self._ended = self._ended, []
            for one in ended:
                one.callback(reason)


class Rack:
    """A rack with rackd's own way to keep links."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.key = RackKey(number)
        self.owner: WorkerId | None = None
        self.sessions: list[Session] = []
        self.cut: set[str] = set()
        world.store.racks[self.key] = RackRow(self.key)
        pick = lighter_of_two(world.dice.choice)
        self.links = Links(
            world.clock,
            lambda: world.wanted,
            self._find,
            self._dial,
            pick,
            Rests(lambda failures: min(0.2 * 1.5**failures, 10.0) + world.dice.random()),
            self._opened,
            self._closed,
            lambda session: cast(Session, session).worker.id == self.owner,
            self._hand_over,
        )
        self._known: tuple[EventLoop, ...] = ()

    async def _find(self) -> tuple[EventLoop, ...]:
        reachable = [one for one in self.world.processes if one.runs and one.region not in self.cut]
        if reachable and self.world.store.reachable:
            self._known = self.world.store.loops()
        return self._known

    async def _dial(self, loop: EventLoop) -> rack_side.Session:
        found = [one for one in self.world.processes if loop.name.endswith(f":pid={one.id}")]
        if not found or not found[0].alive:
            raise Unreachable("refused")
        worker = found[0]
        await self.world.travel(worker, self)
        session = Session(self, worker, self.world.store.register(self.key, worker.id))
        self.sessions.append(session)
        return cast(rack_side.Session, session)

    def _opened(self, _: rack_side.Session) -> None:
        if self.owner is None or not self._holds(self.owner):
            self.owner = self.world.store.racks[self.key].owner

    def _closed(self, session: rack_side.Session, _: str) -> None:
        ended = cast(Session, session)
        self.sessions.remove(ended)
        if self.owner == ended.worker.id:
            Deferred.fromCoroutine(self._succeed()).addErrback(lambda _: None)

    async def _succeed(self) -> None:
        """Ask the workers of the other links to take over, until one does."""
        while self.sessions and not self._holds(self.owner):
            for session in tuple(self.sessions):
                try:
                    await session.remote.claim(None)
                except RpcError:
                    continue
                return
            await deferLater(self.world.clock, 2.0)

    async def _hand_over(self, _: rack_side.Session, new: rack_side.Session) -> None:
        try:
            await cast(Session, new).remote.claim(None)
        except RpcError:
            return

    def obey(self, owner: WorkerId | None) -> None:
        """Hear from the owner, if there is a link to it."""
        if self._holds(owner):
            self.owner = owner

    def _holds(self, worker: WorkerId | None) -> bool:
        return any(session.worker.id == worker for session in self.sessions)


class World:
    """Everything, on one clock."""

    def __init__(self, sizes: Sequence[int], racks: int, wanted: int, seed: int) -> None:
        self.clock = Clock()
        self.dice = Random(seed)
        self.store = Store(self.clock)
        self.wanted = wanted
        self.regions = tuple(f"r{number}" for number, _ in enumerate(sizes, 1))
        self.left: list[Any] = []
        self.processes: list[Process] = []
        self.leader: Process | None = None
        self.memory: Memory = FRESH
        self._asked: set[int] = set()
        self._looked = 0.0
        for number, size in enumerate(sizes, 1):
            for _ in range(size):
                self.start(f"r{number}")
        self.racks = [Rack(self, number) for number in range(1, racks + 1)]
        for rack in self.racks:
            rack.links.startService()

    # what happens

    def start(self, region: str) -> Process:
        """Start a worker."""
        process = Process(self.store.hire(region), region)
        self.processes.append(process)
        return process

    def kill(self, process: Process) -> None:
        """SIGKILL a worker; another one is in its place a second later."""
        process.alive = False
        self.processes.remove(process)
        for session in self.sessions(process):
            session.end("killed")
        self.clock.callLater(1.0, self._restart, process)

    def _restart(self, process: Process) -> None:
        if not self.store.reachable:
            self.clock.callLater(1.0, self._restart, process)
            return
        self.store.dismiss(process.id)
        self.start(process.region)

    def freeze(self, process: Process, seconds: float) -> None:
        """SIGSTOP a worker, and SIGCONT it."""
        process.frozen = True
        if seconds > SILENCE:
            self.clock.callLater(SILENCE, self._lose, process, "silent")
        self.clock.callLater(seconds, self._thaw, process)

    def _thaw(self, process: Process) -> None:
        process.frozen = False
        gone = process in self.processes and process.id not in self.store.workers
        if gone and self.store.reachable:
            self.processes.remove(process)
            self._lose(process, "the worker's row has gone")
            self.start(process.region)

    def _lose(self, process: Process, reason: str) -> None:
        for session in self.sessions(process):
            session.end(reason)

    def cut(self, rack: Rack, region: str, seconds: float) -> None:
        """Let nothing pass between a rack and a region for a while."""
        rack.cut.add(region)
        self.clock.callLater(SILENCE, self._drop, rack, region)
        self.clock.callLater(seconds, rack.cut.discard, region)

    def _drop(self, rack: Rack, region: str) -> None:
        for session in tuple(rack.sessions):
            if session.worker.region == region and region in rack.cut:
                session.end("silent")

    def lose_database(self, seconds: float) -> None:
        """Have no database for a while."""
        self.store.reachable = False
        self.clock.callLater(seconds, self._find_database)

    def _find_database(self) -> None:
        self.store.reachable = True
        for process in self.processes:  # nobody is declared dead before it had a chance to speak
            if process.runs and process.id in self.store.workers:
                self.store.workers[process.id].heartbeat = self.store.now

    def sessions(self, process: Process) -> list[Session]:
        """List the links that a worker has."""
        return [one for rack in self.racks for one in rack.sessions if one.worker is process]

    # how it goes on

    async def travel(self, worker: Process, rack: Rack) -> None:
        """Get from a rack to a worker; raises Unreachable, LinkLost and Unavailable."""
        if worker.region in rack.cut or worker.frozen:
            await deferLater(self.clock, DIAL)
            raise Unreachable("no answer")
        await deferLater(self.clock, LATENCY)
        if not worker.runs:
            raise LinkLost("gone")

    def go(self, seconds: float, check: Callable[[], None] = lambda: None) -> None:
        """Let time pass, and look after each step."""
        for _ in range(round(seconds / STEP)):
            for _ in range(5):
                self.clock.advance(STEP / 5)
            self._beat()
            check()

    def _beat(self) -> None:
        """Do what processes do all the time."""
        if not self.store.reachable:
            self.memory = FRESH
            self.leader = None
            return
        for process in self.processes:
            if process.runs and process.id in self.store.workers:
                self.store.workers[process.id].heartbeat = self.store.now
                self.store.claim_vacant(process.id)
        left, self.left = self.left, []
        for row in left:
            self.store.part(row)
        for rack in self.racks:
            rack.obey(self.store.racks[rack.key].owner)
        self._lead()
        for number, each in tuple(self.store.moves.items()):
            if each.open and number not in self._asked:
                self._asked.add(number)
                _run(self._relocate(number))

    def _lead(self) -> None:
        """Look as the leader, each second."""
        if self.leader is None or not self.leader.runs or self.leader.id not in self.store.workers:
            able = [one for one in self.processes if one.runs and one.id in self.store.workers]
            self.leader, self.memory = (able[0] if able else None), FRESH
        if self.leader is None or self.clock.seconds() - self._looked < 1.0:
            return
        self._looked = self.clock.seconds()
        self.store.reap()
        self.store.end_overdue()
        decided = turn(self.memory, self.store.seen(), POLICY, LIMITS)
        self.memory = decided.memory
        self.store.begin(decided.begin)

    async def _relocate(self, number: int) -> None:
        """Have a rack move a link."""
        each = self.store.moves[number]
        (rack,) = [one for one in self.racks if one.key == each.rack]
        held = [one for one in rack.sessions if one.row == each.link]
        if not held or not held[0].worker.runs or each.source != held[0].worker.id:
            return
        if each.target is None:
            held[0].end("closed by the region")
            self.store.end(number, None, failed=False)
            return
        row = self.store.workers.get(each.target)
        if row is None:
            return
        try:
            await self.travel(held[0].worker, rack)
            order = Order(loop_of(row.worker, 0.0), 20.0, "evening")
            moved = await rack.links.migrate(each.source, order)
        except RpcError:
            self.store.end(number, None, failed=True)
        else:
            self.store.end(number, moved, failed=False)


def _run(work: Awaitable[None]) -> None:
    Deferred.fromCoroutine(cast(Any, work)).addErrback(_unavailable)


def _unavailable(failure: Any) -> None:
    failure.trap(Unavailable)
