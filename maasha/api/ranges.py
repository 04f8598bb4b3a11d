"""ipranges/: addresses that DHCP hands out (dynamic), or that are kept from it (reserved)."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from maasha.api.advising import advise
from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.errors import Conflict, FieldErrors, Forbidden
from maasha.api.fields import listed
from maasha.api.forms import Absent, Nothing, either
from maasha.api.lookups import subnet_by_id, the_range
from maasha.api.picture import Picture, read_picture
from maasha.api.range_rules import RangeSurroundings, check_range
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.serving import dhcp_changed
from maasha.api.settling import answer_settled
from maasha.api.shapes import range_json
from maasha.api.submissions import RangeCreate, RangeUpdate
from maasha.db.events import record
from maasha.db.leases import prune
from maasha.db.ranges import RangeRow, add_range, ranges, remove_range, store_range
from maasha.db.reservations import reserved_within
from maasha.db.snippets import snippets_for
from maasha.db.subnets import SubnetRow, subnet_around, taken_addresses
from maasha.db.transaction import Transaction
from maasha.model.network import RangeId, RangeType, SubnetId

RANGES = Noun("IPRangesHandler", "ipranges/", "Ranges of addresses in subnets.")
RANGE = Noun("IPRangeHandler", "ipranges/{id}/", "A range of addresses.")
UNNUMBERED = RangeId(0)
"""Stands in a row that is not stored yet."""


@frozen
class Stored:
    """A range as it is written; `awaited`: racks have work from it."""

    held: RangeRow
    subnet: SubnetRow
    awaited: bool
    picture: Picture
    advice: Sequence[str]
    """On the size of the VLAN's pools."""


async def list_ranges(call: Call, _: Nothing) -> Answer:
    """List the ranges by address."""

    async def work(tx: Transaction) -> list[JsonObject]:
        picture = await read_picture(tx)
        known = picture.networks.subnets
        return [range_json(held, known[held.subnet], picture) for held in await ranges(tx)]

    return ok(await call.read(work))


async def read_range(call: Call, _: Nothing) -> Answer:
    """Show one."""

    async def work(tx: Transaction) -> JsonObject:
        found = await the_range(tx, call.path)
        picture = await read_picture(tx)
        return range_json(found, picture.networks.subnets[found.subnet], picture)

    return ok(await call.read(work))


async def create_range(call: Call, form: RangeCreate) -> Answer:
    """Make one in the subnet named or in the one around its first address."""

    async def work(tx: Transaction) -> Stored:
        subnet = await _subnet(tx, form)
        new = RangeRow(
            UNNUMBERED,
            subnet.id,
            form.type,
            form.start_ip,
            form.end_ip,
            either(form.comment, ""),
            call.caller.username,
        )
        _require_rights(call, new, new)
        await _check(tx, new, subnet)
        made = evolve(new, id=await add_range(tx, new))
        await record(tx, call.who, f"iprange:{made.id}", "iprange.created", "info", str(made))
        awaited = made.type is RangeType.DYNAMIC and await dhcp_changed(tx, subnet.vlan)
        return await _stored(tx, made, subnet, awaited)

    return await _answer(call, await call.change(work))


async def update_range(call: Call, form: RangeUpdate) -> Answer:
    """Change one; when DHCP hands it out, wait for the racks."""

    async def work(tx: Transaction) -> Stored:
        before = await the_range(tx, call.path)
        after = evolve(
            before,
            type=either(form.type, before.type),
            start=either(form.start_ip, before.start),
            end=either(form.end_ip, before.end),
            comment=either(form.comment, before.comment),
        )
        _require_rights(call, before, after)
        subnet = await subnet_by_id(tx, before.subnet)
        await _check(tx, after, subnet)
        awaited = await _store(tx, call.who, before, after, subnet)
        return await _stored(tx, after, subnet, awaited)

    return await _answer(call, await call.change(work))


async def delete_range(call: Call, _: Nothing) -> Answer:
    """Delete one; not the last that a served VLAN has."""

    async def work(tx: Transaction) -> None:
        found = await the_range(tx, call.path)
        _require_rights(call, found, found)
        subnet = await subnet_by_id(tx, found.subnet)
        if held := await snippets_for(tx, range_=found.id):
            raise Conflict(f"The {found} is in use by snippet {listed(held)}; remove it first.")
        await remove_range(tx, found.id)
        await prune(tx)
        await record(tx, call.who, f"iprange:{found.id}", "iprange.deleted", "info", str(found))
        if found.type is RangeType.DYNAMIC:
            await dhcp_changed(tx, subnet.vlan)

    await call.change(work)
    return GONE


async def _stored(tx: Transaction, held: RangeRow, subnet: SubnetRow, awaited: bool) -> Stored:
    dynamic = held.type is RangeType.DYNAMIC
    advice = await advise(tx, subnet.vlan) if dynamic else []
    return Stored(held, subnet, awaited, await read_picture(tx), advice)


async def _answer(call: Call, stored: Stored) -> Answer:
    def shape(seen: Picture) -> JsonObject:
        return {**range_json(stored.held, stored.subnet, seen), "advice": stored.advice}

    if not stored.awaited:
        return ok(shape(stored.picture))
    return ok(await answer_settled(call, stored.subnet.vlan, stored.picture, shape))


async def _subnet(tx: Transaction, form: RangeCreate) -> SubnetRow:
    if not isinstance(form.subnet, Absent):
        return await subnet_by_id(tx, SubnetId(form.subnet))
    found = await subnet_around(tx, form.start_ip)
    if found is None:
        text = f"{form.start_ip} is in no subnet; make the subnet first, or check the address."
        raise FieldErrors({"start_ip": (text,)})
    return found


async def _check(tx: Transaction, new: RangeRow, subnet: SubnetRow) -> None:
    others = tuple(held for held in await ranges(tx, subnet.id) if held.id != new.id)
    taken = await taken_addresses(tx, subnet.id)
    reserved = await reserved_within(tx, new.start, new.end)
    check_range(new, RangeSurroundings(subnet, others, taken, reserved))


def _require_rights(call: Call, before: RangeRow, after: RangeRow) -> None:
    """Let users have reserved ranges of their own; all else is for administrators."""
    user = call.caller
    if user.is_superuser:
        return
    if RangeType.DYNAMIC in (before.type, after.type):
        raise Forbidden(user.username, "touch dynamic ranges")
    if before.username != user.username:
        raise Forbidden(user.username, "touch a range of somebody else")


async def _store(
    tx: Transaction, who: str, before: RangeRow, after: RangeRow, subnet: SubnetRow
) -> bool:
    """Write what changed; gives whether racks have work from it."""
    if before == after:
        return False
    await store_range(tx, after)
    await prune(tx)
    detail = differences(before, after)
    await record(tx, who, f"iprange:{after.id}", "iprange.changed", "info", detail)
    dynamic = RangeType.DYNAMIC in (before.type, after.type)
    only_words = evolve(before, comment=after.comment) == after
    return dynamic and not only_words and await dhcp_changed(tx, subnet.vlan)


OPERATIONS = (
    Operation(RANGES, Crud.READ, Role.USER, list_ranges, "List all ranges."),
    Operation(RANGES, Crud.CREATE, Role.USER, create_range, "Make a range.", RangeCreate),
    Operation(RANGE, Crud.READ, Role.USER, read_range, "Read a range."),
    Operation(RANGE, Crud.UPDATE, Role.USER, update_range, "Change a range.", RangeUpdate),
    Operation(RANGE, Crud.DELETE, Role.USER, delete_range, "Delete a range."),
)
