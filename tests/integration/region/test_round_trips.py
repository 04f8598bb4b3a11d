"""A worker notes how its links fare, while it has any."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock

from maasha.db.transaction import Row
from maasha.region.round_trips import INTERVAL, RoundTrips
from maasha.rpc.pulse import Health, RoundTrip
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.worker import Worker


async def fare(pool: WatchedPool) -> Row:
    """Read the only link."""
    found = await pool.run(lambda tx: tx.one("select * from link"))
    assert found is not None
    return found


@asynchronous
async def test_round_trips_are_noted(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """Every ten seconds, with what is thought of the rack."""
    line = Line(Rack(tmp_path, "rack1", Town()))
    await line.rack.join(worker.registration, line)
    RoundTrips(clock, pool, worker.connections).setServiceParent(worker)
    await at_rest(pool, clock)
    assert ((await fare(pool)).round_trip, (await fare(pool)).suspect) == (None, False)
    line.round_trip, line.health = RoundTrip(0.004, 0.002), Health.SUSPECT
    await after(pool, clock, INTERVAL)
    noted = await fare(pool)
    assert (noted.round_trip, noted.round_trip_deviation, noted.suspect) == (0.004, 0.002, True)


@asynchronous
async def test_without_links_nothing_is_asked(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """The database has other things to do."""
    assert not len(worker.connections)
    noting = RoundTrips(clock, pool, worker.connections)
    noting.startService()
    assert pool.under_way == 0
    noting.stopService()


@asynchronous
async def test_a_note_that_fails_is_not_made_up_for(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """The next one says how it is then."""
    line = Line(Rack(tmp_path, "rack1", Town()))
    await line.rack.join(worker.registration, line)
    line.round_trip = RoundTrip(0.004, 0.002)
    pool.loses_answers = True
    noting = RoundTrips(clock, pool, worker.connections)
    noting.startService()
    await at_rest(pool, clock)
    pool.loses_answers = False
    line.round_trip = RoundTrip(0.006, 0.002)
    await after(pool, clock, INTERVAL)
    assert (await fare(pool)).round_trip == 0.006
    noting.stopService()
