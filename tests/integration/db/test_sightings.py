"""What racks know of each other is kept as they last told it, and news wake the leader."""

from __future__ import annotations

import pytest_twisted
from attrs import evolve, frozen
from twisted.internet.base import ReactorBase

from maasha.db.channels import Channel
from maasha.db.connector import Connector
from maasha.db.dedicated import LIMITS, Dedicated
from maasha.db.dsn import DatabaseSettings
from maasha.db.notices import Notices
from maasha.db.pool import Pool
from maasha.db.roles import STALE, store_sightings
from maasha.db.transaction import Row
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Sighting
from tests.asynchronous import asynchronous
from tests.databases import even
from tests.integration.db.cluster import found, hire, interface, link, plug
from tests.integration.db.test_notices import until

KEPT = """
select extract(epoch from clock_timestamp() - probed)::float as probed,
    extract(epoch from clock_timestamp() - reached)::float as reached, clock_offset
from sighting order by vlan_id, rack_id, peer_id
"""
SOON = 5.0
"""Seconds that a statement may take."""


@frozen
class Site:
    """Two racks on a VLAN."""

    pool: Pool
    vlan: VlanId
    here: RackKey
    there: RackKey

    async def tell(self, *sightings: Sighting) -> bool:
        """Let one rack tell."""
        return await self.pool.run(lambda tx: store_sightings(tx, self.here, sightings))

    async def kept(self) -> list[Row]:
        """Give what is kept, with its age now."""
        return await self.pool.run(lambda tx: tx.rows(KEPT))

    def seen(self, probed: float | None = 1.0, reached: float | None = None) -> Sighting:
        """Give what one rack may know of the other."""
        return Sighting(self.vlan, self.there, probed, reached, None if probed is None else 0.25)


@pytest_twisted.async_fixture
async def site(pool: Pool) -> Site:
    """Give one."""
    worker = await hire(pool, await found(pool), 0)
    racks = [await link(pool, worker, hostname) for hostname in ("rack1", "rack2")]
    for number, rack in enumerate(racks, 1):
        await plug(pool, rack, interface("eth1", f"10.0.0.{number}/24"))
    vlan = await pool.run(lambda tx: tx.value("select vlan_id from subnet"))
    return Site(pool, VlanId(vlan), racks[0].rack, racks[1].rack)


@asynchronous
async def test_ages_become_instants(site: Site) -> None:
    """By the database's clock; what is not known is null."""
    await site.tell(site.seen(7.0))
    (row,) = await site.kept()
    assert 7.0 <= row.probed < 7.0 + SOON
    assert (row.reached, row.clock_offset) == (None, 0.25)


@asynchronous
async def test_the_last_word_counts(site: Site) -> None:
    """A rack that began anew knows nothing, and says so."""
    await site.tell(site.seen(), site.seen(2.0, 3.0))
    (row,) = await site.kept()
    assert 3.0 <= row.reached < 3.0 + SOON
    await site.tell(site.seen(None))
    (row,) = await site.kept()
    assert (row.probed, row.reached, row.clock_offset) == (None, None, None)


@asynchronous
async def test_no_evidence_is_from_the_future(site: Site) -> None:
    """Whatever a rack says."""
    await site.tell(site.seen(-3600.0))
    (row,) = await site.kept()
    assert 0.0 <= row.probed < SOON


@asynchronous
async def test_what_is_gone_is_passed_over(site: Site) -> None:
    """A VLAN or a rack that was deleted takes the others' sightings with it nowhere."""
    gone = evolve(site.seen(), vlan=VlanId(99999)), evolve(site.seen(), peer=RackKey(99999))
    assert not await site.tell(*gone)
    assert await site.kept() == []
    assert await site.tell(*gone, site.seen(1.0, 1.0))
    assert len(await site.kept()) == 1


@asynchronous
async def test_nothing_told_is_no_news(site: Site) -> None:
    """And no error."""
    assert not await site.tell()


@asynchronous
async def test_only_what_is_new_is_news(site: Site) -> None:
    """All that there is to know, in place of less or of old evidence; not the same again."""
    assert not await site.tell(site.seen(1.0))
    assert await site.tell(site.seen(1.0, 1.0))
    assert not await site.tell(site.seen(0.5, 0.5))
    assert not await site.tell(site.seen(None))
    assert await site.tell(site.seen(2 * STALE, 2 * STALE))
    assert await site.tell(site.seen(0.0, 0.0))


@asynchronous
async def test_news_wake_the_leader(
    site: Site, reactor: ReactorBase, database: DatabaseSettings
) -> None:
    """What is no news does not."""
    connector = Connector(reactor, database, LIMITS, program="dedicated")
    dedicated = Dedicated(reactor, connector, jitter=even, interval=0.2)
    heard: list[str] = []
    Notices(dedicated).subscribe(Channel.PLACEMENT, heard.append)
    dedicated.start()
    try:
        await until(reactor, lambda: heard == [""])
        for sighting in (site.seen(1.0), site.seen(0.5, 0.5), site.seen(0.2, 0.2)):
            await site.tell(sighting)
        await until(reactor, lambda: len(heard) == 2)
        await site.tell(site.seen(None))
        await site.tell(site.seen(0.0, 0.0))
        await until(reactor, lambda: len(heard) == 3)
    finally:
        await dedicated.stop()
