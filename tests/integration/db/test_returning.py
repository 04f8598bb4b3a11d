"""Racks that come back as they were are taken in together; whatever is news is left to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve, frozen
from twisted.internet.defer import Deferred

from maasha.db.ownership import claim_vacant
from maasha.db.pool import Pool
from maasha.db.racks import Registered, drop_links
from maasha.db.returning import Arrival, register_returning, shape_of
from maasha.db.transaction import Transaction
from maasha.model.cluster import Introduction, Ownership
from maasha.model.network import Interface
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    NO_LINKS,
    Worker,
    aside,
    found,
    hire,
    interface,
    link,
    plug,
)

ETHERNET = interface("eth0", "10.0.0.1/24", "fe80::1%eth0/64", "192.0.2.7/32")


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
        return Introduction(
            "rack1", "0.1.0", self.rack.system_id, "", (ETHERNET,), lease_store="store"
        )

    async def come(self, *said: Introduction, to: Worker | None = None) -> Sequence[Any]:
        """Have racks come to the second worker, unless told."""
        worker = to or self.two
        arrivals = [Arrival(each, f"192.0.2.9:{number}") for number, each in enumerate(said)]
        return await self.pool.run(lambda tx: register_returning(tx, arrivals, worker.id))


async def make_site(pool: Pool) -> Site:
    """Make it."""
    region = await found(pool)
    one, two = await hire(pool, region, 0), await hire(pool, region, 1)
    rack = await link(pool, one, "rack1", lease_store="store")
    await plug(pool, rack, ETHERNET)
    return Site(pool, one, two, rack)


@asynchronous
async def test_back_to_a_region_that_was_away(pool: Pool) -> None:
    """It has a link and, since its owner is gone, another owner under a higher epoch."""
    site = await make_site(pool)
    await pool.run(lambda tx: drop_links(tx, [site.rack.link]))
    (back,) = await site.come(evolve(site.introduction, version="0.2.0", url="http://x/MAAS/"))
    assert (back.rack, back.system_id) == (site.rack.rack, site.rack.system_id)
    assert back.worker == site.two.id
    assert back.owner == Ownership(site.two.id, Stamp(1, 3))
    row = await pool.run(
        lambda tx: tx.one("select rack.*, remote from rack join link on rack_id = rack.id")
    )
    assert row is not None
    assert (row.version, row.url, row.remote) == ("0.2.0", "http://x/MAAS/", "192.0.2.9:0")


@pytest.mark.parametrize(
    "interfaces",
    [
        (),
        (evolve(ETHERNET, mtu=9000),),
        (evolve(ETHERNET, addresses=ETHERNET.addresses[:1]),),
    ],
)
@asynchronous
async def test_other_interfaces(pool: Pool, interfaces: tuple[Interface, ...]) -> None:
    """Nothing is written of a rack that has others than it had."""
    site = await make_site(pool)
    assert await site.come(evolve(site.introduction, interfaces=interfaces)) == (None,)


@asynchronous
async def test_held_by_somebody_else(pool: Pool) -> None:
    """Nobody is waited for: neither here nor where vacant racks are claimed."""
    site = await make_site(pool)
    await aside(pool, NO_LINKS)
    let_go: Deferred[None] = Deferred()
    held: Deferred[None] = Deferred()

    async def hold(tx: Transaction) -> None:
        await tx.execute("select from rack for update")
        held.callback(None)
        await let_go

    holding = Deferred.fromCoroutine(pool.run(hold))
    await held
    assert await site.come(site.introduction) == (None,)
    assert await pool.run(lambda tx: claim_vacant(tx, [site.rack.rack], site.two.id)) == 0
    let_go.callback(None)
    await holding


def test_order_and_spelling_of_addresses_do_not_matter() -> None:
    """What is compared are sets."""
    turned = evolve(ETHERNET, addresses=ETHERNET.addresses[::-1])
    assert shape_of((turned,)) == shape_of((ETHERNET, Interface(**_fields(ETHERNET))))


def _fields(interface: Interface) -> dict[str, Any]:
    return {name: getattr(interface, name) for name in ("name", "mac", "addresses")}
