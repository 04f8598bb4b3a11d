"""The leader fills free places by evidence, one act per VLAN and look, and says why."""

from __future__ import annotations

from maasha.balancer.brakes import FREE, Act, NotLeading, Verdict
from maasha.db.events import history
from maasha.db.roles import store_sightings
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.sighting import Sighting
from maasha.region.appointing import Appointing
from tests.asynchronous import asynchronous
from tests.integration.db.site import Site, make_site
from tests.integration.region.at_rest import WatchedPool

HELD = Verdict({Act.ROLE_CHANGE: (NotLeading(),)})


async def places(pool: WatchedPool) -> tuple[RackKey | None, RackKey | None]:
    """Give the VLAN's primary and secondary."""
    row = await pool.run(lambda tx: tx.one("select * from vlan"))
    assert row is not None
    return row.primary_rack, row.secondary_rack


async def meet(pool: WatchedPool, site: Site) -> None:
    """Let the two racks find each other."""
    one, two = (rack.rack for rack in site.racks)

    async def work(tx: Transaction) -> None:
        for rack, peer in ((one, two), (two, one)):
            await store_sightings(tx, rack, [Sighting(site.vlan, peer, 0.0, 0.0, 0.1)])

    await pool.run(work)


@asynchronous
async def test_a_second_rack_is_the_secondary(pool: WatchedPool) -> None:
    """As soon as both have found each other, and not before."""
    site = await make_site(pool)
    one, two = (rack.rack for rack in site.racks)
    appointing = Appointing(pool.run)
    await appointing.look(FREE)
    assert await places(pool) == (one, None)
    await meet(pool, site)
    await appointing.look(HELD)
    assert await places(pool) == (one, None)
    await appointing.look(FREE)
    assert await places(pool) == (one, two)
    event = (await pool.run(history))[0]
    assert (event.who, event.kind) == ("leader", "vlan.roles")
    assert event.detail == "rack2 is the secondary: it and rack1 reach each other"
    seen = len(await pool.run(history))
    await appointing.look(FREE)
    assert len(await pool.run(history)) == seen


@asynchronous
async def test_the_lost_make_room(pool: WatchedPool) -> None:
    """A primary that is lost for good is followed by its secondary, with all addresses."""
    site = await make_site(pool)
    one, two = (rack.rack for rack in site.racks)
    await meet(pool, site)
    appointing = Appointing(pool.run)
    await appointing.look(FREE)
    await pool.run(
        lambda tx: tx.execute("update rack set lost = clock_timestamp() where id = %s", one)
    )
    await appointing.look(FREE)
    assert await places(pool) == (two, None)
    row = await pool.run(lambda tx: tx.one("select * from vlan"))
    assert row is not None
    assert row.primary_by == ""
