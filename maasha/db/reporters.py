"""Which racks have a word on each lease."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address

from maasha.db.transaction import Transaction

REPORTERS = """
select ip, array_agg(rack.hostname order by rack.hostname) as racks
from lease join rack on rack.id = rack_id
where deleted is null and ip = any(%s::inet[]) group by ip
"""


async def reporters(
    tx: Transaction, ips: Collection[IPv4Address | IPv6Address]
) -> dict[IPv4Address | IPv6Address, tuple[str, ...]]:
    """Name, for each of the addresses, the racks that reported a lease of it."""
    return {row.ip: tuple(row.racks) for row in await tx.rows(REPORTERS, list(ips))}
