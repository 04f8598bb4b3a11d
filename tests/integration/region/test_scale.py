"""A thousand VLANs that stay as they are cost a worker and the leader little."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from maasha.balancer.brakes import FREE
from maasha.db.openings import read_openings
from maasha.db.watches import read_spots, read_vacancies
from maasha.region.appointing import Appointing
from tests.asynchronous import asynchronous
from tests.integration.db.trunk import Trunk, make_trunk
from tests.integration.region.at_rest import WatchedPool

VLANS, RACKS = 1000, 50
PLENTY = 1.0
"""Seconds of this process for one look; it was five, and the leader's transaction was ended."""
APART = 10.0
"""Seconds between clocks: too many for a pair."""


async def timed(what: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do it, print what it took, and see that this process had little to do."""
    wall, own = time.perf_counter(), time.process_time()
    await work()
    wall, own = time.perf_counter() - wall, time.process_time() - own
    print(f"{what}: {1000 * wall:.0f} ms, {1000 * own:.0f} ms of them in this process")
    assert own < PLENTY


async def looks(pool: WatchedPool, trunk: Trunk, what: str) -> None:
    """Look at roles, and at who could look out for whom."""
    await trunk.do("update worker set heartbeat = clock_timestamp()")
    await timed(f"roles, {what}", lambda: Appointing(pool.run).look(FREE))
    await timed(f"watches, {what}", lambda: pool.run(read_vacancies))


@asynchronous
async def test_many_vlans(pool: WatchedPool) -> None:
    """Whether pairs serve them, or no rack is fit for the second place of any."""
    trunk = await make_trunk(pool, VLANS, RACKS)
    await looks(pool, trunk, "nothing known")
    await trunk.meet(APART)
    await looks(pool, trunk, "nobody fit")
    assert await pool.run(lambda tx: read_openings(tx, 30.0, 5.0)) == ()
    places = [(vlan, rack) for vlan in trunk.vlans[:32] for rack in trunk.racks[:17]]
    await timed("a page of addresses", lambda: pool.run(lambda tx: read_spots(tx, places)))
    await trunk.do("update sighting set clock_offset = 0")
    await trunk.do("update worker set heartbeat = clock_timestamp()")
    await Appointing(pool.run).look(FREE)
    free = "select count(*) from vlan where secondary_rack is null"
    assert await pool.run(lambda tx: tx.value(free)) == 0
    await looks(pool, trunk, "pairs everywhere")
