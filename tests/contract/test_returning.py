"""Racks that come back as they were are taken in together; whatever is news is left to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve, frozen

from maasha.db.instance import raise_incarnation
from maasha.db.ownership import claim_vacant, owned_by
from maasha.db.pool import Pool
from maasha.db.racks import Registered, WorkerGone, delete_rack
from maasha.db.returning import Arrival, register_returning
from maasha.model.cluster import Introduction, Ownership, SystemId, WorkerId
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    LINKS,
    NO_LINKS,
    Worker,
    aside,
    count,
    found,
    hire,
    interface,
    link,
)


@frozen
class Site:
    """A region's two workers and a rack that was linked to the first one."""

    pool: Pool
    one: Worker
    two: Worker
    rack: Registered

    @property
    def introduction(self) -> Introduction:
        """What the rack says when it comes back as it was."""
        return Introduction("rack1", "0.1.0", self.rack.system_id, lease_store="store")

    async def come(self, *said: Introduction, to: Worker | None = None) -> Sequence[Any]:
        """Have racks come to the second worker, unless told."""
        worker = to or self.two
        arrivals = [Arrival(each, f"192.0.2.9:{number}") for number, each in enumerate(said)]
        return await self.pool.run(lambda tx: register_returning(tx, arrivals, worker.id))

    async def links(self) -> int:
        """Count the links."""
        return await count(self.pool, LINKS)


async def make_site(pool: Pool) -> Site:
    """Make it."""
    region = await found(pool)
    one, two = await hire(pool, region, 0), await hire(pool, region, 1)
    rack = await link(pool, one, "rack1", lease_store="store")
    return Site(pool, one, two, rack)


@asynchronous
async def test_a_second_link(pool: Pool) -> None:
    """The owner that has a link keeps the rack."""
    site = await make_site(pool)
    (back,) = await site.come(site.introduction)
    assert back.owner == site.rack.owner
    assert await site.links() == 2
    (again,) = await site.come(site.introduction, to=site.one)
    assert again.owner == site.rack.owner


@asynchronous
async def test_an_owner_without_a_link(pool: Pool) -> None:
    """It acts on when it has one again: nobody else has acted meanwhile. Else another does."""
    site = await make_site(pool)
    await aside(pool, NO_LINKS)
    (back,) = await site.come(site.introduction, to=site.one)
    assert back.owner == site.rack.owner
    await aside(pool, NO_LINKS)
    (other,) = await site.come(site.introduction)
    assert other.owner == Ownership(site.two.id, Stamp(1, 2))


@asynchronous
async def test_many(pool: Pool) -> None:
    """Each has its link; the answers come in the order of the arrivals."""
    site = await make_site(pool)
    others = [await link(pool, site.one, f"rack{number}") for number in range(2, 9)]
    await aside(pool, NO_LINKS)
    said = [
        Introduction(f"rack{number}", "0.1.0", other.system_id)
        for number, other in enumerate(others, 2)
    ]
    back = await site.come(*reversed(said))
    assert [each.system_id for each in back] == [each.system_id for each in reversed(others)]
    assert {each.owner.worker for each in back} == {site.two.id}
    assert await site.links() == len(said)


@pytest.mark.parametrize(
    "news",
    [
        {"hostname": "rack9"},
        {"lease_store": "another"},
        {"interfaces": (interface("eth0", "10.0.0.1/24"),)},
        {"epoch": Stamp(1, 2)},
        {"generation": Stamp(1, 1)},
        {"system_id": SystemId("abc467")},
    ],
)
@asynchronous
async def test_news(pool: Pool, news: dict[str, object]) -> None:
    """Nothing is written of a rack that is anything else than it was."""
    site = await make_site(pool)
    changed = evolve(site.introduction, **news)  # type: ignore[arg-type]  # any field
    assert await site.come(changed) == (None,)
    assert await site.links() == 1


@asynchronous
async def test_silence_is_no_news(pool: Pool) -> None:
    """A rack that does not name its leases file keeps it."""
    site = await make_site(pool)
    (back,) = await site.come(evolve(site.introduction, lease_store=""))
    assert back is not None


@asynchronous
async def test_deleted(pool: Pool) -> None:
    """A tombstone does not come back."""
    site = await make_site(pool)
    await pool.run(lambda tx: delete_rack(tx, "user:admin", site.rack.system_id))
    assert await site.come(site.introduction) == (None,)


@asynchronous
async def test_twice_in_one_lot(pool: Pool) -> None:
    """The first is taken in, the second is to come alone."""
    site = await make_site(pool)
    first, second = await site.come(site.introduction, site.introduction)
    assert first is not None
    assert second is None


@asynchronous
async def test_all_vacant_racks_at_once(pool: Pool) -> None:
    """Those that the worker has a link to, and nobody can act for."""
    site = await make_site(pool)
    reached = await link(pool, site.two, "rack2")
    await pool.run(lambda tx: raise_incarnation(tx, 2, "a test"))
    racks = [site.rack.rack, reached.rack]
    assert await pool.run(lambda tx: claim_vacant(tx, racks, site.two.id)) == 1
    assert await pool.run(lambda tx: claim_vacant(tx, racks, site.two.id)) == 0
    (owned,) = await pool.run(lambda tx: owned_by(tx, site.two.id))
    assert (owned.rack, owned.ownership.epoch.incarnation) == (reached.rack, 2)
    assert await pool.run(lambda tx: owned_by(tx, site.one.id)) == ()


@asynchronous
async def test_a_worker_without_a_row(pool: Pool) -> None:
    """It registers nobody."""
    site = await make_site(pool)
    arrivals = [Arrival(site.introduction, "192.0.2.9:1")]
    with pytest.raises(WorkerGone):
        await pool.run(lambda tx: register_returning(tx, arrivals, WorkerId(99)))
