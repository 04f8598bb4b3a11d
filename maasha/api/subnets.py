"""subnets/: networks of addresses, each on one VLAN."""

from __future__ import annotations

from attrs import evolve

from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.errors import Conflict
from maasha.api.fields import listed
from maasha.api.forms import Nothing, either
from maasha.api.lookups import the_subnet, vlan_by_id
from maasha.api.picture import Picture, read_picture
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.serving import dhcp_changed
from maasha.api.settling import answer_settled
from maasha.api.shapes import subnet_json
from maasha.api.submissions import SubnetCreate, SubnetUpdate
from maasha.api.subnet_rules import SubnetSurroundings, check_subnet
from maasha.db.events import record
from maasha.db.leases import prune
from maasha.db.moves import move_subnet
from maasha.db.ranges import ranges
from maasha.db.relays import racks_relaying
from maasha.db.reservations import (
    ReservationRow,
    reserved_at,
    reserved_in,
    reserved_outside,
    reserved_twice,
)
from maasha.db.snippets import snippets_for
from maasha.db.subnets import (
    SubnetRow,
    add_subnet,
    overlapping,
    remove_subnet,
    store_subnet,
    taken_addresses,
)
from maasha.db.transaction import Transaction
from maasha.db.vlans import racks_serving
from maasha.model.network import SubnetId, VlanId

SUBNETS = Noun("SubnetsHandler", "subnets/", "The subnets.")
SUBNET = Noun(
    "SubnetHandler",
    "subnets/{id}/",
    "A subnet, by its id or its network in CIDR notation.",
    also=("subnets/{id}/{prefix}/",),
)
UNNUMBERED = SubnetId(0)
"""Stands in a row that is not stored yet."""


async def list_subnets(call: Call, _: Nothing) -> Answer:
    """List the subnets by network."""
    picture = await call.read(read_picture)
    return ok([subnet_json(subnet, picture) for subnet in picture.networks.subnets.values()])


async def read_subnet(call: Call, _: Nothing) -> Answer:
    """Show one."""

    async def work(tx: Transaction) -> JsonObject:
        found = await the_subnet(tx, call.path)
        return subnet_json(found, await read_picture(tx))

    return ok(await call.read(work))


async def create_subnet(call: Call, form: SubnetCreate) -> Answer:
    """Make one on a VLAN."""

    async def work(tx: Transaction) -> JsonObject:
        on = await vlan_by_id(tx, VlanId(form.vlan))
        blank = SubnetRow(UNNUMBERED, on.id, str(form.cidr), form.cidr)
        new = _changed(blank, form)
        check_subnet(new, SubnetSurroundings(await overlapping(tx, new.cidr, None)))
        made = evolve(new, id=await add_subnet(tx, new))
        await record(tx, call.who, f"subnet:{made.id}", "subnet.created", "info", str(made.cidr))
        await dhcp_changed(tx, made.vlan)
        return subnet_json(made, await read_picture(tx))

    return ok(await call.change(work))


async def update_subnet(call: Call, form: SubnetUpdate) -> Answer:
    """Change one; when DHCP is on, wait for the racks."""

    async def work(tx: Transaction) -> tuple[SubnetRow, bool, Picture]:
        before = await the_subnet(tx, call.path)
        after = _changed(before, form)
        around = SubnetSurroundings(
            await overlapping(tx, after.cidr, after.id),
            await ranges(tx, after.id),
            await taken_addresses(tx, after.id),
            await _misplaced(tx, after),
        )
        check_subnet(after, around)
        awaited = await _store(tx, call.who, before, after)
        return after, awaited, await read_picture(tx)

    after, awaited, picture = await call.change(work)

    def shape(seen: Picture) -> JsonObject:
        return subnet_json(after, seen)

    if not awaited:
        return ok(shape(picture))
    return ok(await answer_settled(call, after.vlan, picture, shape))


