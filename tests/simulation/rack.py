"""A rack: rackd's own links, search, obedience, succession and duties over a modelled network."""

from __future__ import annotations

import json
from typing import Protocol, cast

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from maasha.api.discovery import event_loops_json
from maasha.db.regions import event_loops
from maasha.dhcp.server import DhcpServer
from maasha.host.ether import Station
from maasha.host.rests import Rests
from maasha.model.cluster import (
    Endpoint,
    EventLoop,
    InstanceId,
    Introduction,
    Ownership,
    SystemId,
    Welcome,
    WorkerId,
)
from maasha.model.stamp import NEVER, Stamp
from maasha.rack.choice import lighter_of_two
from maasha.rack.discovery import Reply
from maasha.rack.duties import Duties
from maasha.rack.links import Links
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.lookout.scene import Dialler, Scene
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rack.search import Search
from maasha.rack.succession import Succession
from maasha.rpc import rack_side
from maasha.rpc.errors import RpcError, Unreachable
from tests.simulation.held import Witness
from tests.simulation.network import LATENCY, End, kill
from tests.simulation.region import Process, RackEnd
from tests.simulation.time import Timers
from tests.unit.rack.stand_ins import Server

DIAL = 3.0
"""Seconds until a dial to where nothing answers is given up."""


@define(eq=False)
class Disk:
    """What `Memory` keeps in files; it outlives rackd."""

    system_id: SystemId | None = None
    instance: InstanceId | None = None
    epoch: Stamp = NEVER
    regions: tuple[EventLoop, ...] = ()

    def obey(self, epoch: Stamp) -> None:
        """Remember an epoch."""
        self.epoch = epoch

    def belong(self, welcome: Welcome) -> None:
        """Remember who the rack is."""
        self.system_id, self.instance = welcome.system_id, welcome.instance

    def meet(self, loops: tuple[EventLoop, ...]) -> None:
        """Remember the published workers."""
        self.regions = loops


class Around(Protocol):
    """What a rack finds around itself."""

    timers: Timers
    regions: tuple[str, ...]
    wanted: int
    witness: Witness

    def processes_of(self, region: str) -> list[Process]:
        """Give a region's processes that a connection reaches; a frozen one too."""

    def at(self, place: Endpoint) -> Process | None:
        """Give the process that is at a port, whatever it was called."""

    def parted(self, rack: int, region: str) -> bool:
        """Whether nothing passes between them."""

    def chance(self) -> float:
        """Give a random number below one."""

    def busy(self) -> float:
        """Draw for how many seconds calls are under way on a new link."""


class Session(End):
    """A rack's end of a link, in the place of `rack_side.Session` and `RemoteRegion`."""

    duties: Duties
    welcome: Welcome
    worker: Process
    rack: Rackd
    busy_until = 0.0

    @property
    def remote(self) -> Session:
        """What the rack may ask over it."""
        return self

    @property
    def _region(self) -> RackEnd:
        return cast(RackEnd, self.far)

    @property
    def idle(self) -> bool:
        """Whether no call is under way on it."""
        return super().idle and self.timers.seconds() >= self.busy_until

    async def claim(self, lost: Ownership) -> None:
        """See `RemoteRegion`."""
        await self.call("claim", lambda: self._region.at_region.claim(lost))

    async def farewell(self, deadline: float) -> bool:
        """Have no more calls made, either way."""
        agreed = not await self.call("farewell", self._region.farewell, deadline)
        if agreed:
            self.part()
        return agreed

    def leave(self, reason: str = "left") -> Deferred[str]:
        """End it politely."""
        there = [each for each in self.rack.sessions if each is not self and each.over is None]
        if self.over is None:
            self.rack.around.witness.leaves(self.rack.number, reason, others=bool(there))
        closed = self.closed
        self.end(reason)
        return closed

    def abort(self, reason: str) -> None:
        """End it."""
        self.end(reason)


