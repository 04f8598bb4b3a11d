"""What an operator wants of a VLAN, written straight into the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from maasha.db.overview import RackView, racks
from maasha.db.pool import Pool
from maasha.db.services import raise_wanted
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey

RANGE = """
insert into iprange (subnet_id, type, start_ip, end_ip)
select id, 'dynamic', '10.0.0.50', '10.0.0.99' from subnet
where not exists (select from iprange)
"""
SERVE = """
update vlan set dhcp_on = %s, primary_rack = (select id from rack where hostname = %s),
    secondary_rack = (select id from rack where hostname = %s), pairing = pairing + 1
"""


async def serve(pool: Pool, primary: str, secondary: str = "", *, dhcp_on: bool = True) -> None:
    """Have the only VLAN, 10.0.0.0/24, served by these racks."""

    async def change(tx: Transaction) -> None:
        await tx.execute(RANGE)
        await tx.execute(SERVE, dhcp_on, primary, secondary)

    await want(pool, change)


async def lease_for(pool: Pool, seconds: int) -> None:
    """Want another lease time: another text, the same roles."""

    async def change(tx: Transaction) -> None:
        await tx.execute("update vlan set lease_time = %s", seconds)

    await want(pool, change)


async def nothing(_tx: Transaction) -> None:
    """Want what is wanted already, under a new number."""


async def want(pool: Pool, change: Callable[[Transaction], Awaitable[None]] = nothing) -> None:
    """Make a change and a new generation of every rack, in one transaction."""

    async def work(tx: Transaction) -> None:
        await change(tx)
        keys = [RackKey(row.id) for row in await tx.rows("select id from rack order by id")]
        await raise_wanted(tx, keys)

    await pool.run(work)


async def progress(pool: Pool, hostname: str) -> RackView:
    """Read how far a rack is."""
    (found,) = [rack for rack in await pool.run(racks) if rack.name.hostname == hostname]
    return found
