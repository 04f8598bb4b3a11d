"""How links fare is written in one statement, which waits for nobody."""

from __future__ import annotations

from maasha.db.overview import LinkView, racks
from maasha.db.pool import Pool
from maasha.db.racks import Registered, drop_links
from maasha.db.round_trips import Fare, note_round_trips
from maasha.db.transaction import Transaction
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, link


async def two_links(pool: Pool) -> tuple[Registered, Registered]:
    """Make a worker with two racks."""
    worker = await hire(pool, await found(pool), 0)
    return await link(pool, worker, "rack1"), await link(pool, worker, "rack2")


async def shown(pool: Pool) -> tuple[LinkView, ...]:
    """Give the links as people see them, by their racks' names."""
    return tuple(link for rack in await pool.run(racks) for link in rack.links)


@asynchronous
async def test_a_new_link_has_none(pool: Pool) -> None:
    """Until its worker notes it."""
    await two_links(pool)
    assert [(one.round_trip, one.deviation) for one in await shown(pool)] == [(None, None)] * 2
    assert not any(one.suspect for one in await shown(pool))


@asynchronous
async def test_all_links_are_noted_at_once(pool: Pool) -> None:
    """Those that are gone meanwhile, and those not measured yet, do no harm."""
    one, two = await two_links(pool)
    await pool.run(lambda tx: drop_links(tx, [one.link]))
    fares = (Fare(one.link, 0.1, 0.1, suspect=False), Fare(two.link, 0.004, 0.002, suspect=True))
    assert await pool.run(lambda tx: note_round_trips(tx, fares)) == 1
    (left,) = await shown(pool)
    assert (left.round_trip, left.deviation, left.suspect) == (0.004, 0.002, True)
    fresh = (Fare(two.link, None, None, suspect=False),)
    assert await pool.run(lambda tx: note_round_trips(tx, fresh)) == 1
    (left,) = await shown(pool)
    assert (left.round_trip, left.deviation, left.suspect) == (None, None, False)


@asynchronous
async def test_nobody_waits_for_a_note(pool: Pool) -> None:
    """A link that is being dropped is passed over; the others are written."""
    one, two = await two_links(pool)
    fares = tuple(Fare(made.link, 0.004, 0.002, suspect=False) for made in (one, two))

    async def meanwhile(tx: Transaction) -> int:
        await tx.execute("select from link where id = %s for update", one.link)
        return await pool.run(lambda other: note_round_trips(other, fares))

    assert await pool.run(meanwhile) == 1
    assert [link.round_trip for link in await shown(pool)] == [None, 0.004]