class Rackd:
    """One rackd process; the disk outlives it."""

    def __init__(self, around: Around, number: int, disk: Disk, timers: Timers) -> None:
        self.around = around
        self.number = number
        self.disk = disk
        self.timers = timers
        self.sessions: list[Session] = []
        self._ends: list[Session] = []
        memory = cast(Memory, disk)
        self._obedience = Obedience(memory)
        self._lookout = Lookout(_scene(timers), lambda: self._duties.paired, lambda: None)
        self._duties = Duties(
            memory,
            self._obedience,
            cast(DhcpServer, Server()),
            self._lookout,
            self._owned,
            lambda link, move: self._links.migrate(link, move),  # noqa: PLW0108  made below
            lambda _: None,
        )
        urls = [f"http://{region}/MAAS" for region in around.regions]
        self._links = Links(
            timers,
            lambda: 1 if disk.system_id is None else around.wanted,
            Search(timers, self._fetch, urls, memory).find,
            self._dial,
            lighter_of_two(lambda loops: loops[int(around.chance() * len(loops))]),
            Rests(lambda failures: min(0.2 * 1.5**failures, 10.0) + around.chance()),
            self._opened,
            self._closed,
            self._owns,
            self._hand_over,
        )
        self._succession = Succession(timers, self._obedience, lambda: self._links.sessions)
        for part in (self._links, self._succession, self._lookout):
            part.startService()

    @property
    def key(self) -> str:
        """Its host name."""
        return f"rack{self.number}"

    def ends(self, region: str | None = None) -> list[Session]:
        """Give its ends of connections, to one region or all, also of those not registered yet."""
        self._ends = [end for end in self._ends if end.over is None]
        return [end for end in self._ends if region in (None, end.worker.place.region)]

    def die(self) -> None:
        """SIGKILL rackd."""
        kill(self.timers, self.ends())
        for part in (self._links, self._succession, self._lookout):
            part.stopService()
        self.sessions.clear()

    # the network

    async def _fetch(self, url: str) -> Reply:
        """GET a region's `rpc/`."""
        region = url.split("/")[2]
        there = self.around.processes_of(region)
        if self.around.parted(self.number, region):
            await deferLater(self.timers, DIAL)
            raise Unreachable("no answer")
        await deferLater(self.timers, LATENCY)
        if not there:
            raise Unreachable("refused")
        process = there[int(self.around.chance() * len(there))]
        answered: Deferred[Reply] = Deferred()
        process.timers.callLater(LATENCY, self._look_up, process, answered)
        return await answered

    def _look_up(self, process: Process, answered: Deferred[Reply]) -> None:
        found = Deferred.fromCoroutine(process.pool.run(event_loops, read_only=True))
        told = found.addCallbacks(_listing, lambda _: Reply(503, b""))
        told.addCallback(lambda reply: self.timers.callLater(LATENCY, _answer, answered, reply))

    async def _dial(self, loop: EventLoop) -> rack_side.Session:
        """Connect, have a first answer, register."""
        region = loop.region
        worker = self.around.at(loop.endpoints[0])
        if self.around.parted(self.number, region):
            await deferLater(self.timers, DIAL)
            raise Unreachable("no answer")
        await deferLater(self.timers, LATENCY)
        if worker is None or not worker.listens or worker.timers.dead:
            raise Unreachable("refused")
        session = self._connect(worker)
        try:
            await session.call("hello", _hello, DIAL)
            come = self._introduction()
            door = cast(RackEnd, session.far)
            session.welcome = await session.call("register", lambda: door.take_in(worker, come))
        except BaseException:
            session.end("the dial is given up")
            raise
        self.disk.belong(session.welcome)
        session.busy_until = self.timers.seconds() + self.around.busy()
        self.sessions.append(session)
        session.closed.addCallback(lambda _: self._forget(session))
        return cast(rack_side.Session, session)

    def _connect(self, worker: Process) -> Session:
        region = worker.place.region

        def parted() -> bool:
            return self.around.parted(self.number, region)

        near = Session(self.timers, self.around.timers, parted)
        far = RackEnd(worker.timers, self.around.timers, parted)
        near.far, far.far = far, near
        near.worker, near.rack, near.duties = worker, self, self._duties
        far.remote = f"{self.key}:{int(self.around.chance() * 1e9)}"
        worker.ends = [end for end in worker.ends if end.over is None] + [far]
        self._ends.append(near)
        return near

    def _forget(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)

    # what the parts ask

    def _introduction(self) -> Introduction:
        return Introduction(
            self.key, "0.1.0", self.disk.system_id, epoch=self.disk.epoch, serving=False
        )

    def _opened(self, _: rack_side.Session) -> None:
        """Nothing is to be done."""

    def _closed(self, session: rack_side.Session, _: str) -> None:
        lost = self._obedience.lose(session.welcome.worker)
        if lost is not None:
            self._succession.lost(lost)

    def _owned(self) -> None:
        assert self._obedience.owner is not None
        self.around.witness.obeys(self.number, self._obedience.owner)

    def _owns(self, session: rack_side.Session) -> bool:
        owner = self._obedience.owner
        return owner is not None and session.welcome.worker == owner.worker

    async def _hand_over(self, _: rack_side.Session, new: rack_side.Session) -> None:
        owner = self._obedience.owner
        if owner is not None:
            try:
                await new.remote.claim(owner)
            except RpcError:
                return

    @property
    def workers(self) -> list[WorkerId]:
        """To whom it has the links that are to stay."""
        return [session.welcome.worker for session in self._links.sessions]

    @property
    def owner(self) -> Ownership | None:
        """Whom it obeys."""
        return self._obedience.owner


def _scene(timers: Timers) -> Scene:
    """Give a host without VLANs, so nobody looks out on it."""
    return Scene(cast(Dialler, timers), _no_station, timers.seconds, lambda: bytes(16), lambda: 0.0)


def _no_station(*_: object) -> Station:
    raise AssertionError("there are no VLANs")


def _listing(loops: tuple[EventLoop, ...]) -> Reply:
    return Reply(200, json.dumps(event_loops_json(loops)).encode())


async def _hello() -> None:
    """Answer."""


def _answer(answered: Deferred[Reply], reply: Reply) -> None:
    if not answered.called:
        answered.callback(reply)
