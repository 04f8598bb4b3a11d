"""Racks that were deleted, for the workers that are still linked to them."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.db.ownership import epoch_of
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.stamp import Stamp


async def deleted_among(tx: Transaction, racks: Sequence[RackKey]) -> dict[RackKey, Stamp]:
    """Give those of the racks that were deleted, and the epoch in which they may be told so."""
    rows = await tx.rows(
        "select * from rack where id = any(%s::bigint[]) and deleted is not null", list(racks)
    )
    return {RackKey(row.id): epoch_of(row) for row in rows}
