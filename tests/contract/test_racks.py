"""Racks and links: who a rack is taken for, and who acts for it."""

from __future__ import annotations

from functools import partial

import pytest
from twisted.internet.defer import Deferred, gatherResults

from maasha.db.drains import rack_named
from maasha.db.ownership import Vacancy, claim, claimable, owned_by, release, still_owns
from maasha.db.pool import Pool
from maasha.db.racks import (
    BY_ID,
    RackCloned,
    RackDeleted,
    RackNameTaken,
    WorkerGone,
    delete_rack,
    drop_links,
    register_link,
    relink,
)
from maasha.db.regions import reap_dead
from maasha.model.cluster import Introduction, Ownership, SystemId, WorkerId
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import RACKS, Worker, count, found, hire, link, silence


async def two_workers(pool: Pool) -> tuple[Worker, Worker]:
    """Make a region with two workers."""
    region = await found(pool)
    return await hire(pool, region, 0), await hire(pool, region, 1)


@asynchronous
async def test_first_and_second_link(pool: Pool) -> None:
    """The first link's worker owns the rack; the second link is known by the system id."""
    one, two = await two_workers(pool)
    first = await link(pool, one, "rack1")
    second = await link(pool, two, "rack1", first.system_id)
    assert (second.rack, second.owner) == (first.rack, first.owner)
    assert first.owner == Ownership(one.id, Stamp(1, 1))
    assert second.link != first.link


@asynchronous
async def test_by_name(pool: Pool) -> None:
    """A rack that lost its system id is known by its name again, once nobody is linked under it."""
    one, _ = await two_workers(pool)
    first = await link(pool, one, "rack1")
    with pytest.raises(RackNameTaken, match="another name"):
        await link(pool, one, "rack1")
    await pool.run(lambda tx: drop_links(tx, [first.link]))
    assert (await link(pool, one, "rack1")).system_id == first.system_id


@asynchronous
async def test_stale_link(pool: Pool) -> None:
    """A link that a dead worker left behind does not keep a name."""
    one, two = await two_workers(pool)
    first = await link(pool, one, "rack1")
    await silence(pool, one)
    assert (await link(pool, two, "rack1")).system_id == first.system_id


@asynchronous
async def test_renamed(pool: Pool) -> None:
    """A rack may change its name, but not to another's and not while it is linked."""
    one, _ = await two_workers(pool)
    first = await link(pool, one, "rack1")
    await link(pool, one, "rack2")
    with pytest.raises(RackCloned, match="copy"):
        await link(pool, one, "rack3", first.system_id)
    await pool.run(lambda tx: drop_links(tx, [first.link]))
    with pytest.raises(RackNameTaken):
        await link(pool, one, "rack2", first.system_id)
    renamed = await link(pool, one, "rack3", first.system_id)
    assert renamed.rack == first.rack
    held = await pool.run(lambda tx: rack_named(tx, first.system_id))
    assert held is not None
    assert held.hostname == "rack3"


@asynchronous
async def test_forgotten(pool: Pool) -> None:
    """A rack that a restored database does not know keeps its id, and the incarnation rises."""
    one, _ = await two_workers(pool)
    back = await link(
        pool, one, "rack1", SystemId("abc467"), epoch=Stamp(1, 40), generation=Stamp(1, 7)
    )
    assert back.system_id == "abc467"
    assert back.owner is not None
    assert back.owner.epoch > Stamp(1, 40)
    odd = await link(pool, one, "rack2", SystemId("not-one"))
    assert odd.system_id != "not-one"


@asynchronous
async def test_seen_more(pool: Pool) -> None:
    """A rack that runs a generation which the database never gave out raises the incarnation."""
    one, two = await two_workers(pool)
    first = await link(pool, one, "rack1")
    again = await link(pool, two, "rack1", first.system_id, generation=Stamp(1, 99))
    assert again.owner == Ownership(two.id, Stamp(2, 3))
    row = await pool.run(lambda tx: tx.one(BY_ID, first.system_id))
    assert row is not None
    assert Stamp(row.wanted_incarnation, row.wanted_counter) > Stamp(1, 99)


@asynchronous
async def test_deleted(pool: Pool) -> None:
    """A deleted rack has no links and no owner, is refused, and its name is free."""
    one, _ = await two_workers(pool)
    first = await link(pool, one, "rack1")
    assert await pool.run(lambda tx: delete_rack(tx, "user:admin", first.system_id)) == first.rack
    assert await pool.run(lambda tx: delete_rack(tx, "user:admin", first.system_id)) is None
    with pytest.raises(RackDeleted, match="register"):
        await link(pool, one, "rack1", first.system_id)
    assert await pool.run(lambda tx: relink(tx, first.system_id, one.id, "x")) is None
    assert await pool.run(lambda tx: claim(tx, first.rack, None, one.id)) is None
    anew = await link(pool, one, "rack1")
    assert anew.system_id != first.system_id


