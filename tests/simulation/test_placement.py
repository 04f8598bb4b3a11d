"""Whatever happens to a cluster, racks have links, and once it is quiet they are even and rest."""

from __future__ import annotations

from math import ceil

from attrs import evolve
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from maasha.db.ownership import flip
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import Acting
from tests.simulation.history import History
from tests.simulation.world import MANY, World, world

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Each history takes seconds; a failing one has its seed and its steps printed."""
HELD = 60.0
"""Seconds after which nothing that happened holds anything up, but what the balancer moved."""
QUIET = 400.0
"""Seconds by which everything is even: holds, stays and moves at their pace, one by one."""
REST = 300.0
"""Seconds in which nothing moves then."""

clusters = st.tuples(
    st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(1, 8), st.integers(1, 2)
)


@settings(max_examples=20, phases=NO_SHRINKING)
@given(clusters, st.integers(0, 2**32), st.booleans(), st.data())
def test_whatever_happens_racks_are_linked_even_and_at_rest(
    cluster: tuple[list[int], int, int], seed: int, tight: bool, data: st.DataObject
) -> None:
    """Nobody loses a link for the sake of evenness, and in the end nothing moves any more."""
    sizes, racks, wanted = cluster
    limit = small_limit(sizes, racks, wanted) if tight else MANY
    with world(sizes, racks, wanted, seed, limit) as here:
        history = History(here, data, [])
        here.go(20.0)
        for _ in range(data.draw(st.integers(0, 6))):
            history.happen()
        note("\n".join(history.told))
        here.undo_drains()
        here.go(HELD)
        excess = too_much(here)
        here.go(QUIET)
        assert here.begun <= excess + 2, "more moves than what is too much"
        begun = here.begun
        here.go(REST)
        assert here.begun == begun, "links move though nothing happens"
        hold_what_is(here)


def small_limit(sizes: list[int], racks: int, wanted: int) -> int:
    """Give how many links a worker takes at least if each rack is to be on several regions."""
    even = ceil(racks * wanted / sum(sizes)) + 2
    return max(even, ceil(racks / min(sizes)) + 1) if len(sizes) > 1 else even


def too_much(here: World) -> int:
    """Give how many moves there will have been when a cluster that is quiet now is even."""
    found = here.found()
    evening = evolve(found.placement, acting=Acting(links=True, owners=True))
    later = found.now + POLICY.stay
    return here.begun + len(plan(evening, POLICY, later).moves)


def hold_what_is(here: World) -> None:
    """Hold that all is linked, owned and planned to stay."""
    found = here.found()
    assert plan(found.placement, POLICY, found.now).actions == ()
    owners = {row.hostname: row.owner for row in here.database.tables.racks.values()}
    for rack in here.racks:
        assert len(rack.sessions) == min(here.wanted, len(here.processes))
        assert len(set(rack.workers)) == len(rack.sessions), "two links to one worker"
        assert rack.owner is not None
        assert rack.owner.worker == owners[rack.key]
        assert rack.owner.worker in {session.worker.id for session in rack.sessions}


@settings(max_examples=5, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_a_region_that_returns_gets_what_is_too_much_elsewhere(seed: int) -> None:
    """Two more moves at most, for regions are evened first."""
    with world([2, 2, 2], 12, 2, seed) as here:
        here.go(200.0)
        for process in [one for one in here.processes if one.place.region == "r3"]:
            here.kill(process, 15.0)
        here.go(14.0)
        loads = dict(zip((one.place.region for one in here.processes), here.loads(), strict=False))
        assert "r3" not in loads
        before, excess = here.begun, sum(max(0, load - 4) for load in here.loads())
        here.go(200.0)
        assert here.loads() == [4] * 6
        assert here.begun - before <= excess + 2


@settings(max_examples=5, phases=NO_SHRINKING)
@given(st.integers(0, 2**32), st.booleans())
def test_without_a_database_nothing_moves_and_everything_goes_on(seed: int, crash: bool) -> None:
    """And after it nothing has to; nobody is taken for dead, though one region is back later."""
    with world([2, 2], 6, 2, seed) as here:
        here.go(200.0)
        before = what_is(here)
        if crash:
            here.crash(60.0)
        else:
            here.isolate("r1", 60.0)
            here.isolate("r2", 66.0)
        here.go(260.0, lambda: hold_unchanged(here, before))


def what_is(here: World) -> tuple[object, ...]:
    """Give the moves so far, the links of each rack, and the rows of the workers since when."""
    rows = {key: row.epoch_counter for key, row in here.database.tables.workers.items()}
    return here.begun, [len(rack.sessions) for rack in here.racks], rows


def hold_unchanged(here: World, before: tuple[object, ...]) -> None:
    """Hold that all is as it was."""
    assert what_is(here) == before


@settings(max_examples=5, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_a_worker_with_two_names_has_one_link(seed: int) -> None:
    """A rack finds it at the port of its predecessor, and then hears what it is called."""
    with world([2], 1, 2, seed) as here:
        here.go(30.0)
        first, second = here.processes
        here.kill(first)
        here.go(10.0)
        (rack,) = here.racks
        assert len(rack.workers) == 2
        here.kill(second, 15.0)
        here.go(14.0)
        assert len(rack.workers) == 1
        here.go(30.0)
        assert here.loads() == [1, 1]


@settings(max_examples=5, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_full_workers_send_racks_on(seed: int) -> None:
    """Where there is a place for each rack each finds it, and no worker has more than it takes."""
    with world([2, 2], 8, 1, seed, limit=2) as here:
        for _ in range(60):
            here.go(1.0)
            assert max(here.loads()) <= 2
        assert here.loads() == [2, 2, 2, 2]


@settings(max_examples=5, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_a_frozen_leader_is_succeeded(seed: int) -> None:
    """Within a few seconds; when it goes on it takes itself for the leader no more."""
    with world([2, 2], 4, 2, seed) as here:
        here.go(30.0)
        (leader,) = [one for one in here.processes if one.leads]
        here.freeze(leader, 20.0)
        here.go(8.0)
        assert sum(one.leads for one in here.processes) == 2
        here.go(14.0)
        assert not leader.leads
        assert sum(one.leads for one in here.processes) == 1


@settings(max_examples=5, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_an_owner_of_the_past_is_not_obeyed(seed: int) -> None:
    """Its word may be late: the rack knows the newer one by then and says so."""
    with world([1, 1], 1, 2, seed) as here:
        here.go(30.0)
        (rack,) = here.racks
        assert rack.owner is not None
        lasting = rack.owner.worker
        (late,) = [one.worker for one in rack.sessions if one.worker.id != lasting]
        assert late.id is not None
        here.cut([rack], late.place.region, 2.25)
        hand_over(here, lasting, late.id)
        hand_over(here, late.id, lasting)
        here.go(0.25)  # where the database is far a word takes a little more than a second
        obeyed = rack.owner
        here.go(10.0)
        assert len(rack.sessions) == 2
        assert rack.owner == obeyed
        assert rack.owner.worker == lasting


def hand_over(here: World, source: WorkerId, to: WorkerId) -> None:
    """Let another worker own the first rack, and have a second in which to say so."""
    assert here.ask(lambda tx: flip(tx, [(RackKey(1), source, to)])) == 1
    here.go(1.0)


@settings(max_examples=5, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_a_drained_region_is_emptied_and_filled_again(seed: int) -> None:
    """Nobody is ever without a link meanwhile; undone, its racks come back."""
    with world([1, 2], 6, 2, seed) as here:
        here.go(60.0)
        here.drain("r1")
        here.go(60.0, lambda: hold_links(here))
        assert here.loads() == [0, 6, 6]
        here.undo_drains()
        here.go(300.0, lambda: hold_links(here))
        assert here.loads()[0] == 6


def hold_links(here: World) -> None:
    """Hold that each rack has a link."""
    for rack in here.racks:
        assert rack.sessions, rack.key
