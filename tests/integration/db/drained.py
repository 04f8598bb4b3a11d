"""A region with two workers and a rack, some of which are drained: for tests of drains."""

from __future__ import annotations

from maasha.db.drains import DrainId, Place, begin_drain, region_named
from maasha.db.pool import Pool
from maasha.db.racks import Registered
from maasha.model.cluster import SystemId
from tests.integration.db.cluster import Worker, found, hire, link

WHO = "user:admin"
HOUR = 3600.0


async def region_key(pool: Pool, region: SystemId) -> int:
    """Give the row of a region."""
    named = await pool.run(lambda tx: region_named(tx, region))
    assert named is not None
    return named.key


async def a_drain(
    pool: Pool, place: Place, seconds: float = HOUR, *, keep: bool = False
) -> DrainId:
    """Drain something."""
    return await pool.run(lambda tx: begin_drain(tx, WHO, place, seconds, keep=keep))


async def small(pool: Pool) -> tuple[int, Worker, Worker, Registered]:
    """Make a region with two workers and a rack that has a link to each."""
    region = await found(pool)
    first, second = await hire(pool, region, 0), await hire(pool, region, 1)
    rack = await link(pool, first, "rack1")
    await link(pool, second, "rack1", rack.system_id)
    return await region_key(pool, region), first, second, rack
