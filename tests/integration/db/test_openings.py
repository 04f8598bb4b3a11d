"""VLANs in which something may be done without a hand are found, and no others are read."""

from __future__ import annotations

import pytest

from maasha.balancer.brakes import FREE
from maasha.balancer.roles import TERMS, Action, decide_all
from maasha.db.openings import read_openings
from maasha.db.pool import Pool
from maasha.db.roles import read_roles, store_sightings
from maasha.db.transaction import Transaction
from maasha.model.network import VlanId
from maasha.model.sighting import Sighting
from tests.asynchronous import asynchronous
from tests.integration.db.site import Site, make_site
from tests.integration.db.trunk import make_trunk

FIRST = "(select min(id) from rack)"
SECOND = "(select max(id) from rack)"
AWAY = f"update rack set lost = clock_timestamp() where id = {SECOND}"
DRAIN = f"insert into drain (rack_id, by, expires) values ({SECOND}, '', clock_timestamp())"
DRAINS_PRIMARY = DRAIN.replace(SECOND, FIRST)
OLD = "clock_timestamp() - interval '31 seconds'"


async def meet(pool: Pool, site: Site) -> None:
    """Let the two racks find each other."""
    one, two = (rack.rack for rack in site.racks)

    async def work(tx: Transaction) -> None:
        for rack, peer, offset in ((one, two, 0.1), (two, one, None)):
            await store_sightings(tx, rack, [Sighting(site.vlan, peer, 0.0, 0.0, offset)])

    await pool.run(work)


async def acts(pool: Pool) -> tuple[list[VlanId], list[VlanId]]:
    """Give the VLANs that are found, and those in which the rules would act."""
    found = await pool.run(lambda tx: read_openings(tx, TERMS.fresh, TERMS.clocks_apart))
    seen = await pool.run(read_roles)
    decisions = decide_all(seen.vlans, seen.primaries, FREE, seen.now)
    return list(found), [one.vlan for one in decisions if isinstance(one, Action)]


@pytest.mark.parametrize(
    "change",
    [
        "",
        DRAINS_PRIMARY,
        f"update sighting set probed = null where rack_id = {FIRST}",
        "update sighting set clock_offset = -4.9",
        "update vlan set primary_rack = null, primary_by = ''",
        f"update rack set lost = clock_timestamp() where id = {FIRST}",
        f"update vlan set secondary_rack = {SECOND}; {AWAY}",
        f"update vlan set secondary_rack = {SECOND}; {AWAY.replace(SECOND, FIRST)}",
        f"update vlan set secondary_rack = {SECOND}, secondary_by = 'user:admin'; {AWAY}",
    ],
)
@asynchronous
async def test_what_may_be_done_is_found(pool: Pool, change: str) -> None:
    """A fit rack for a free place, and the place of one that is lost for good."""
    site = await make_site(pool)
    await meet(pool, site)
    if change:
        await pool.run(lambda tx: tx.execute(change))
    assert await acts(pool) == ([site.vlan], [site.vlan])


@pytest.mark.parametrize(
    "change",
    [
        "delete from sighting",
        f"delete from sighting where rack_id = {FIRST}",
        f"update sighting set probed = {OLD}",
        f"update sighting set reached = {OLD} where rack_id = {FIRST}",
        f"update sighting set reached = {OLD} where rack_id = {SECOND}",
        f"update sighting set reached = null where rack_id = {SECOND}",
        "update sighting set clock_offset = null",
        f"update sighting set clock_offset = -5 where rack_id = {FIRST}",
        f"update sighting set clock_offset = 5 where rack_id = {SECOND}",
        f"delete from link where rack_id = {FIRST}",
        f"delete from link where rack_id = {SECOND}",
        "update worker set heartbeat = clock_timestamp() - interval '1 minute'",
        AWAY,
        DRAIN,
        "update vlan set ha_auto = false",
        "update vlan set dhcp_on = false",
        "update vlan set secondary_by = 'user:admin'",
        f"update vlan set secondary_rack = {SECOND}",
        "update vlan set primary_rack = null, primary_by = 'user:admin'",
    ],
)
@asynchronous
async def test_where_nothing_would_be_done_nothing_is_read(pool: Pool, change: str) -> None:
    """Whatever keeps the rules from acting."""
    site = await make_site(pool)
    await meet(pool, site)
    await pool.run(lambda tx: tx.execute(change))
    assert await acts(pool) == ([], [])


@asynchronous
async def test_each_vlan_is_judged_by_itself(pool: Pool) -> None:
    """What racks see of each other on one says nothing of another."""
    trunk = await make_trunk(pool, vlans=3, racks=2)
    await trunk.meet()
    await trunk.do("delete from sighting where vlan_id = %s", trunk.vlans[1])
    assert (await acts(pool))[0] == [trunk.vlans[0], trunk.vlans[2]]
