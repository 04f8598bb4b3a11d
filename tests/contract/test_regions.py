"""Regions and workers: registration, heartbeats, the reaping of the dead, and coming back."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults

from maasha.db.drains import Place, begin_drain, drains, end_drain, region_named
from maasha.db.events import history
from maasha.db.ownership import owned_by
from maasha.db.placement import read_placement
from maasha.db.pool import Pool
from maasha.db.racks import relink
from maasha.db.regions import (
    HostnameTaken,
    Identity,
    Superseded,
    begin_leaving,
    event_loops,
    gives_way,
    heartbeat,
    publish_endpoints,
    reap_dead,
    register_region,
    register_worker,
    reinsert_worker,
    unregister_worker,
    workers,
)
from maasha.db.transaction import Transaction
from maasha.model.cluster import SYSTEM_ID_ALPHABET, Endpoint, EventLoop, SystemId, WorkerId
from maasha.model.placement import Rack
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    CAPACITY,
    LINKS,
    NO_WORKERS,
    Worker,
    aside,
    count,
    found,
    hire,
    link,
    silence,
    staff,
)

ENDPOINTS = (Endpoint("192.0.2.1", 5250), Endpoint("2001:db8::1", 5250))


async def alive(pool: Pool) -> set[WorkerId]:
    """Give the ids of the workers that live."""
    return {worker.id for worker in await pool.run(workers)}


@asynchronous
async def test_region(pool: Pool) -> None:
    """A region keeps its system id, also when its workers register it all at once."""
    made = await gatherResults(
        [
            Deferred.fromCoroutine(pool.run(lambda tx: register_region(tx, "region1", "0.1.0")))
            for _ in range(4)
        ]
    )
    assert len(set(made)) == 1
    assert len(made[0]) == 6
    assert set(made[0]) <= set(SYSTEM_ID_ALPHABET)


@asynchronous
async def test_taken_id(pool: Pool) -> None:
    """A system id that a controller has is not given to another."""
    await pool.run(lambda tx: register_region(tx, "region1", "0.1.0", choose=lambda _: "a"))
    choices = iter("aaaaaabbbbbb")
    second = await pool.run(
        lambda tx: register_region(tx, "region2", "0.1.0", choose=lambda _: next(choices))
    )
    assert second == "bbbbbb"


@asynchronous
async def test_successor(pool: Pool) -> None:
    """A new process takes its slot's row with a higher epoch; the old one's heartbeat fails."""
    region = await found(pool)
    old = await hire(pool, region, 0)
    other = await hire(pool, region, 1)
    assert await pool.run(lambda tx: heartbeat(tx, old.id, old.epoch))
    new = await hire(pool, region, 0)
    assert new.epoch > old.epoch
    assert not await pool.run(lambda tx: heartbeat(tx, old.id, old.epoch))
    assert not await pool.run(lambda tx: publish_endpoints(tx, old.id, old.epoch, ENDPOINTS))
    assert await alive(pool) == {new.id, other.id}


@asynchronous
async def test_event_loops(pool: Pool) -> None:
    """Racks find the living workers that have said where they listen."""
    region = await found(pool)
    here, silent = await hire(pool, region, 0), await hire(pool, region, 1)
    assert await pool.run(event_loops) == ()
    for worker in (here, silent):
        assert await pool.run(
            partial(publish_endpoints, worker=worker.id, epoch=worker.epoch, endpoints=ENDPOINTS)
        )
    await silence(pool, silent)
    assert await pool.run(event_loops) == (EventLoop("region1:pid=100", ENDPOINTS),)
    assert {row.endpoints for row in await pool.run(workers)} == {ENDPOINTS}


async def drained(pool: Pool, region: SystemId, slot: int | None = None) -> None:
    """Drain a region or one of its slots."""
    named = await pool.run(lambda tx: region_named(tx, region))
    assert named is not None
    place = Place(region=named.key, slot=slot)
    await pool.run(lambda tx: begin_drain(tx, "user:a", place, 60.0, keep=False))


async def open_for_links(pool: Pool) -> dict[str, float]:
    """Give the workers that racks are told of, with their loads."""
    return {one.name: one.load for one in await pool.run(event_loops)}


async def two_workers(pool: Pool) -> tuple[SystemId, Worker, Worker]:
    """Make a region with two workers that racks reach."""
    region = await found(pool)
    crew = await hire(pool, region, 0), await hire(pool, region, 1)
    for worker in crew:
        assert await pool.run(
            partial(publish_endpoints, worker=worker.id, epoch=worker.epoch, endpoints=ENDPOINTS)
        )
    return region, *crew


@asynchronous
async def test_loads_are_told(pool: Pool) -> None:
    """They are links by capacity: racks choose the emptier one of two."""
    _, first, second = await two_workers(pool)
    rack = await link(pool, first, "rack1")
    for worker, name in ((second, "rack1"), (second, "rack2"), (second, "rack3")):
        await link(pool, worker, name, rack.system_id if name == "rack1" else None)
    await aside(pool, CAPACITY, 2.0, second.id)
    assert await open_for_links(pool) == {"region1:pid=100": 1.0, "region1:pid=101": 1.5}


@asynchronous
async def test_drained_workers_are_not_told(pool: Pool) -> None:
    """As long as there are others; where all are drained, racks find all of them."""
    region, first, _ = await two_workers(pool)
    await drained(pool, region, 1)
    assert set(await open_for_links(pool)) == {"region1:pid=100"}
    await pool.run(lambda tx: begin_leaving(tx, first.id))
    assert set(await open_for_links(pool)) == {"region1:pid=100", "region1:pid=101"}
    (drain,) = await pool.run(drains)
    await pool.run(lambda tx: end_drain(tx, "user:a", drain.id))
    assert set(await open_for_links(pool)) == {"region1:pid=101"}


@asynchronous
async def test_who_gives_way(pool: Pool) -> None:
    """A worker that leaves or is drained does, where another one lives that is not."""
    region, first, second = await two_workers(pool)

    async def way() -> tuple[bool, bool]:
        return (
            await pool.run(lambda tx: gives_way(tx, first.id)),
            await pool.run(lambda tx: gives_way(tx, second.id)),
        )

    assert await way() == (False, False)
    await pool.run(lambda tx: begin_leaving(tx, first.id))
    assert await way() == (True, False)
    await silence(pool, second)
    assert await way() == (False, False)
    await silence(pool, second, -60.0)
    await drained(pool, region, 1)
    assert await way() == (False, False)
    assert not await pool.run(lambda tx: gives_way(tx, WorkerId(99)))


@asynchronous
async def test_a_drained_region_gives_way_to_another(pool: Pool) -> None:
    """All its workers do."""
    region, first, second = await two_workers(pool)
    other = await pool.run(lambda tx: register_region(tx, "region2", "0.1.0"))
    await drained(pool, region)
    await hire(pool, other, 1)
    assert not await pool.run(partial(gives_way, worker=first.id)), "it does not listen yet"
    await staff(pool, other, 1)
    for worker in (first, second):
        assert await pool.run(partial(gives_way, worker=worker.id))


@asynchronous
async def test_a_new_process_does_not_leave(pool: Pool) -> None:
    """Only the one that said so does; its successor in the slot is open."""
    region, first, second = await two_workers(pool)
    await pool.run(lambda tx: begin_leaving(tx, first.id))
    again = await hire(pool, region, 0)
    assert not await pool.run(lambda tx: gives_way(tx, again.id))
    assert await alive(pool) == {again.id, second.id}


@asynchronous
async def test_unregister(pool: Pool) -> None:
    """A worker that ends in good order leaves no row; one of another epoch is left alone."""
    worker = await hire(pool, await found(pool), 0)
    await pool.run(lambda tx: unregister_worker(tx, worker.id, worker.epoch.next()))
    assert await alive(pool) == {worker.id}
    await pool.run(lambda tx: unregister_worker(tx, worker.id, worker.epoch))
    assert await alive(pool) == set()


@asynchronous
async def test_reaped(pool: Pool) -> None:
    """A worker silent for longer than its time to live goes, with its links; its rack has none."""
    region = await found(pool)
    me, dead = await hire(pool, region, 0), await hire(pool, region, 1)
    rack = await link(pool, dead, "rack1")
    assert await pool.run(lambda tx: reap_dead(tx, 8.0, me.id)) == ()
    await silence(pool, dead)
    await silence(pool, me)
    reaped = await pool.run(lambda tx: reap_dead(tx, 8.0, me.id))
    assert [row.id for row in reaped] == [dead.id]
    (left,) = (await pool.run(read_placement)).placement.racks
    assert left == Rack(rack.rack, None)
    assert await count(pool, LINKS) == 0
    assert (await pool.run(history))[0].kind == "worker.dead"


async def come_back(pool: Pool, worker: Worker) -> tuple[WorkerId, Stamp]:
    """Write a worker's row anew."""
    return await pool.run(lambda tx: reinsert_worker(tx, worker.identity, worker.id, worker.epoch))


