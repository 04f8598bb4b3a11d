"""Exactly one worker acts for each rack, through one steward with the right epoch and link."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.db.instance import raise_incarnation
from maasha.db.ownership import claim
from maasha.model.cluster import Ownership, RackKey
from maasha.model.stamp import Stamp
from maasha.region.wardship import TICK
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.wishes import progress, want
from tests.integration.region.worker import Worker

KEY = RackKey(1)


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack."""
    return Rack(tmp_path, "rack1", Town())


@asynchronous
async def test_the_first_worker_that_is_linked_acts(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """The others stand by."""
    await rack.join(worker.registration)
    await at_rest(pool, clock)
    await rack.join(second.registration)
    await at_rest(pool, clock)
    assert worker.steward_of(KEY)
    assert second.steward_of(KEY) is None


@asynchronous
async def test_a_vacant_rack_is_claimed(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """As soon as a notice says so, or with the next look, by whoever has a link to it."""
    first = await rack.join(worker.registration)
    await rack.join(second.registration)
    await at_rest(pool, clock)
    await rack.desks[first.worker].lost("cut")
    await at_rest(pool, clock)
    await after(pool, clock, TICK)
    steward = second.steward_of(KEY)
    assert steward is not None
    assert rack.obedience.owner == Ownership(second.standing.worker, steward.epoch)


@asynchronous
async def test_the_racks_of_a_dead_worker_are_claimed(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """When its row is removed it owns nothing any more."""
    await rack.join(worker.registration)
    await rack.join(second.registration)
    await at_rest(pool, clock)
    await worker.stopService()
    await worker.presence.leave()
    await after(pool, clock, TICK)
    assert second.steward_of(KEY)


@asynchronous
async def test_a_new_epoch_replaces_the_steward(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """What is begun under an old epoch is not carried on under a new one."""
    line = Line(rack)
    await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    before = worker.steward_of(KEY)
    await pool.run(lambda tx: raise_incarnation(tx, 4, "a test"))
    await after(pool, clock, TICK)
    steward = worker.steward_of(KEY)
    assert before is not None
    assert not before.running
    assert steward is not None
    assert steward.epoch.incarnation == 4
    assert rack.memory.epoch == steward.epoch
    assert line.orders == ["own", "own"]


@asynchronous
async def test_a_lost_rack_has_no_steward_here(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Another worker that claimed it by compare-and-swap acts for it from then on."""
    await rack.join(worker.registration)
    await rack.join(second.registration)
    await at_rest(pool, clock)
    before = worker.steward_of(KEY)
    lost = Ownership(worker.standing.worker, Stamp(1, 1))
    await pool.run(lambda tx: claim(tx, KEY, lost, second.standing.worker))
    await after(pool, clock, TICK)
    assert worker.steward_of(KEY) is None
    assert second.steward_of(KEY)
    assert before is not None
    assert not before.running


@asynchronous
async def test_the_newest_link_has_the_steward(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """One rack with two links to one worker has one steward."""
    lines = Line(rack), Line(rack)
    for line in lines:
        await rack.join(worker.registration, line)
        await at_rest(pool, clock)
    old, new = tuple(worker.connections)
    assert worker.wardship.steward(old) is None
    assert worker.wardship.steward(new)
    assert len(list(worker.wardship)) == 2


@asynchronous
async def test_without_database_everything_stays(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Nobody is dismissed for a question that had no answer."""
    await rack.join(worker.registration)
    await at_rest(pool, clock)
    steward = worker.steward_of(KEY)
    await pool.stop()
    await after(pool, clock, TICK, TICK)
    assert worker.steward_of(KEY) is steward


@asynchronous
async def test_notices_wake_the_stewards_they_mean(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """A notice about one rack wakes its steward; one about nobody in particular wakes all."""
    for number in (1, 2):
        await Rack(tmp_path / str(number), f"rack{number}", Town()).join(worker.registration)
    await at_rest(pool, clock)
    await want(pool)
    worker.wardship.wake_stewards(RackKey(2))
    await at_rest(pool, clock)
    assert await done(pool) == [False, True]
    worker.wardship.wake_stewards()
    await at_rest(pool, clock)
    assert await done(pool) == [True, True]


async def done(pool: WatchedPool) -> list[bool]:
    """Say of each rack whether it has carried out what is wanted."""
    racks = [await progress(pool, hostname) for hostname in ("rack1", "rack2")]
    return [rack.running == rack.wanted for rack in racks]
