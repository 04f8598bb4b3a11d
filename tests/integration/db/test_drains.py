"""What is drained and what is paused: begun, seen, expired, undone, and told in the history."""

from __future__ import annotations

import pytest

from maasha.db.drains import (
    DrainView,
    Place,
    drains,
)
from maasha.db.errors import ConstraintViolation
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    NO_LINKS,
    aside,
)
from tests.integration.db.drained import a_drain, small


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
