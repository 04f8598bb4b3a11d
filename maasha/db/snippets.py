"""Snippets of dhcpd.conf(5): the text that holds, the ones before it, and what dhcpd said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import frozen

from maasha.db.events import clear_alarm, raise_alarm
from maasha.db.row import grouped
from maasha.db.transaction import Row, Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey
from maasha.model.network import RangeId, SubnetId
from maasha.model.options import Snippet, SnippetId

KEPT = 50
"""Texts of a snippet; older ones are forgotten."""
SELECT = """
select dhcp_snippet.*, latest.value from dhcp_snippet cross join lateral (
    select value from dhcp_snippet_text where snippet_id = dhcp_snippet.id order by id desc limit 1
) latest
"""
PLACES = """
where enabled and refusal = '' and (subnet_id is null and range_id is null
    or subnet_id = any(%(subnets)s::bigint[])
    or range_id in (select id from iprange where subnet_id = any(%(subnets)s::bigint[])))
order by id
"""
IN_FORCE = f"{SELECT} {PLACES}"
FORGET = """
delete from dhcp_snippet_text where snippet_id = %(snippet)s and id not in (
    select id from dhcp_snippet_text where snippet_id = %(snippet)s order by id desc limit %(kept)s)
"""
REFUSE = """
update dhcp_snippet set refusal = %s where id = %s and enabled and refusal = ''
"""
REFUSED = "dhcp.snippet-refused"
RACKS = """
select distinct rack.id from rack join vlan on rack.id in (primary_rack, secondary_rack)
where dhcp_on and deleted is null and (%(everywhere)s or exists (
    select from subnet where subnet.id = %(subnet)s
    and (subnet.vlan_id = vlan.id
        or subnet.vlan_id in (select id from vlan as other where other.relay_vlan = vlan.id))))
