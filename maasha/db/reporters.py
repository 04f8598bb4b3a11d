"""Which racks have a word on each lease."""

from __future__ import annotations

from ipaddress import IPv4Address

from maasha.db.transaction import Transaction

REPORTERS = """
select ip, array_agg(rack.hostname order by rack.hostname) as racks
from lease join rack on rack.id = rack_id where deleted is null group by ip
"""


async def reporters(tx: Transaction) -> dict[IPv4Address, tuple[str, ...]]:
    """Name, for each address, the racks that reported a lease of it."""
    return {row.ip: tuple(row.racks) for row in await tx.rows(REPORTERS)}
