"""Racks that were ours: seen, readmitted under their own name, or turned away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.db.events import history
from maasha.db.pool import Pool
from maasha.db.racks import RackDeleted, RackForgotten, Registered, register_link
from maasha.db.strays import HostnameHeld, note_stray, readmit, strays, turn_away
from maasha.db.transaction import Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import Introduction, RackKey, SystemId
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import Worker, found, hire, link

NAME = SystemId("abc346")
LOST = Introduction("rack1", "0.1.0", NAME, epoch=Stamp(1, 7), generation=Stamp(1, 4))
WHO = "user:admin"
WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
Settle = Callable[[Transaction, str, SystemId], Awaitable[bool]]


async def seen(pool: Pool, introduction: Introduction = LOST) -> None:
    """Have the rack come once."""
    await pool.run(lambda tx: note_stray(tx, introduction, "192.0.2.9:40000"))


async def come(pool: Pool, worker: Worker, introduction: Introduction = LOST) -> Registered:
    """Have a rack register that has proved its key."""
    return await pool.run(
        lambda tx: register_link(tx, introduction, worker.id, "192.0.2.9:40000", known=True)
    )


async def a_worker(pool: Pool) -> Worker:
    """Make an instance with a worker."""
    return await hire(pool, await found(pool), 0)


async def kept(pool: Pool) -> bool:
    """Whether the only rack keeps what it serves."""
    return bool(await pool.run(lambda tx: tx.value("select kept from rack")))


@asynchronous
async def test_a_rack_without_a_row_is_forgotten(pool: Pool) -> None:
    """By the key alone nobody gets a row; also not that of another rack of the same name."""
    worker = await a_worker(pool)
    with pytest.raises(RackForgotten):
        await come(pool, worker)
    await link(pool, worker, "rack2")
    with pytest.raises(RackForgotten):
        await come(pool, worker, evolve(LOST, hostname="rack2"))
    assert await pool.run(lambda tx: tx.value("select count(*) from rack")) == 1


@asynchronous
async def test_seen_again_and_again(pool: Pool) -> None:
    """The first time is an event, the last one is on record with what the rack said."""
    await seen(pool)
    await seen(pool, evolve(LOST, hostname="rack9", serving=False))
    (stray,) = await pool.run(strays)
    assert (stray.system_id, stray.hostname, stray.serving) == (NAME, "rack9", False)
    assert stray.first_seen < stray.last_seen
    assert [event.kind for event in await pool.run(history)] == ["rack.unknown"]


@asynchronous
async def test_readmitted(pool: Pool) -> None:
    """It gets in under its name; what it serves it keeps until something is wanted of it."""
    worker = await a_worker(pool)
    await seen(pool)
    assert await pool.run(lambda tx: readmit(tx, WHO, NAME))
    assert await pool.run(strays) == ()
    rack = await come(pool, worker)
    assert rack.system_id == NAME
    assert await kept(pool)
    await pool.run(lambda tx: raise_wanted(tx, [RackKey(rack.rack)]))
    assert not await kept(pool)
    kinds = {event.kind: event.who for event in await pool.run(history)}
    assert kinds["rack.readmitted"] == WHO


@pytest.mark.parametrize("settle", [readmit, turn_away])
@asynchronous
async def test_what_is_settled_is_not_opened_again(pool: Pool, settle: Settle) -> None:
    """A worker may have refused the rack before, and write that down only now."""
    await seen(pool)
    assert await pool.run(lambda tx: settle(tx, WHO, NAME))
    await seen(pool)
    assert await pool.run(strays) == ()


@asynchronous
async def test_whoever_sees_a_rack_waits_for_its_readmission(pool: Pool) -> None:
    """Both at the same time end as the one after the other."""
    await seen(pool)
    waiting: list[Deferred[None]] = []

    async def readmitted(tx: Transaction) -> None:
        assert await readmit(tx, WHO, NAME)
        waiting.append(Deferred.fromCoroutine(seen(pool)))
        while not await pool.run(lambda other: other.value(WAITS)):
            pass

    await pool.run(readmitted)
    await waiting[0]
    assert await pool.run(strays) == ()


@asynchronous
async def test_one_that_serves_nothing_keeps_nothing(pool: Pool) -> None:
    """The next plan is carried out at once."""
    await seen(pool, evolve(LOST, serving=False))
    await pool.run(lambda tx: readmit(tx, WHO, NAME))
    assert not await kept(pool)


@asynchronous
async def test_nobody_is_readmitted_who_was_not_seen(pool: Pool) -> None:
    """Without its key a name is nothing."""
    assert not await pool.run(lambda tx: readmit(tx, WHO, NAME))
    assert not await pool.run(lambda tx: turn_away(tx, WHO, NAME))


@asynchronous
async def test_a_name_that_another_rack_has(pool: Pool) -> None:
    """The message names the other rack, and the stray stays on record."""
    worker = await a_worker(pool)
    other = await link(pool, worker, "rack1")
    await seen(pool)
    with pytest.raises(HostnameHeld, match=other.system_id):
        await pool.run(lambda tx: readmit(tx, WHO, NAME))
    assert len(await pool.run(strays)) == 1


@asynchronous
async def test_turned_away(pool: Pool) -> None:
    """A tombstone is left: when it comes again it hears that it was deleted."""
    worker = await a_worker(pool)
    await seen(pool)
    assert await pool.run(lambda tx: turn_away(tx, WHO, NAME))
    assert await pool.run(strays) == ()
    with pytest.raises(RackDeleted):
        await come(pool, worker)


@asynchronous
async def test_one_that_joins_again_is_no_stray(pool: Pool) -> None:
    """The shared secret lets it in under its old name."""
    worker = await a_worker(pool)
    await seen(pool)
    await link(pool, worker, "rack1", NAME)
    assert await pool.run(strays) == ()
