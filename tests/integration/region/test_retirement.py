"""A rack that is deleted while it is linked is told to stop, and sent away."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.db.racks import delete_rack
from maasha.db.services import ask_to_stop
from maasha.dhcp.plan import EMPTY
from maasha.model.cluster import RackKey
from maasha.region.retirement import REST, TICK
from maasha.rpc.errors import LinkLost
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import interface
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.wishes import serve
from tests.integration.region.worker import Worker


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack."""
    return Rack(tmp_path, "rack1", Town())


async def delete(pool: WatchedPool, rack: Rack) -> None:
    """Delete a rack by its system id."""
    system_id = rack.memory.system_id
    assert system_id is not None
    await pool.run(lambda tx: delete_rack(tx, "user:admin", system_id))


@asynchronous
async def test_a_deleted_rack_stops_serving_and_goes(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Its tombstone has a newer epoch than any owner, so it obeys."""
    line = Line(rack)
    await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    await delete(pool, rack)
    worker.retirement.wake()
    await after(pool, clock, REST)
    assert line.orders == ["own", "retire"]
    assert rack.memory.retired
    assert rack.server.plan == EMPTY
    assert line.closed_with == "the rack was deleted"


@asynchronous
async def test_a_rack_that_has_not_stopped_is_asked_again(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """It is not let go before it says that it serves nothing."""
    line = Line(rack)
    await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    await delete(pool, rack)
    line.error = LinkLost("cut")
    await after(pool, clock, TICK)
    assert not rack.memory.retired
    assert line.closed_with == ""
    line.error = None
    await after(pool, clock, TICK)
    assert rack.memory.retired
    assert line.closed_with == "the rack was deleted"


@asynchronous
async def test_what_a_deleted_rack_ran_is_off_when_it_says_so(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Whoever takes its VLANs over waits for that, and for nothing more."""
    rack.interfaces = (interface("eth1", "10.0.0.1/24"),)
    line = Line(rack)
    await rack.join(worker.registration, line)
    await serve(pool, "rack1")
    await at_rest(pool, clock)
    worker.wardship.wake_stewards()
    await at_rest(pool, clock)
    assert await running(pool) == ["solo"]
    await delete(pool, rack)
    await pool.run(lambda tx: ask_to_stop(tx, RackKey(1)))
    line.error = LinkLost("cut")
    await after(pool, clock, TICK)
    assert (await running(pool), line.closed_with) == (["solo"], "")
    line.error = None
    await after(pool, clock, TICK)
    assert await running(pool) == ["off"]


async def running(pool: WatchedPool) -> list[str]:
    """Name what is on record as running, VLAN by VLAN."""
    rows = await pool.run(lambda tx: tx.rows("select running ->> 'duty' as duty from service"))
    return [row.duty for row in rows]


@asynchronous
async def test_who_was_not_deleted_is_left_alone(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack, tmp_path: Path
) -> None:
    """One deletion is one rack's business; without database nobody is looked for."""
    other = Rack(tmp_path / "two", "rack2", Town())
    line = Line(other)
    await other.join(worker.registration, line)
    await rack.join(worker.registration)
    await at_rest(pool, clock)
    await delete(pool, rack)
    await pool.stop()
    await after(pool, clock, TICK)
    assert not rack.memory.retired
    pool.start()
    await after(pool, clock, TICK)
    assert (rack.memory.retired, other.memory.retired, line.closed_with) == (True, False, "")
