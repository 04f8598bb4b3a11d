"""A cluster, and whatever befalls it, as Hypothesis draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import define
from hypothesis import strategies as st

from tests.simulation.region import Process
from tests.simulation.world import World

T = TypeVar("T")


@define(eq=False)
class History:
    """Draws what happens next; `told` is what has happened so far, for people."""

    world: World
    data: st.DataObject
    told: list[str]

    @property
    def _faults(self) -> dict[str, Callable[[], None]]:
        return {
            "kill": lambda: self.world.kill(self._process()),
            "end": lambda: self.world.end(self._process()),
            "kill a region": self._kill_region,
            "freeze": lambda: self.world.freeze(self._process(), self._seconds()),
            "freeze the leader": self._freeze_leader,
            "cut a rack": self._cut_rack,
            "cut a region": lambda: self.world.cut(
                self.world.racks, self._region(), self._seconds()
            ),
            "isolate a region from the database": lambda: self.world.isolate(
                self._region(), self._seconds()
            ),
            "lose the database": self._lose_database,
            "crash the database": lambda: self.world.crash(self._seconds()),
            "restart a rack": lambda: self.world.restart(self._draw(self.world.racks)),
            "drain a worker": self._drain_worker,
            "drain a region": lambda: self.world.drain(self._region()),
            "undo the drains": self.world.undo_drains,
            "nothing": lambda: None,
        }

    def happen(self) -> None:
        """Let something happen, and some time pass."""
        if self.world.processes:
            faults = self._faults
            name = self._draw(tuple(faults))
            self.told.append(f"{self.world.timers.seconds():.2f} s: {name}")
            faults[name]()
        self.world.go(self._draw((0.25, 1.0, 3.0, 10.0, 40.0)))

    def _draw(self, of: Sequence[T]) -> T:
        return self.data.draw(st.sampled_from(of))

    def _process(self) -> Process:
        return self._draw(self.world.processes)

    def _region(self) -> str:
        return self._draw(self.world.regions)

    def _seconds(self) -> float:
        return self._draw((1.0, 5.0, 20.0))

    def _kill_region(self) -> None:
        region, seconds = self._region(), self._seconds()
        for process in tuple(self.world.processes):
            if process.place.region == region:
                self.world.kill(process, seconds)

    def _freeze_leader(self) -> None:
        leader = self.world.leader
        if leader is not None:
            self.world.freeze(leader, self._seconds())

    def _cut_rack(self) -> None:
        rack = self._draw(self.world.racks)
        self.world.cut([rack], self._region(), self._seconds())

    def _lose_database(self) -> None:
        seconds = self._seconds()
        for region in self.world.regions:
            self.world.isolate(region, seconds)

    def _drain_worker(self) -> None:
        place = self._process().place
        self.world.drain(place.region, place.slot)
