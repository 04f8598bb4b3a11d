"""dhcp-snippets/: statements of dhcpd.conf(5) that people add, for all VLANs or for one place."""

from __future__ import annotations

from collections.abc import Collection

from attrs import evolve

from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.errors import FieldErrors
from maasha.api.forms import Absent, Nothing, either
from maasha.api.lookups import range_by_id, subnet_by_id, the_snippet
from maasha.api.picture import Picture, read_picture
from maasha.api.routes import Crud, Named, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.settling import settled
from maasha.api.snippet_shapes import snippet_json
from maasha.api.submissions import SnippetCreate, SnippetRevert, SnippetUpdate
from maasha.db.events import record
from maasha.db.networks import networks
from maasha.db.snippets import (
    SnippetRow,
    SnippetText,
    add_snippet,
    racks_with,
    remove_snippet,
    snippet_called,
    snippets,
    store_snippet,
    subject,
    texts,
)
from maasha.db.transaction import Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.network import RangeId, RangeType, SubnetId, VlanId
from maasha.model.options import SnippetId

SNIPPETS = Noun("DHCPSnippetsHandler", "dhcp-snippets/", "Statements of dhcpd.conf(5).")
SNIPPET = Noun("DHCPSnippetHandler", "dhcp-snippets/{id}/", "A snippet, by its id or its name.")
UNNUMBERED = SnippetId(0)
"""Stands in a row that is not stored yet."""


async def list_snippets(call: Call, _: Nothing) -> Answer:
    """List the snippets by name."""

    async def work(tx: Transaction) -> list[JsonObject]:
        known, history = await networks(tx), await texts(tx)
        return [snippet_json(row, history[row.id], known) for row in await snippets(tx)]

    return ok(await call.read(work))


async def read_snippet(call: Call, _: Nothing) -> Answer:
    """Show one."""
    return ok(await _shown(call))


async def create_snippet(call: Call, form: SnippetCreate) -> Answer:
    """Make one; where DHCP is on, wait for the racks that are to read it."""

    async def work(tx: Transaction) -> tuple[SnippetRow, Picture]:
        blank = SnippetRow(UNNUMBERED, form.name, form.value)
        new = await _changed(tx, blank, form)
        made = evolve(new, id=await add_snippet(tx, new))
        await record(tx, call.who, subject(made.id), "dhcp-snippet.created", "info", made.name)
        if made.enabled:
            await raise_wanted(tx, await racks_with(tx, made))
        return made, await read_picture(tx)

    made, picture = await call.change(work)
    return ok(await _settled(call, made, picture))


async def update_snippet(call: Call, form: SnippetUpdate) -> Answer:
    """Change one; what dhcpd said of it before is forgotten."""

    async def work(tx: Transaction) -> tuple[SnippetRow, Picture]:
        before = await the_snippet(tx, call.path)
        after = await _store(tx, call.who, before, await _changed(tx, before, form))
        return after, await read_picture(tx)

    after, picture = await call.change(work)
    return ok(await _settled(call, after, picture))


async def revert_snippet(call: Call, form: SnippetRevert) -> Answer:
    """Give one a text again that it had before."""

    async def work(tx: Transaction) -> tuple[SnippetRow, Picture]:
        before = await the_snippet(tx, call.path)
        old = _chosen((await texts(tx))[before.id], form.to)
        after = await _store(tx, call.who, before, evolve(before, value=old.value))
        return after, await read_picture(tx)

    after, picture = await call.change(work)
    return ok(await _settled(call, after, picture))


async def delete_snippet(call: Call, _: Nothing) -> Answer:
    """Delete one with its history."""

    async def work(tx: Transaction) -> None:
        found = await the_snippet(tx, call.path)
        racks = await racks_with(tx, found) if found.enabled else ()
        await remove_snippet(tx, found.id)
        await record(tx, call.who, subject(found.id), "dhcp-snippet.deleted", "info", found.name)
        await raise_wanted(tx, racks)

    await call.change(work)
    return GONE


async def _changed(tx: Transaction, before: SnippetRow, form: SnippetUpdate) -> SnippetRow:
    after = evolve(
        before,
        name=either(form.name, before.name),
        value=either(form.value, before.value),
        description=either(form.description, before.description),
        enabled=either(form.enabled, before.enabled),
    )
    after = _placed(after, form)
    named = await snippet_called(tx, after.name)
    if named is not None and named.id != before.id:
        raise FieldErrors({"name": (f"{after.name} exists already; choose another name.",)})
    if after.subnet is not None:
        await subnet_by_id(tx, after.subnet)
    if after.range is not None:
        held = await range_by_id(tx, after.range)
        if held.type is not RangeType.DYNAMIC:
            raise FieldErrors({"iprange": (f"The {held} is not handed out; name a dynamic one.",)})
    return after