"""


@frozen
class SnippetText:
    """One text that a snippet has or had."""

    id: int
    value: str
    created: datetime


@frozen
class SnippetRow:
    """A snippet; for all VLANs where it names neither a subnet nor a range."""

    id: SnippetId
    name: str
    value: str
    description: str = ""
    enabled: bool = True
    subnet: SubnetId | None = None
    range: RangeId | None = None
    refusal: str = ""
    """What dhcpd said of this text; it is left out until it changes. Empty: nothing."""


@frozen
class InForce:
    """The snippets that dhcpd is to read, by their places."""

    everywhere: tuple[Snippet, ...]
    subnets: Mapping[int, tuple[Snippet, ...]]
    ranges: Mapping[int, tuple[Snippet, ...]]


async def snippets(tx: Transaction) -> tuple[SnippetRow, ...]:
    """List them by name."""
    return tuple(_snippet(row) for row in await tx.rows(f"{SELECT} order by name"))


async def snippet(tx: Transaction, wanted: SnippetId) -> SnippetRow | None:
    """Read one."""
    row = await tx.one(f"{SELECT} where dhcp_snippet.id = %s", wanted)
    return _snippet(row) if row else None


async def snippet_called(tx: Transaction, name: str) -> SnippetRow | None:
    """Read one by its name."""
    row = await tx.one(f"{SELECT} where name = %s", name)
    return _snippet(row) if row else None


async def snippets_for(
    tx: Transaction, *, subnet: SubnetId | None = None, range_: RangeId | None = None
) -> tuple[str, ...]:
    """Name the snippets that are for a subnet, or for a range."""
    rows = await tx.rows(
        "select name from dhcp_snippet where subnet_id = %s or range_id = %s order by name",
        subnet,
        range_,
    )
    return tuple(row.name for row in rows)


async def texts(tx: Transaction) -> Mapping[int, tuple[SnippetText, ...]]:
    """Give the texts of each snippet, the newest first."""
    rows = await tx.rows("select * from dhcp_snippet_text order by id desc")
    return grouped((row.snippet_id, SnippetText(row.id, row.value, row.created)) for row in rows)


async def add_snippet(tx: Transaction, new: SnippetRow) -> SnippetId:
    """Add one; the id in `new` is not used. Returns the id it got."""
    made = await tx.value(
        "insert into dhcp_snippet (name, description, enabled, subnet_id, range_id) "
        "values (%s, %s, %s, %s, %s) returning id",
        *(new.name, new.description, new.enabled, new.subnet, new.range),
    )
    await _write(tx, made, new.value)
    return SnippetId(made)


async def store_snippet(tx: Transaction, before: SnippetRow, after: SnippetRow) -> None:
    """Write what changed; `after` says whether what dhcpd said still counts."""
    if before.refusal != after.refusal:
        await _forgive(tx, after.id)
    told = (after.name, after.description, after.enabled, after.subnet, after.range)
    await tx.execute(
        "update dhcp_snippet set name = %s, description = %s, enabled = %s, subnet_id = %s, "
        "range_id = %s, refusal = %s where id = %s",
        *(*told, after.refusal, after.id),
    )
    if before.value != after.value:
        await _write(tx, after.id, after.value)


async def remove_snippet(tx: Transaction, gone: SnippetId) -> None:
    """Remove one with its history."""
    await _forgive(tx, gone)
    await tx.execute("delete from dhcp_snippet where id = %s", gone)


async def in_force(tx: Transaction, subnets: Iterable[int]) -> InForce:
    """Give the snippets for these subnets, their ranges and all VLANs."""
    rows = await tx.rows(IN_FORCE, {"subnets": list(subnets)})
    found = [(row, Snippet(SnippetId(row.id), row.name, row.value)) for row in rows]
    return InForce(
        tuple(each for row, each in found if row.subnet_id is None and row.range_id is None),
        grouped((row.subnet_id, each) for row, each in found if row.subnet_id is not None),
        grouped((row.range_id, each) for row, each in found if row.range_id is not None),
    )


async def leave_out(tx: Transaction, blamed: SnippetId, who: str, words: str) -> None:
    """Have all racks do without a snippet until it changes, and say so; once is enough.

    `who` is the rack whose dhcpd refused it, with these words.
    """
    if not await tx.execute(REFUSE, words, blamed):
        return
    row = await snippet(tx, blamed)
    if row is not None:
        detail = f"{row.name} is left out until it is changed: {words}"
        await raise_alarm(tx, who, subject(blamed), REFUSED, detail)
        await raise_wanted(tx, await racks_with(tx, row))


def subject(of: SnippetId) -> str:
    """Name a snippet in events."""
    return f"dhcp-snippet:{of}"


async def racks_with(tx: Transaction, row: SnippetRow) -> tuple[RackKey, ...]:
    """List the racks whose dhcpd reads a snippet, or would."""
    subnet = row.subnet
    if row.range is not None:
        subnet = await tx.value("select subnet_id from iprange where id = %s", row.range)
    values = {"everywhere": subnet is None, "subnet": subnet}
    return tuple(RackKey(found.id) for found in await tx.rows(RACKS, values))


async def _forgive(tx: Transaction, changed: SnippetId) -> None:
    named = subject(changed)
    await clear_alarm(tx, named, named, REFUSED, "it was changed")


async def _write(tx: Transaction, of: int, value: str) -> None:
    await tx.execute("insert into dhcp_snippet_text (snippet_id, value) values (%s, %s)", of, value)
    await tx.execute(FORGET, {"snippet": of, "kept": KEPT})


def _snippet(row: Row) -> SnippetRow:
    return SnippetRow(
        id=SnippetId(row.id),
        name=row.name,
        value=row.value,
        description=row.description,
        enabled=row.enabled,
        subnet=None if row.subnet_id is None else SubnetId(row.subnet_id),
        range=None if row.range_id is None else RangeId(row.range_id),
        refusal=row.refusal,
    )
