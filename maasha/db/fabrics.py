"""Fabrics: sets of switched networks in which a VID means one VLAN."""

from __future__ import annotations

from attrs import frozen

from maasha.db.transaction import Row, Transaction
from maasha.model.network import FabricId


@frozen
class FabricRow:
    """A fabric."""

    id: FabricId
    name: str
    description: str = ""
    class_type: str | None = None


SELECT = "select id, name, description, class_type from fabric"


async def fabrics(tx: Transaction) -> tuple[FabricRow, ...]:
    """List the fabrics by id."""
    return tuple(_fabric(row) for row in await tx.rows(f"{SELECT} order by id"))


async def fabric(tx: Transaction, wanted: FabricId) -> FabricRow | None:
    """Read a fabric."""
    row = await tx.one(f"{SELECT} where id = %s", wanted)
    return _fabric(row) if row else None


async def fabric_named(tx: Transaction, name: str) -> FabricRow | None:
    """Read the fabric of that name."""
    row = await tx.one(f"{SELECT} where name = %s", name)
    return _fabric(row) if row else None


async def add_fabric(
    tx: Transaction, name: str, description: str, class_type: str | None
) -> FabricId:
    """Add a fabric and its untagged VLAN."""
    made = await tx.value(
        "insert into fabric (name, description, class_type) values (%s, %s, %s) returning id",
        name,
        description,
        class_type,
    )
    await tx.execute("insert into vlan (fabric_id, vid) values (%s, 0)", made)
    return FabricId(made)


async def store_fabric(tx: Transaction, changed: FabricRow) -> None:
    """Write what can be changed of a fabric."""
    await tx.execute(
        "update fabric set name = %s, description = %s, class_type = %s where id = %s",
        changed.name,
        changed.description,
        changed.class_type,
        changed.id,
    )


async def remove_fabric(tx: Transaction, gone: FabricId) -> None:
    """Remove a fabric and its VLANs; the caller has seen that nothing uses them."""
    await tx.execute("delete from fabric where id = %s", gone)


def _fabric(row: Row) -> FabricRow:
    return FabricRow(FabricId(row.id), row.name, row.description, row.class_type)
