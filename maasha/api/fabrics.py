"""fabrics/: sets of switched networks in which a VID means one VLAN."""

from __future__ import annotations

from attrs import evolve

from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.errors import Conflict, FieldErrors
from maasha.api.fields import listed
from maasha.api.forms import Nothing, either
from maasha.api.lookups import the_fabric
from maasha.api.picture import read_picture
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.shapes import fabric_json
from maasha.api.submissions import FabricCreate, FabricUpdate
from maasha.db.events import record
from maasha.db.fabrics import (
    FabricRow,
    add_fabric,
    fabric_named,
    fabrics,
    remove_fabric,
    store_fabric,
)
from maasha.db.networks import networks
from maasha.db.transaction import Transaction
from maasha.db.vlans import interfaces_on, racks_serving, vlans_relayed_to
from maasha.model.network import FabricId

FABRICS = Noun("FabricsHandler", "fabrics/", "The fabrics: switched networks with their VLANs.")
FABRIC = Noun("FabricHandler", "fabrics/{id}/", "A fabric.")


async def list_fabrics(call: Call, _: Nothing) -> Answer:
    """List the fabrics with their VLANs."""
    picture = await call.read(read_picture)
    return ok([fabric_json(fabric, picture) for fabric in picture.networks.fabrics.values()])


async def read_fabric(call: Call, _: Nothing) -> Answer:
    """Show one."""

    async def work(tx: Transaction) -> JsonObject:
        found = await the_fabric(tx, call.path)
        return fabric_json(found, await read_picture(tx))

    return ok(await call.read(work))


async def create_fabric(call: Call, form: FabricCreate) -> Answer:
    """Make one with its untagged VLAN."""

    async def work(tx: Transaction) -> JsonObject:
        name = either(form.name, None) or await _free_name(tx)
        await _require_free(tx, name, None)
        made = await add_fabric(
            tx, name, either(form.description, ""), either(form.class_type, None)
        )
        await record(tx, call.who, f"fabric:{made}", "fabric.created", "info", name)
        picture = await read_picture(tx)
        return fabric_json(picture.networks.fabrics[made], picture)

    return ok(await call.change(work))


async def update_fabric(call: Call, form: FabricUpdate) -> Answer:
    """Change name, description or class."""

    async def work(tx: Transaction) -> JsonObject:
        before = await the_fabric(tx, call.path)
        after = evolve(
            before,
            name=either(form.name, before.name),
            description=either(form.description, before.description),
            class_type=either(form.class_type, before.class_type),
        )
        await _require_free(tx, after.name, after.id)
        await _store(tx, call.who, before, after)
        return fabric_json(after, await read_picture(tx))

    return ok(await call.change(work))


async def delete_fabric(call: Call, _: Nothing) -> Answer:
    """Delete one that nothing uses, with its VLANs."""

    async def work(tx: Transaction) -> None:
        found = await the_fabric(tx, call.path)
        await _require_unused(tx, found)
        await remove_fabric(tx, found.id)
        await record(tx, call.who, f"fabric:{found.id}", "fabric.deleted", "info", found.name)

    await call.change(work)
    return GONE


async def _store(tx: Transaction, who: str, before: FabricRow, after: FabricRow) -> None:
    if before == after:
        return
    await store_fabric(tx, after)
    detail = differences(before, after)
    await record(tx, who, f"fabric:{after.id}", "fabric.changed", "info", detail)


async def _require_free(tx: Transaction, name: str, own: FabricId | None) -> None:
    found = await fabric_named(tx, name)
    if found is not None and found.id != own:
        text = f"Fabric {name} exists already (id {found.id}); choose another name."
        raise FieldErrors({"name": (text,)})


async def _free_name(tx: Transaction) -> str:
    taken = {fabric.name for fabric in await fabrics(tx)}
    return next(name for n in range(len(taken) + 1) if (name := f"fabric-{n}") not in taken)


async def _require_unused(tx: Transaction, fabric: FabricRow) -> None:
    known = await networks(tx)
    vlans = known.vlans_of(fabric.id)
    uses = [f"subnet {subnet.cidr}" for vlan in vlans for subnet in known.subnets_of(vlan.id)]
    for vlan in vlans:
        uses.extend(f"interface {name}" for name in await interfaces_on(tx, vlan.id))
        relays = await vlans_relayed_to(tx, vlan.id)
        uses.extend(f"relay of VLAN {one.label}" for one in relays if one.fabric != fabric.id)
        uses.extend(f"DHCP still running on {name}" for name in await racks_serving(tx, vlan.id))
    if uses:
        raise Conflict(f"Fabric {fabric.name} is in use by {listed(uses)}; remove them first.")


OPERATIONS = (
    Operation(FABRICS, Crud.READ, Role.USER, list_fabrics, "List all fabrics."),
    Operation(FABRICS, Crud.CREATE, Role.ADMIN, create_fabric, "Make a fabric.", FabricCreate),
    Operation(FABRIC, Crud.READ, Role.USER, read_fabric, "Read a fabric."),
    Operation(FABRIC, Crud.UPDATE, Role.ADMIN, update_fabric, "Change a fabric.", FabricUpdate),
    Operation(FABRIC, Crud.DELETE, Role.ADMIN, delete_fabric, "Delete a fabric nobody uses."),
)
