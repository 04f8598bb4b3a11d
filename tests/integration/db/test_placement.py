"""Which racks cover for each other, in what a balancing decision looks at."""

from __future__ import annotations

from maasha.db.placement import Found, read_placement
from maasha.db.pool import Pool
from maasha.db.racks import delete_rack
from maasha.db.transaction import Transaction
from maasha.model.placement import Pair
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, link


async def read(pool: Pool) -> Found:
    """Read the placement."""
    return await pool.run(read_placement)


@asynchronous
async def test_pairs(pool: Pool) -> None:
    """Racks of one VLAN, each pair once; a rack alone is none. A deleted rack is not there."""
    worker = await hire(pool, await found(pool), 0)
    one, two = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")

    async def pair(tx: Transaction) -> None:
        fabric = await tx.value("insert into fabric (name) values ('f') returning id")
        for vid, secondary in ((1, two.rack), (2, two.rack), (3, None)):
            await tx.execute(
                "insert into vlan (fabric_id, vid, primary_rack, secondary_rack)"
                " values (%s, %s, %s, %s)",
                fabric,
                vid,
                one.rack,
                secondary,
            )

    await pool.run(pair)
    assert (await read(pool)).placement.pairs == (Pair(one.rack, two.rack),)
    await pool.run(lambda tx: delete_rack(tx, "user:a", two.system_id))
    assert [rack.key for rack in (await read(pool)).placement.racks] == [one.rack]
    assert {each.rack for each in (await read(pool)).placement.links} == {one.rack}
