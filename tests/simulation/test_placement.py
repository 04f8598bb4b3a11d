"""Whatever happens to a cluster, racks have links, and once it is quiet they are even and rest."""

from __future__ import annotations

from collections import Counter

from attrs import define
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from tests.simulation.world import Process, World

PATIENCE = 30.0
"""Seconds after the last thing that happened, by which every rack has a link again."""
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Each history takes seconds; a failing one has its seed and its steps printed."""
QUIET = 400.0
"""Seconds by which everything is even: holds, stays and moves at their pace, one by one."""


@define(eq=False)
class History:
    """A cluster, and whatever befalls it, as it is drawn."""

    world: World
    data: st.DataObject
    happened: float = 0.0

    def happen(self) -> None:
        """Let something happen, and some time pass."""
        world = self.world
        faults = (
            ("kill", "freeze", "cut", "drain", "gap", "nothing") if world.processes else ("gap",)
        )
        match self.data.draw(st.sampled_from(faults)):
            case "kill":
                world.kill(self._process())
            case "freeze":
                world.freeze(self._process(), self._seconds())
            case "cut":
                rack = self.data.draw(st.sampled_from(world.racks))
                world.cut(rack, self._process().region, self._seconds())
            case "drain":
                self._drain(self._process())
            case "gap" if world.store.reachable:
                world.lose_database(self._seconds())
            case _:
                pass
        self.happened = world.clock.seconds()
        world.go(self.data.draw(st.sampled_from((0.25, 1.0, 3.0, 10.0, 40.0))), self.check)

    def _process(self) -> Process:
        return self.data.draw(st.sampled_from(self.world.processes))

    def _seconds(self) -> float:
        return self.data.draw(st.sampled_from((1.0, 5.0, 20.0)))

    def _drain(self, process: Process) -> None:
        """Drain a worker, or undo it; the last open one is never drained."""
        store = self.world.store
        row = store.workers.get(process.id)
        open_ = [one for one in store.workers.values() if not one.worker.draining]
        if row is not None and (row.worker.draining or len(open_) > 1):
            store.drain(process.id, not row.worker.draining)

    def check(self) -> None:
        """Hold what holds at any moment."""
        world = self.world
        for rack in world.racks:
            workers = [session.worker.id for session in rack.sessions]
            assert len(set(workers)) == len(workers), "two links to one worker"
            # regions in doubt are dialled side by side, and all may take the rack
            assert len(workers) <= world.wanted + len(world.regions), "too many links"
        if world.clock.seconds() - self.happened > PATIENCE + 20.0 and world.store.reachable:
            for rack in world.racks:
                assert rack.sessions, "a rack without a link while workers live"

    def calm_down(self) -> None:
        """Undo drains, and let everything come to rest."""
        world = self.world
        world.go(30.0, self.check)
        for row in world.store.workers.values():
            row.worker = world.store.workers[row.worker.id].worker
            world.store.drain(row.worker.id, draining=False)
        self.happened = world.clock.seconds()
        world.go(QUIET, self.check)


clusters = st.tuples(
    st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(1, 8), st.integers(1, 2)
)


@settings(max_examples=25, phases=NO_SHRINKING)
@given(clusters, st.integers(0, 2**32), st.data())
def test_whatever_happens_racks_are_linked_even_and_at_rest(
    cluster: tuple[list[int], int, int], seed: int, data: st.DataObject
) -> None:
    """Nobody loses a link for the sake of evenness, and in the end nothing moves any more."""
    sizes, racks, wanted = cluster
    history = History(World(sizes, racks, wanted, seed), data)
    history.world.go(20.0)
    for _ in range(data.draw(st.integers(0, 6))):
        history.happen()
    history.calm_down()
    world = history.world
    begun = world.store.begun
    world.go(300.0, history.check)
    assert world.store.begun == begun, "links move though nothing happens"
    seen = world.store.seen()
    assert plan(seen.placement, POLICY, seen.now).actions == ()
    for rack in world.racks:
        assert len(rack.sessions) == min(wanted, len(world.processes))
        owner = world.store.racks[rack.key].owner
        assert owner in {session.worker.id for session in rack.sessions}


def loads(world: World) -> list[int]:
    """Count the links of each worker."""
    links = Counter(session.worker.id for rack in world.racks for session in rack.sessions)
    return [links[one.id] for one in world.processes]


@settings(max_examples=10, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_a_region_that_returns_gets_what_is_too_much_elsewhere(seed: int) -> None:
    """Two more moves at most, for regions are evened first."""
    world = World([2, 2, 2], 12, 2, seed)
    world.go(200.0)
    for process in [one for one in world.processes if one.region == "r3"]:
        world.kill(process)
    world.go(4.0)
    before, excess = world.store.begun, sum(max(0, load - 4) for load in loads(world))
    world.go(200.0)
    assert loads(world) == [4] * 6
    assert world.store.begun - before <= excess + 2


@settings(max_examples=10, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_without_a_database_nothing_moves_and_everything_goes_on(seed: int) -> None:
    """And after it nothing has to."""
    world = World([2, 2], 6, 2, seed)
    world.go(200.0)
    before = world.store.begun, [len(rack.sessions) for rack in world.racks]
    world.lose_database(60.0)
    world.go(59.0)
    assert (world.store.begun, [len(rack.sessions) for rack in world.racks]) == before
    world.go(200.0)
    assert (world.store.begun, [len(rack.sessions) for rack in world.racks]) == before
