"""What people write about a rack."""

from __future__ import annotations

from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey


async def describe_rack(tx: Transaction, rack: RackKey, description: str) -> None:
    """Write a rack's description."""
    await tx.execute("update rack set description = %s where id = %s", description, rack)
