"""Regions and workers: registration, heartbeats, the reaping of the dead, and coming back."""

from __future__ import annotations

from maasha.db.pool import Pool
from maasha.db.regions import (
    reap_dead,
    reinsert_worker,
)
from maasha.db.transaction import Transaction
from maasha.model.cluster import Endpoint, WorkerId
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    Worker,
    found,
    hire,
    silence,
)

ENDPOINTS = (Endpoint("192.0.2.1", 5250), Endpoint("2001:db8::1", 5250))


@asynchronous
async def test_two_reapers(pool: Pool) -> None:
    """Of two reapers at once the second leaves to the first what it holds, without waiting."""
    region = await found(pool)
    me, you = await hire(pool, region, 0), await hire(pool, region, 1)
    dead = await hire(pool, region, 2)
    await silence(pool, dead)

    async def work(tx: Transaction) -> None:
        assert len(await reap_dead(tx, 8.0, me.id)) == 1
        assert await pool.run(lambda other: reap_dead(other, 8.0, you.id)) == ()

    await pool.run(work)


async def come_back(pool: Pool, worker: Worker) -> tuple[WorkerId, Stamp]:
    """Write a worker's row anew."""
    return await pool.run(lambda tx: reinsert_worker(tx, worker.identity, worker.id, worker.epoch))


@asynchronous
async def test_taken_number(pool: Pool) -> None:
    """If another process has its id meanwhile, a worker that comes back gets a new one."""
    region = await found(pool)
    worker = await hire(pool, region, 0)
    await pool.run(lambda tx: tx.execute("delete from worker"))
    await pool.run(lambda tx: tx.execute("alter sequence worker_id_seq restart with 1"))
    other = await hire(pool, region, 1)
    assert other.id == worker.id
    again, _ = await come_back(pool, worker)
    assert again != worker.id