@asynchronous
async def test_worker_gone(pool: Pool) -> None:
    """A worker without a row registers no link."""
    await found(pool)
    introduction = Introduction("rack1", "0.1.0")
    with pytest.raises(WorkerGone):
        await pool.run(lambda tx: register_link(tx, introduction, WorkerId(99), "x"))


@asynchronous
async def test_dropped(pool: Pool) -> None:
    """When the owner's last link goes the rack has no owner; another worker claims it."""
    one, two = await two_workers(pool)
    first = await link(pool, one, "rack1")
    spare = await link(pool, one, "rack1", first.system_id)
    second = await link(pool, two, "rack1", first.system_id)
    assert await pool.run(lambda tx: drop_links(tx, [spare.link])) == (first.rack,)
    assert await pool.run(lambda tx: drop_links(tx, [spare.link])) == ()
    assert await pool.run(lambda tx: claimable(tx, two.id)) == ()
    await pool.run(lambda tx: drop_links(tx, [first.link]))
    assert await pool.run(lambda tx: claimable(tx, one.id)) == ()
    assert await pool.run(lambda tx: claimable(tx, two.id)) == (Vacancy(first.rack, None),)
    claimed = await pool.run(lambda tx: claim(tx, first.rack, None, two.id))
    assert claimed == Ownership(two.id, Stamp(1, 3))
    assert await pool.run(lambda tx: release(tx, [second.rack])) == 0


@asynchronous
async def test_owner_died(pool: Pool) -> None:
    """A rack whose owner was reaped is claimed by a worker that it has a link to."""
    one, two = await two_workers(pool)
    first = await link(pool, one, "rack1")
    await link(pool, two, "rack1", first.system_id)
    await silence(pool, one)
    await pool.run(lambda tx: reap_dead(tx, 8.0, two.id))
    claimed = await pool.run(lambda tx: claim(tx, first.rack, first.owner, two.id))
    assert claimed is not None
    assert first.owner is not None
    assert claimed.epoch > first.owner.epoch


@asynchronous
async def test_lost_owner(pool: Pool) -> None:
    """A rack that lost its link to the owner gets another, though the owner's row stands."""
    one, two = await two_workers(pool)
    first = await link(pool, one, "rack1")
    assert first.owner is not None
    assert await pool.run(lambda tx: claim(tx, first.rack, first.owner, two.id)) is None
    await link(pool, two, "rack1", first.system_id)
    old = Ownership(one.id, Stamp(1, 99))
    assert await pool.run(lambda tx: claim(tx, first.rack, old, two.id)) is None
    claimed = await pool.run(lambda tx: claim(tx, first.rack, first.owner, two.id))
    assert claimed == Ownership(two.id, Stamp(1, 2))
    (owned,) = await pool.run(lambda tx: owned_by(tx, two.id))
    assert (owned.system_id, owned.ownership) == (first.system_id, claimed)
    assert await pool.run(lambda tx: still_owns(tx, first.rack, owned.ownership))
    assert not await pool.run(lambda tx: still_owns(tx, first.rack, old))


@asynchronous
async def test_claim_race(pool: Pool) -> None:
    """Of workers that claim the same loss at the same moment exactly one wins, every time."""
    region = await found(pool)
    team = [await hire(pool, region, slot) for slot in range(3)]
    first = await link(pool, team[0], "rack1")
    for worker in team[1:]:
        await link(pool, worker, "rack1", first.system_id)
    owner = first.owner
    for _ in range(10):
        results = await gatherResults(
            [
                Deferred.fromCoroutine(
                    pool.run(partial(claim, rack=first.rack, lost=owner, worker=worker.id))
                )
                for worker in team
            ]
        )
        winners = [result for result in results if result is not None]
        assert len(winners) == 1
        assert owner is not None
        assert winners[0].epoch == owner.epoch.next()
        owner = winners[0]


@asynchronous
async def test_register_race(pool: Pool) -> None:
    """Two first links at the same moment make one rack; the second is told to come later."""
    one, two = await two_workers(pool)
    results = await gatherResults(
        [
            Deferred.fromCoroutine(link(pool, worker, "rack1")).addErrback(
                lambda failure: failure.trap(RackNameTaken)
            )
            for worker in (one, two)
        ]
    )
    assert results.count(RackNameTaken) == 1
    assert await count(pool, RACKS) == 1