def _placed(snippet: SnippetRow, form: SnippetUpdate) -> SnippetRow:
    """Put it where the form says; naming one place leaves the other."""
    if form.global_snippet is True:
        if isinstance(form.subnet, int) or isinstance(form.iprange, int):
            text = "It cannot be for all VLANs and for one subnet or range; name one place."
            raise FieldErrors({"global_snippet": (text,)})
        return evolve(snippet, subnet=None, range=None)
    if isinstance(form.subnet, int) and isinstance(form.iprange, int):
        text = "A snippet is for a subnet or for a range; name one of them."
        raise FieldErrors({"iprange": (text,)})
    if isinstance(form.subnet, int):
        return evolve(snippet, subnet=SubnetId(form.subnet), range=None)
    if isinstance(form.iprange, int):
        return evolve(snippet, subnet=None, range=RangeId(form.iprange))
    placed = evolve(
        snippet,
        subnet=snippet.subnet if isinstance(form.subnet, Absent) else None,
        range=snippet.range if isinstance(form.iprange, Absent) else None,
    )
    if form.global_snippet is False and placed.subnet is None and placed.range is None:
        text = "It is for all VLANs unless it names a place; give subnet or iprange."
        raise FieldErrors({"global_snippet": (text,)})
    return placed


async def _store(tx: Transaction, who: str, before: SnippetRow, after: SnippetRow) -> SnippetRow:
    if before == after:
        return after
    matters = _read(before) != _read(after)
    if matters:
        after = evolve(after, refusal="")
    racks = {*await racks_with(tx, before), *await racks_with(tx, after)}
    await store_snippet(tx, before, after)
    named = subject(after.id)
    await record(tx, who, named, "dhcp-snippet.changed", "info", differences(before, after))
    if matters and (before.enabled or after.enabled):
        await raise_wanted(tx, racks)
    return after


def _read(snippet: SnippetRow) -> tuple[object, ...]:
    """Give what dhcpd reads of it, and where."""
    return (snippet.value, snippet.enabled, snippet.subnet, snippet.range)


def _chosen(history: tuple[SnippetText, ...], to: int) -> SnippetText:
    """Find the text that `to` means: an id, or how many back."""
    if to <= 0 and -to < len(history):
        return history[-to]
    for each in history:
        if each.id == to:
            return each
    ids = ", ".join(str(each.id) for each in history)
    text = f"{to} is no text of this snippet; its history has {ids}, and -{len(history) - 1} back."
    raise FieldErrors({"to": (text,)})


async def _settled(call: Call, changed: SnippetRow, picture: Picture) -> JsonObject:
    """Wait for the racks that read it, and show what became of it."""
    await settled(call, await call.read(lambda tx: _vlans(tx, changed)), picture)

    async def work(tx: Transaction) -> JsonObject:
        row = await the_snippet(tx, {"id": str(changed.id)})
        return snippet_json(row, (await texts(tx))[row.id], await networks(tx))

    return await call.read(work)


async def _vlans(tx: Transaction, row: SnippetRow) -> Collection[VlanId]:
    """Give the VLANs whose DHCP has to do with a snippet."""
    known, within = await networks(tx), row.subnet
    if row.range is not None:
        within = (await range_by_id(tx, row.range)).subnet
    if within is not None:
        return (known.subnets[within].vlan,)
    return [vlan.id for vlan in known.vlans.values() if vlan.dhcp_on]


async def _shown(call: Call) -> JsonObject:
    async def work(tx: Transaction) -> JsonObject:
        row = await the_snippet(tx, call.path)
        return snippet_json(row, (await texts(tx))[row.id], await networks(tx))

    return await call.read(work)


OPERATIONS = (
    Operation(SNIPPETS, Crud.READ, Role.USER, list_snippets, "List all snippets."),
    Operation(
        SNIPPETS,
        Crud.CREATE,
        Role.ADMIN,
        create_snippet,
        "Make a snippet. Statements that would break maasha's own are refused by name; one that "
        "dhcpd does not take is left out, and refusal of the answer has dhcpd's words.",
        SnippetCreate,
    ),
    Operation(SNIPPET, Crud.READ, Role.USER, read_snippet, "Read a snippet."),
    Operation(SNIPPET, Crud.UPDATE, Role.ADMIN, update_snippet, "Change one.", SnippetUpdate),
    Operation(
        SNIPPET,
        Named("revert", "POST"),
        Role.ADMIN,
        revert_snippet,
        "Give a snippet a text again that it had.",
        SnippetRevert,
    ),
    Operation(SNIPPET, Crud.DELETE, Role.ADMIN, delete_snippet, "Delete a snippet."),
)