@asynchronous
async def test_reinserted(pool: Pool) -> None:
    """A living worker whose row has gone gets it back with its id, links and a higher epoch."""
    region = await found(pool)
    worker = await hire(pool, region, 0)
    rack = await link(pool, worker, "rack1")
    await aside(pool, NO_WORKERS)

    async def work(tx: Transaction) -> None:
        again, epoch = await reinsert_worker(tx, worker.identity, worker.id, worker.epoch)
        assert again == worker.id
        assert epoch > worker.epoch
        linked = await relink(tx, rack.system_id, again, "192.0.2.9:40000")
        assert linked is not None
        assert linked.owner is not None
        assert rack.owner is not None
        assert linked.owner.epoch > rack.owner.epoch
        assert await relink(tx, SystemId("cccccc"), again, "192.0.2.9:1") is None
        assert await heartbeat(tx, again, epoch)

    await pool.run(work)
    assert [owned.rack for owned in await pool.run(lambda tx: owned_by(tx, worker.id))] == [
        rack.rack
    ]
    assert (await hire(pool, region, 5)).id > worker.id


@asynchronous
async def test_restored_row(pool: Pool) -> None:
    """A row of its own with an older epoch, from a restored dump, is replaced."""
    worker = await hire(pool, await found(pool), 0)
    newer = evolve(worker, epoch=Stamp(1, worker.epoch.counter + 7))
    again, epoch = await come_back(pool, newer)
    assert again == worker.id
    assert epoch != worker.epoch


@asynchronous
async def test_another_host_of_the_same_name(pool: Pool) -> None:
    """It is refused with both sides named, as long as the first one's worker lives."""
    region = await found(pool)
    worker = await hire(pool, region, 0, host="first")
    with pytest.raises(HostnameTaken, match=r"another host named region1 .* process 100"):
        await hire(pool, region, 0, pid=200, host="copy")
    await silence(pool, worker)
    assert (await hire(pool, region, 0, pid=200, host="copy")).id != worker.id


@asynchronous
async def test_superseded(pool: Pool) -> None:
    """A worker whose slot has a newer process does not come back; an older one's row it takes."""
    region = await found(pool)
    old = await hire(pool, region, 0)
    new = await hire(pool, region, 0)
    with pytest.raises(Superseded, match="this one ends"):
        await come_back(pool, old)
    stale = Identity(region, 1, 300, uuid4(), "boot")
    await pool.run(lambda tx: register_worker(tx, stale))
    later = Worker(Identity(region, 1, 301, uuid4(), "boot"), new.id, Stamp(9, 1))
    again, _ = await come_back(pool, later)
    assert again != new.id
    assert {row.pid for row in await pool.run(workers)} == {100, 301}
