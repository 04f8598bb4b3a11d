"""What is drained and what is paused: begun, seen, expired, undone, and told in the history."""

from __future__ import annotations

import pytest

from maasha.db.drains import (
    DrainId,
    DrainView,
    Place,
    begin_drain,
    drains,
    region_named,
)
from maasha.db.errors import ConstraintViolation
from maasha.db.pool import Pool
from maasha.db.racks import Registered
from maasha.db.transaction import Transaction
from maasha.model.cluster import SystemId
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    NO_LINKS,
    Worker,
    aside,
    found,
    hire,
    link,
)

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


async def the_drains(pool: Pool) -> tuple[DrainView, ...]:
    """Give them."""
    return await pool.run(drains)


@asynchronous
async def test_a_rack_is_drained(pool: Pool) -> None:
    """What is left of it are the VLANs that it serves."""
    _, _, _, rack = await small(pool)
    await a_drain(pool, Place(rack=rack.rack))
    (seen,) = await the_drains(pool)
    assert (seen.what, seen.system_id, seen.remaining, seen.present) == (
        "rack:rack1",
        rack.system_id,
        0,
        True,
    )
    await pool.run(serve_a_vlan)
    assert (await the_drains(pool))[0].remaining == 1
    await aside(pool, NO_LINKS)
    assert not (await the_drains(pool))[0].present


async def serve_a_vlan(tx: Transaction) -> None:
    """Have the only rack run DHCP on one VLAN, and not on another."""
    fabric = await tx.value("insert into fabric (name) values ('f') returning id")
    for vid, duty in ((1, "solo"), (2, "off")):
        vlan = await tx.value(
            "insert into vlan (fabric_id, vid) values (%s, %s) returning id", fabric, vid
        )
        await tx.execute(
            "insert into service (vlan_id, rack_id, asked, running)"
            " select %s, id, %s::jsonb, %s::jsonb from rack",
            vlan,
            f'{{"duty": "{duty}"}}',
            f'{{"duty": "{duty}"}}',
        )


@pytest.mark.parametrize("place", [Place(), Place(slot=1)])
@asynchronous
async def test_a_drain_of_nothing(pool: Pool, place: Place) -> None:
    """It cannot be written."""
    with pytest.raises(ConstraintViolation):
        await a_drain(pool, place)


@asynchronous
async def test_it_goes_with_what_it_drains(pool: Pool) -> None:
    """A rack or region that is removed leaves no drain behind."""
    key, _, _, rack = await small(pool)
    await a_drain(pool, Place(rack=rack.rack))
    await a_drain(pool, Place(region=key))
    await pool.run(lambda tx: tx.execute("delete from rack"))
    await pool.run(lambda tx: tx.execute("delete from region"))
    assert await the_drains(pool) == ()
