"""Racks on one VLAN that the first of them serves, for tests of roles."""

from __future__ import annotations

from attrs import frozen

from maasha.db.pool import Pool
from maasha.db.racks import Registered
from maasha.db.transaction import Transaction
from maasha.model.cluster import SystemId
from maasha.model.network import VlanId
from tests.integration.db.cluster import Worker, found, hire, interface, link, plug


@frozen
class Site:
    """One worker, racks on 10.0.0.0/24, and that VLAN with DHCP on the first of them."""

    worker: Worker
    racks: tuple[Registered, ...]
    vlan: VlanId


async def make_site(pool: Pool, racks: int = 2) -> Site:
    """Make a site, in an instance of its own if there is none."""
    region = await pool.run(lambda tx: tx.value("select system_id from region"))
    worker = await hire(pool, SystemId(region) if region else await found(pool), 0)
    made = [await link(pool, worker, f"rack{number}") for number in range(1, racks + 1)]
    for number, rack in enumerate(made, 1):
        await plug(pool, rack, interface("eth0", f"10.0.0.{number}/24"))

    async def work(tx: Transaction) -> VlanId:
        await tx.execute(
            "update vlan set dhcp_on = true, primary_rack = %s, primary_by = 'user:admin'",
            made[0].rack,
        )
        return VlanId(await tx.value("select id from vlan"))

    return Site(worker, tuple(made), await pool.run(work))
