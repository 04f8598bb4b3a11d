"""Gives failover pairs a new name when a member lost its leases, is drained or comes back."""

from __future__ import annotations

from maasha.db.events import record
from maasha.db.transaction import Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey
from maasha.model.event import Severity

SWAP = """
update rack set lease_store = %(new)s
from (select id, lease_store from rack where id = %(rack)s) old
where rack.id = old.id and old.lease_store <> %(new)s returning old.lease_store as before
"""
RENAME = """
update vlan set pairing = pairing + 1 where %s in (primary_rack, secondary_rack)
returning id, pairing, primary_rack, secondary_rack
"""


async def note_lease_store(tx: Transaction, rack: RackKey, store: str) -> None:
    """Write the name of the rack's leases file; empty says nothing.

    A new name means that the file was made empty. Such a member waits for its partner's leases
    and then for MCLT (dhcpd.conf(5)), an hour without service if the partner dies meanwhile; under
    a new peer name both start afresh and answer at once.
    """
    if not store:
        return
    before = await tx.value(SWAP, {"rack": rack, "new": store})
    if before:
        await rename_pairs(tx, f"rack:{rack}", rack, f"rack {rack} lost its leases", "warning")


async def rename_pairs(
    tx: Transaction, who: str, rack: RackKey, why: str, severity: Severity = "info"
) -> None:
    """Give all pairs of a rack new names, and their members new generations to run."""
    members: set[int] = set()
    for row in await tx.rows(RENAME, rack):
        detail = f"{why}: pairing {row.pairing}"
        await record(tx, who, f"vlan:{row.id}", "dhcp.pairing", severity, detail)
        members |= {key for key in (row.primary_rack, row.secondary_rack) if key is not None}
    await raise_wanted(tx, [RackKey(key) for key in members])
