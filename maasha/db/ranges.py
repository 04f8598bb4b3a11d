"""Ranges of addresses in subnets: for DHCP to hand out, or kept from it."""

from __future__ import annotations

from attrs import frozen

from maasha.db.subnets import Address
from maasha.db.transaction import Row, Transaction
from maasha.model.network import RangeId, RangeType, SubnetId, VlanId


@frozen
class RangeRow:
    """The addresses from `start` to `end`, both included; `username` made it ("" is unknown)."""

    id: RangeId
    subnet: SubnetId
    type: RangeType
    start: Address
    end: Address
    comment: str = ""
    username: str = ""

    def overlaps(self, start: Address, end: Address) -> bool:
        """Whether an address from `start` to `end` is in the range."""
        return int(self.start) <= int(end) and int(start) <= int(self.end)

    def __str__(self) -> str:
        return f"{self.type.value} range {self.start}-{self.end}"


SELECT = """
select iprange.id, subnet_id, type, start_ip, end_ip, comment,
    coalesce(username, '') as username
from iprange left join user_account on user_account.id = user_id
"""


async def ranges(tx: Transaction, within: SubnetId | None = None) -> tuple[RangeRow, ...]:
    """List the ranges (of one subnet) by address."""
    rows = await tx.rows(
        f"{SELECT} where %s::bigint is null or subnet_id = %s order by start_ip", within, within
    )
    return tuple(_range(row) for row in rows)


async def range_of(tx: Transaction, wanted: RangeId) -> RangeRow | None:
    """Read a range."""
    row = await tx.one(f"{SELECT} where iprange.id = %s", wanted)
    return _range(row) if row else None


async def dynamic_ranges(tx: Transaction, of: VlanId) -> int:
    """Count the ranges that DHCP may hand out on a VLAN (those in managed subnets)."""
    return int(
        await tx.value(
            "select count(*) from iprange join subnet on subnet.id = subnet_id "
            "where vlan_id = %s and managed and type = 'dynamic'",
            of,
        )
    )


async def add_range(tx: Transaction, new: RangeRow) -> RangeId:
    """Add a range for the user it names; the id in `new` is not used. Returns the id it got."""
    made = await tx.value(
        "insert into iprange (subnet_id, type, start_ip, end_ip, comment, user_id) values "
        "(%s, %s, %s, %s, %s, (select id from user_account where username = %s)) "
        "returning id",
        new.subnet,
        new.type.value,
        new.start,
        new.end,
        new.comment,
        new.username,
    )
    return RangeId(made)


async def store_range(tx: Transaction, changed: RangeRow) -> None:
    """Write what can be changed of a range."""
    await tx.execute(
        "update iprange set type = %s, start_ip = %s, end_ip = %s, comment = %s where id = %s",
        changed.type.value,
        changed.start,
        changed.end,
        changed.comment,
        changed.id,
    )


async def remove_range(tx: Transaction, gone: RangeId) -> None:
    """Remove a range."""
    await tx.execute("delete from iprange where id = %s", gone)


def _range(row: Row) -> RangeRow:
    return RangeRow(
        id=RangeId(row.id),
        subnet=SubnetId(row.subnet_id),
        type=RangeType(row.type),
        start=row.start_ip,
        end=row.end_ip,
        comment=row.comment,
        username=row.username,
    )
