"""A person's word that a rack is lost for good is taken, and ends when the rack is there."""

from __future__ import annotations

import pytest
from attrs import frozen

from maasha.db.events import history
from maasha.db.lost import StillLinked, declare_lost
from maasha.db.placement import read_placement
from maasha.db.pool import Pool
from maasha.db.racks import Registered, delete_rack, drop_links, relink
from maasha.db.returning import Arrival, register_returning
from maasha.model.cluster import Introduction, RackKey, SystemId
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import Worker, found, hire, link, silence


@frozen
class Site:
    """Two racks; the first one has lost its link."""

    pool: Pool
    worker: Worker
    lost: Registered
    other: Registered

    async def declare(self, system_id: SystemId | None = None) -> bool:
        """Declare the first rack lost, unless told which."""
        wanted = system_id or self.lost.system_id
        return await self.pool.run(lambda tx: declare_lost(tx, "user:ann", wanted))

    async def counted(self) -> list[RackKey]:
        """List the racks that are to be balanced."""
        seen = await self.pool.run(read_placement)
        racks = [rack.key for rack in seen.placement.racks]
        assert set(seen.last_heard) == set(racks)
        return racks

    async def kinds(self) -> list[str]:
        """List what happened to the first rack, the newest first."""
        subject = f"rack:{self.lost.system_id}"
        events = await self.pool.run(lambda tx: history(tx, subject=subject))
        return [event.kind for event in events]


async def make_site(pool: Pool) -> Site:
    """Make it."""
    worker = await hire(pool, await found(pool), 0)
    one, two = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")
    await pool.run(lambda tx: drop_links(tx, [one.link]))
    return Site(pool, worker, one, two)


@asynchronous
async def test_it_does_not_count(pool: Pool) -> None:
    """A rack that is lost is not one that vanishes, nor one to be balanced; it is told once."""
    site = await make_site(pool)
    assert await site.counted() == [site.lost.rack, site.other.rack]
    assert await site.declare()
    assert await site.counted() == [site.other.rack]
    assert await site.declare()
    assert (await site.kinds()).count("rack.lost") == 1


@asynchronous
async def test_a_rack_that_is_there(pool: Pool) -> None:
    """It is not lost; nothing is written."""
    site = await make_site(pool)
    with pytest.raises(StillLinked, match="rack rack2 is linked: drain it, or delete it"):
        await site.declare(site.other.system_id)
    assert await site.counted() == [site.lost.rack, site.other.rack]


@asynchronous
async def test_a_rack_whose_worker_died(pool: Pool) -> None:
    """A link to a worker that nobody hears of is no link; it does not count either."""
    site = await make_site(pool)
    assert [each.rack for each in (await pool.run(read_placement)).placement.links] == [
        site.other.rack
    ]
    await silence(pool, site.worker)
    assert await site.declare(site.other.system_id)
    assert (await pool.run(read_placement)).placement.links == ()


@asynchronous
async def test_no_such_rack(pool: Pool) -> None:
    """There may be none, or one that was deleted."""
    site = await make_site(pool)
    assert not await site.declare(SystemId("xxxxxx"))
    await pool.run(lambda tx: delete_rack(tx, "user:ann", site.lost.system_id))
    assert not await site.declare()


@asynchronous
async def test_it_comes_back(pool: Pool) -> None:
    """Then nobody's word stands against it."""
    site = await make_site(pool)
    await site.declare()
    back = await link(pool, site.worker, "rack1", site.lost.system_id)
    assert back.rack == site.lost.rack
    assert await site.counted() == [site.lost.rack, site.other.rack]
    assert (await site.kinds())[0] == "rack.found"
    await link(pool, site.worker, "rack1", site.lost.system_id)
    assert (await site.kinds()).count("rack.found") == 1


@asynchronous
async def test_it_comes_back_in_a_rush(pool: Pool) -> None:
    """It is not among those of which nothing but a link is news."""
    site = await make_site(pool)
    arrival = Arrival(Introduction("rack1", "0.1.0", site.lost.system_id), "192.0.2.9:1")
    await site.declare()
    assert await pool.run(lambda tx: register_returning(tx, [arrival], site.worker.id)) == (None,)
    await link(pool, site.worker, "rack1", site.lost.system_id)
    (back,) = await pool.run(lambda tx: register_returning(tx, [arrival], site.worker.id))
    assert back is not None


@asynchronous
async def test_its_link_was_alive(pool: Pool) -> None:
    """A worker that comes back to the database brings it along."""
    site = await make_site(pool)
    await site.declare()
    remote = "192.0.2.9:1"
    assert await pool.run(lambda tx: relink(tx, site.lost.system_id, site.worker.id, remote))
    assert await site.counted() == [site.lost.rack, site.other.rack]
    assert (await site.kinds())[0] == "rack.found"
