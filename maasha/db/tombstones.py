"""Racks that were deleted, for the workers that are still linked to them."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.db.ownership import epoch_of
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey, SystemId
from maasha.model.stamp import Stamp


async def tombstone(tx: Transaction, system_id: SystemId) -> RackKey | None:
    """Find a deleted rack by its system id."""
    key = await tx.value(
        "select id from rack where system_id = %s and deleted is not null", system_id
    )
    return None if key is None else RackKey(key)


async def deleted_among(tx: Transaction, racks: Sequence[RackKey]) -> dict[RackKey, Stamp]:
    """Give those of the racks that were deleted, and the epoch in which they may be told so."""
    rows = await tx.rows(
        "select * from rack where id = any(%s::bigint[]) and deleted is not null", list(racks)
    )
    return {RackKey(row.id): epoch_of(row) for row in rows}
