"""Regions, racks and the network on one clock; what befalls them, and what holds at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import TypeVar

from twisted.internet.defer import Deferred

from maasha.db.connector import SessionLimits
from maasha.db.drains import Place as Drained
from maasha.db.drains import begin_drain, drains, end_drain, region_named
from maasha.db.instance import create_instance
from maasha.db.placement import Found, read_placement
from maasha.db.pool import Pool
from maasha.db.regions import register_region
from maasha.db.transaction import Transaction
from maasha.model.cluster import Endpoint, Ownership, RackKey, WorkerId
from maasha.model.stamp import Stamp
from tests.memory.server import Session
from tests.memory.wire import Opener, Way
from tests.simulation.failures import heard
from tests.simulation.held import Led, Witness
from tests.simulation.network import SILENCE
from tests.simulation.rack import Disk, Rackd
from tests.simulation.region import Place, Process
from tests.simulation.time import Time, Timers

T = TypeVar("T")

STEP = 0.25
"""Seconds between looks at what holds."""
QUERIES = (0.002, 0.02, 0.2)
"""Seconds from a region to the database; the longer, the more is under way when it ends."""
AGAIN = 1.0
"""Seconds until a master or a supervisor starts a process that ended."""
PATIENCE = 30.0
"""Seconds within which a rack that can have a link has one: rests grow to ten, some in vain."""
MANY = 10_000
"""Links that a worker takes, unless told."""


class World:
    """Everything; `limit` is how many links a worker takes."""

    def __init__(
        self, sizes: Sequence[int], racks: int, wanted: int, seed: int, limit: int = MANY
    ) -> None:
        self._time = Time()
        self.timers = Timers(self._time)
        self.dice = Random(seed)
        self.wanted = wanted
        self.regions = tuple(f"r{number}" for number, _ in enumerate(sizes, 1))
        self.database = Led(self.timers)
        self.ways = {region: Way(latency=self.dice.choice(QUERIES)) for region in self.regions}
        self.failures: list[str] = []
        self.witness = Witness()
        self._limit = limit
        self._cuts: dict[tuple[int, str], float] = {}
        self._numbers = 100
        self._api = self._people()
        for region in self.regions:
            self.ask(lambda tx, name=region: register_region(tx, name, "", self.dice.choice))  # type: ignore[misc]
        self.processes: list[Process] = []
        for region, size in zip(self.regions, sizes, strict=True):
            for slot in range(size):
                self._start(region, slot)
        self.racks = [
            Rackd(self, number, Disk(), Timers(self._time)) for number in range(1, racks + 1)
        ]

    def _people(self) -> Pool:
        """Make a connection of our own, and with it the instance."""
        opener = Opener(self.database, self.timers, Way(), SessionLimits())
        pool = Pool(self.timers, opener, 1, jitter=self.dice.random)
        pool.start()
        self._api = pool
        self.ask(create_instance)
        return pool

    # what people do

    def ask(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Have something done to the database, which is there."""
        answers: list[T] = []
        asked = Deferred.fromCoroutine(self._api.run(work))
        asked.addCallback(answers.append)
        asked.addErrback(lambda failure: failure.raiseException())
        (answer,) = answers
        return answer

    def found(self) -> Found:
        """Read the placement."""
        return self.ask(read_placement)

    def drain(self, region: str, slot: int | None = None) -> None:
        """Drain a region or a worker of it, and let that end by itself much later."""
        named = self.ask(lambda tx: region_named(tx, region))
        assert named is not None
        place = Drained(region=named.key, slot=slot)
        self.ask(lambda tx: begin_drain(tx, "user:a", place, 1e6, keep=False))

    def undo_drains(self) -> None:
        """Undo all."""
        for each in self.ask(drains):
            self.ask(lambda tx, drain=each.id: end_drain(tx, "user:a", drain))  # type: ignore[misc]

    # what befalls them

    def _start(self, region: str, slot: int) -> None:
        """Start a worker in a slot."""
        self._numbers += 1
        timers, place = Timers(self._time), Place(region, slot, self._numbers)
        way = self.ways[region]
        process = Process(timers, self.database, way, place, self._limit, self.acts, self.dice)
        self.processes.append(process)
        process.startService()

    def kill(self, process: Process, seconds: float = AGAIN) -> None:
        """SIGKILL a worker; another one is in its place after so many seconds."""
        if not process.timers.dead:
            process.die()
            self._bury(process, seconds)

    def _bury(self, process: Process, seconds: float) -> None:
        self.processes.remove(process)
        place = process.place
        self.timers.callLater(seconds, self._start, place.region, place.slot)

    def end(self, process: Process) -> None:
        """SIGTERM a worker; its master starts another one."""
        if not process.leaves:
            process.stop()

    def freeze(self, process: Process, seconds: float) -> None:
        """SIGSTOP a worker, and SIGCONT it; racks drop what is silent."""
        if process.runs:
            process.timers.stop()
            if seconds > SILENCE:
                self.timers.callLater(SILENCE, self._fall_silent, process)
            self.timers.callLater(seconds, process.timers.go_on)

    def _fall_silent(self, process: Process) -> None:
        for each in self.racks:
            for end in each.ends():
                if end.worker is process:
                    each.timers.callLater(0.0, end.end, "silent")

    @property
    def leader(self) -> Process | None:
        """Who takes itself for the leader, if anybody; the one that did so last."""
        led = [process for process in self.processes if process.leads]
        return led[-1] if led else None

    def cut(self, racks: Sequence[Rackd], region: str, seconds: float) -> None:
        """Let nothing pass between racks and a region for a while."""
        until = self.timers.seconds() + seconds
        for each in racks:
            key = each.number, region
            if not self.parted(*key):
                self.timers.callLater(SILENCE, self._drop, *key)
            self._cuts[key] = max(until, self._cuts.get(key, 0.0))

    def _drop(self, number: int, region: str) -> None:
        each = self.racks[number - 1]
        if not self.parted(number, region):
            return
        for end in each.ends(region):
            end.timers.callLater(0.0, end.end, "silent")
            end.far.timers.callLater(0.0, end.far.end, "silent")

    def restart(self, each: Rackd) -> None:
        """Kill rackd; its supervisor starts it again, with the same disk."""
        each.die()
        self.timers.callLater(AGAIN, self._start_again, each)

    def _start_again(self, each: Rackd) -> None:
        anew = Rackd(self, each.number, each.disk, Timers(self._time))
        self.racks[each.number - 1] = anew

    def isolate(self, region: str, seconds: float) -> None:
        """Let nothing pass between a region and the database for a while."""
        way = self.ways[region]
        if way.up:
            way.up = False
            self.timers.callLater(seconds, setattr, way, "up", True)

    def crash(self, seconds: float) -> None:
        """Kill the database server, and start it again."""
        if self.database_runs:
            for way in self.ways.values():
                way.refused = True
            for session in tuple(self.database.sessions):
                if session is not self._ours:
                    session.end()
            for process in self.processes:
                process.lose_database()
            self.timers.callLater(seconds, self._start_database)

    def _start_database(self) -> None:
        for way in self.ways.values():
            way.refused = False

    @property
    def database_runs(self) -> bool:
        """Whether it does."""
        return not any(way.refused for way in self.ways.values())

    @property
    def _ours(self) -> Session:
        return self.database.sessions[0]

    def end_all(self) -> None:
        """Have nothing wait any more."""
        for process in self.processes:
            process.die()
        for each in self.racks:
            each.die()

    # what racks find around themselves, and say

    def processes_of(self, region: str) -> list[Process]:
        """See `rack.Around`; of those that share a port one that runs takes the call."""
        there = [one for one in self.processes if one.place.region == region]
        return [one for one in there if one.runs] or there

    def at(self, place: Endpoint) -> Process | None:
        """See `rack.Around`."""
        here = [one for one in self.processes if one.place.endpoint == place]
        return here[-1] if here else None

    def parted(self, rack: int, region: str) -> bool:
        """See `rack.Around`."""
        return self.timers.seconds() < self._cuts.get((rack, region), 0.0)

    def chance(self) -> float:
        """See `rack.Around`."""
        return self.dice.random()

    def busy(self) -> float:
        """See `rack.Around`: on most links there is nothing under way most of the time."""
        return self.dice.choice((0.0, 0.0, 1.0, 30.0))

    def acts(self, worker: WorkerId, key: RackKey, epoch: Stamp) -> None:
        """Hear that a worker acts for a rack."""
        number = int(self.database.tables.racks[key].hostname.removeprefix("rack"))
        self.witness.acts(number, Ownership(worker, epoch))

    # how it goes on

    def go(self, seconds: float, check: Callable[[], None] | None = None) -> None:
        """Let time pass, and look after each step."""
        for _ in range(round(seconds / STEP)):
            self._time.advance(STEP)
            for process in [one for one in self.processes if one.timers.dead]:
                self._bury(process, AGAIN)
            self.check()
            if check is not None:
                check()

    @property
    def begun(self) -> int:
        """How many moves were ever begun."""
        return self.database.tables.sequences["link_move"]

    def loads(self) -> list[int]:
        """Count the links of each worker."""
        links = Counter(session.worker for each in self.racks for session in each.sessions)
        return [links[one] for one in self.processes]

    def check(self) -> None:
        """Hold what holds at any moment."""
        assert not self.failures, self.failures
        for row in self.database.tables.racks.values():
            if row.owner is not None:
                self.acts(WorkerId(row.owner), RackKey(row.id), row.epoch)
        for each in self.racks:
            workers = each.workers
            assert len(set(workers)) == len(workers), "two links to one worker"
            # regions in doubt are dialled side by side, and all may take the rack
            assert len(workers) <= self.wanted + len(self.regions), "too many links"
            self._look_after(each)
        assert not self.witness.broken, self.witness.broken

    def _look_after(self, each: Rackd) -> None:
        """Hold that a rack which can have a link, or an owner, has one before long."""
        here = [
            process
            for process in self.processes
            if process.takes_racks and not self.parted(each.number, process.place.region)
        ]
        linked = [session.worker for session in each.sessions]
        alone = bool(here) and not linked
        owned = each.owner is not None and each.owner.worker in {one.id for one in linked}
        unowned = not owned and any(one in here for one in linked)
        for what, in_vain in (("a link", alone), ("an owner", unowned)):
            waited = self.witness.waits(each.number, what, self.timers.seconds(), in_vain=in_vain)
            assert waited <= PATIENCE, f"{each.key} has waited {waited} s for {what}"


@contextmanager
def world(
    sizes: Sequence[int], racks: int, wanted: int, seed: int, limit: int = MANY
) -> Iterator[World]:
    """Make a world in which every failure that somebody logs is one of the test."""
    made = World(sizes, racks, wanted, seed, limit)
    try:
        with heard(made.failures):
            yield made
    finally:
        made.end_all()
