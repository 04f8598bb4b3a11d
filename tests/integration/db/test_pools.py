"""What racks can still hand out, as they tell it, and how fast that changes."""

from __future__ import annotations

import pytest
from attrs import evolve

from maasha.db.pool import Pool
from maasha.db.pools import dynamic_addresses, store_counts
from maasha.db.standing import Seen, read_standing
from maasha.model.cluster import RackKey
from maasha.model.dhcp import VlanService
from maasha.model.network import VlanId
from maasha.model.pools import NO_FLOW, PoolCount
from tests.asynchronous import asynchronous
from tests.integration.db.test_services import (
    INTERRUPTED,
    NORMAL,
    PRIMARY,
    Pair,
    make_pair,
    report,
)

PAST = "update pool_count set told = told - make_interval(secs => %s)"


async def tell(pool: Pool, rack: RackKey, *counts: PoolCount) -> None:
    """Have a rack tell its counts."""
    await pool.run(lambda tx: store_counts(tx, rack, counts))


async def standing(pool: Pool) -> Seen:
    """Read how the VLANs stand."""
    return await pool.run(read_standing)


def count(pair: Pair, arrivals: int = 0, returns: int = 0, *, active: int = 3) -> PoolCount:
    """Give counts of the pair's VLAN."""
    return PoolCount(pair.vlan, 50, 25, 20, active, 1, 1, arrivals, returns)


@asynchronous
async def test_counts_are_read_as_they_were_told(pool: Pool) -> None:
    """The last word of each rack; who tells for the first time has no rate yet."""
    pair = await make_pair(pool)
    await tell(pool, pair.one.rack, count(pair, 1000, 900), count(pair, 1000, 900, active=4))
    (vlan,) = (await standing(pool)).vlans
    one, two = vlan.members
    assert (one.count, two.count) == (count(pair, 1000, 900, active=4), None)
    assert one.counted is not None
    assert one.flow.arrivals == 0.0
    assert two.flow == NO_FLOW


@asynchronous
async def test_what_came_since_makes_a_rate(pool: Pool) -> None:
    """A rack that began anew counts from nothing again; what is old fades while nothing is told."""
    pair = await make_pair(pool)
    await tell(pool, pair.one.rack, count(pair, 10, 5))
    await pool.run(lambda tx: tx.execute(PAST, 600))
    await tell(pool, pair.one.rack, count(pair, 40, 10))
    await tell(pool, pair.one.rack, count(pair, 2, 1))
    (vlan,) = (await standing(pool)).vlans
    flow = vlan.members[0].flow
    assert flow.arrivals == pytest.approx(32.0, abs=0.1)
    assert flow.returns == pytest.approx(6.0, abs=0.1)
    await pool.run(lambda tx: tx.execute(PAST, 1800))
    (vlan,) = (await standing(pool)).vlans
    assert vlan.members[0].flow.arrivals == pytest.approx(32 / 2.718, rel=0.05)


@asynchronous
async def test_what_came_back_to_both_says_nothing_of_one(pool: Pool) -> None:
    """With another failover state returns are counted anew; arrivals go on."""
    pair = await make_pair(pool)
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    await tell(pool, pair.one.rack, count(pair))
    await tell(pool, pair.one.rack, count(pair, 30, 10))
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, INTERRUPTED, NORMAL))

    async def flow() -> tuple[int, int]:
        (vlan,) = (await standing(pool)).vlans
        return round(vlan.members[0].flow.arrivals), round(vlan.members[0].flow.returns)

    assert await flow() == (30, 0)
    await tell(pool, pair.one.rack, count(pair, 31, 12))
    assert await flow() == (31, 2)
    await tell(pool, pair.one.rack, count(pair, 31, 13))
    assert await flow() == (31, 3)


@asynchronous
async def test_vlans_that_are_not_named_are_forgotten(pool: Pool) -> None:
    """A rack names all that it serves; one that nobody knows here is left out."""
    pair = await make_pair(pool)
    await tell(pool, pair.one.rack, count(pair), PoolCount(VlanId(999), 1, 1))
    assert await pool.run(lambda tx: tx.value("select count(*) from pool_count")) == 1
    await tell(pool, pair.one.rack)
    assert await pool.run(lambda tx: tx.value("select count(*) from pool_count")) == 0


@asynchronous
async def test_the_addresses_of_ranges_are_counted(pool: Pool) -> None:
    """Those that DHCP may hand out: of managed subnets only."""
    pair = await make_pair(pool)
    assert await pool.run(dynamic_addresses) == {pair.vlan: 50}
    assert await pool.run(lambda tx: dynamic_addresses(tx, pair.vlan)) == {pair.vlan: 50}
    assert await pool.run(lambda tx: dynamic_addresses(tx, VlanId(999))) == {}
    await pool.run(lambda tx: tx.execute("update subnet set managed = false"))
    assert await pool.run(dynamic_addresses) == {}


RELAYED = """
insert into vlan (fabric_id, vid, relay_vlan, endurance_bound)
select fabric_id, 9, id, 48 from vlan returning id
"""


@asynchronous
async def test_a_relayed_vlan_stands_as_its_racks_do(pool: Pool) -> None:
    """They are those of the VLAN that it is relayed to, in their states there, with counts here."""
    pair = await make_pair(pool)
    relayed = VlanId(await pool.run(lambda tx: tx.value(RELAYED)))
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    here = evolve(count(pair, 10, 5), vlan=relayed, free=7)
    await tell(pool, pair.one.rack, count(pair), here)
    home, away = (await standing(pool)).vlans
    assert (away.vlan, away.relay, away.dhcp_on, away.endurance_bound) == (
        relayed,
        pair.vlan,
        True,
        48,
    )
    assert [one.hostname for one in away.members] == ["rack1", "rack2"]
    assert away.members[0].state is NORMAL
    assert away.members[0].count == here
    assert (home.relay, home.members[0].count) == (None, count(pair))
    (only,) = (await pool.run(lambda tx: read_standing(tx, relayed))).vlans
    assert [one.count for one in only.members] == [here, None]


@asynchronous
async def test_returns_to_a_relayed_vlan_count_anew_too(pool: Pool) -> None:
    """The failover state is that of the VLAN that it is relayed to."""
    pair = await make_pair(pool)
    relayed = VlanId(await pool.run(lambda tx: tx.value(RELAYED)))
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    await tell(pool, pair.one.rack, evolve(count(pair), vlan=relayed))
    await tell(pool, pair.one.rack, evolve(count(pair, 30, 10), vlan=relayed))
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, INTERRUPTED, NORMAL))

    async def flow() -> tuple[int, int]:
        (vlan,) = (await pool.run(lambda tx: read_standing(tx, relayed))).vlans
        return round(vlan.members[0].flow.arrivals), round(vlan.members[0].flow.returns)

    assert await flow() == (30, 0)
    await tell(pool, pair.one.rack, evolve(count(pair, 31, 12), vlan=relayed))
    assert await flow() == (31, 2)