async def delete_subnet(call: Call, _: Nothing) -> Answer:
    """Delete one that nothing uses."""

    async def work(tx: Transaction) -> None:
        found = await the_subnet(tx, call.path)
        uses = [f"the {held}" for held in await ranges(tx, found.id)]
        uses.extend(
            f"{each.address} of {each.holder}" for each in await taken_addresses(tx, found.id)
        )
        uses.extend(f"the {held}" for held in await reserved_in(tx, found.id))
        uses.extend(f"snippet {name}" for name in await snippets_for(tx, subnet=found.id))
        if uses:
            raise Conflict(f"Subnet {found.cidr} is in use by {listed(uses)}; remove them first.")
        await remove_subnet(tx, found.id)
        await prune(tx)
        await record(tx, call.who, f"subnet:{found.id}", "subnet.deleted", "info", str(found.cidr))
        await dhcp_changed(tx, found.vlan)

    await call.change(work)
    return GONE


async def _misplaced(tx: Transaction, after: SubnetRow) -> tuple[ReservationRow, ...]:
    """List the reservations that would have to go."""
    own = (after.gateway, *after.dns_servers)
    found = [await reserved_at(tx, address) for address in own if address is not None]
    return (*await reserved_outside(tx, after.id, after.cidr), *filter(None, found))


def _changed(before: SubnetRow, form: SubnetUpdate) -> SubnetRow:
    return evolve(
        before,
        vlan=VlanId(either(form.vlan, before.vlan)),
        name=either(form.name, before.name),
        description=either(form.description, before.description),
        cidr=either(form.cidr, before.cidr),
        gateway=either(form.gateway_ip, before.gateway),
        dns_servers=either(form.dns_servers, before.dns_servers),
        managed=either(form.managed, before.managed),
        ntp_servers=either(form.ntp_servers, before.ntp_servers),
        search_list=either(form.search_list, before.search_list),
        allow_dns=either(form.allow_dns, before.allow_dns),
    )


async def _store(tx: Transaction, who: str, before: SubnetRow, after: SubnetRow) -> bool:
    """Write what changed; gives whether racks have work from it."""
    if before == after:
        return False
    if before.vlan != after.vlan:
        await _move(tx, before, after.vlan)
    await store_subnet(tx, after)
    await prune(tx)
    detail = differences(before, after)
    await record(tx, who, f"subnet:{after.id}", "subnet.changed", "info", detail)
    only_words = evolve(before, name=after.name, description=after.description) == after
    return not only_words and await dhcp_changed(tx, after.vlan)


async def _move(tx: Transaction, moved: SubnetRow, to: VlanId) -> None:
    """Put it on another VLAN; raises NotFound, and Conflict where DHCP would suffer."""
    left, on = await vlan_by_id(tx, moved.vlan), await vlan_by_id(tx, to)
    if passing := await racks_relaying(tx, left.id):
        raise Conflict(
            f"Subnet {moved.cidr} is served by {listed(passing)} through the relay of VLAN "
            f"{left.label}, or may still be; end that first (relay_vlan=), and try again when they "
            "have stopped."
        )
    if left.dhcp_on:
        raise Conflict(
            f"DHCP is on for VLAN {left.label}, which subnet {moved.cidr} would leave; turn it off "
            "there first (dhcp_on=false)."
        )
    if serving := await racks_serving(tx, left.id):
        raise Conflict(
            f"DHCP still runs on {listed(serving)} for VLAN {left.label}, which subnet "
            f"{moved.cidr} would leave; try again when it has stopped."
        )
    if twice := await reserved_twice(tx, moved.id, on.id):
        raise Conflict(
            f"Subnet {moved.cidr} has reservations for clients that have another address on VLAN "
            f"{on.label} already: {listed([f'the {held}' for held in twice])}; remove them first."
        )
    if stranded := await move_subnet(tx, moved.id, on.id):
        raise Conflict(
            f"The interfaces in {moved.cidr} would go to VLAN {on.label} with it, and without them "
            f"{listed(stranded)} could not serve DHCP; choose other racks there, or none, first."
        )


OPERATIONS = (
    Operation(SUBNETS, Crud.READ, Role.USER, list_subnets, "List all subnets."),
    Operation(SUBNETS, Crud.CREATE, Role.ADMIN, create_subnet, "Make a subnet.", SubnetCreate),
    Operation(SUBNET, Crud.READ, Role.USER, read_subnet, "Read a subnet."),
    Operation(SUBNET, Crud.UPDATE, Role.ADMIN, update_subnet, "Change a subnet.", SubnetUpdate),
    Operation(SUBNET, Crud.DELETE, Role.ADMIN, delete_subnet, "Delete a subnet nobody uses."),
)
