"""fabrics/<id>/vlans/ and vlans/<id>/: VLANs, and who serves DHCP on them."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.api.advising import advise
from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.errors import Conflict, FieldErrors
from maasha.api.fields import listed
from maasha.api.forms import Nothing
from maasha.api.lookups import the_fabric, the_vlan, vlan_by_id
from maasha.api.picture import Picture, read_picture
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.settling import answer_settled
from maasha.api.shapes import vlan_json
from maasha.api.submissions import VlanCreate, VlanUpdate
from maasha.api.vlan_rules import (
    VlanSurroundings,
    changed_vlan,
    concerned,
    matters_to_dhcp,
    matters_to_roles,
)
from maasha.db.channels import Channel, notify
from maasha.db.events import record
from maasha.db.findings import judge_foreign
from maasha.db.networks import networks, want_dhcp
from maasha.db.ranges import dynamic_ranges
from maasha.db.relays import racks_relaying
from maasha.db.transaction import Transaction
from maasha.db.vlans import (
    VlanRow,
    add_vlan,
    interfaces_on,
    rack_choices,
    racks_serving,
    remove_vlan,
    store_vlan,
    vlan,
    vlan_of_vid,
    vlans_relayed_to,
)
from maasha.model.network import FabricId, VlanId

VLANS = Noun("VlansHandler", "fabrics/{fabric_id}/vlans/", "The VLANs of a fabric.")
VLAN = Noun(
    "VlanHandler",
    "fabrics/{fabric_id}/vlans/{vid}/",
    "A VLAN, by its fabric and VID; vlans/<id>/ is the same.",
    also=("vlans/{id}/",),
)


async def list_vlans(call: Call, _: Nothing) -> Answer:
    """List a fabric's VLANs."""

    async def work(tx: Transaction) -> list[JsonObject]:
        fabric = await the_fabric(tx, call.path, "fabric_id")
        picture = await read_picture(tx)
        return [vlan_json(found, picture) for found in picture.networks.vlans_of(fabric.id)]

    return ok(await call.read(work))


async def read_vlan(call: Call, _: Nothing) -> Answer:
    """Show one."""

    async def work(tx: Transaction) -> JsonObject:
        found = await the_vlan(tx, call.path)
        return vlan_json(found, await read_picture(tx))

    return ok(await call.read(work))


async def create_vlan(call: Call, form: VlanCreate) -> Answer:
    """Make one, with all that an update could give it."""

    async def work(tx: Transaction) -> tuple[VlanRow, Picture]:
        fabric = await the_fabric(tx, call.path, "fabric_id")
        await _require_free(tx, fabric.id, form.vid)
        made = await add_vlan(tx, fabric.id, form.vid)
        label = f"{fabric.name}.{form.vid}"
        await record(tx, call.who, f"vlan:{made}", "vlan.created", "info", label)
        after, _ = await _update(tx, call.who, await vlan_by_id(tx, made), form)
        return after, await read_picture(tx)

    made, picture = await call.change(work)
    return ok(vlan_json(made, picture))


async def update_vlan(call: Call, form: VlanUpdate) -> Answer:
    """Change one; when it matters to DHCP, wait for its racks and say how it went."""

    async def work(tx: Transaction) -> tuple[VlanRow, bool, Picture, Sequence[str]]:
        before = await the_vlan(tx, call.path)
        after, awaited = await _update(tx, call.who, before, form)
        return after, awaited, await read_picture(tx), await advise(tx, after.id)

    after, awaited, picture, advice = await call.change(work)

    def shape(seen: Picture) -> JsonObject:
        return {**vlan_json(seen.networks.vlans[after.id], seen), "advice": advice}

    if not awaited:
        return ok(shape(picture))
    return ok(await answer_settled(call, after.id, picture, shape))


async def delete_vlan(call: Call, _: Nothing) -> Answer:
    """Delete one that nothing uses."""

    async def work(tx: Transaction) -> None:
        found = await the_vlan(tx, call.path)
        await _require_unused(tx, found)
        await remove_vlan(tx, found.id)
        await record(tx, call.who, f"vlan:{found.id}", "vlan.deleted", "info", found.label)

    await call.change(work)
    return GONE


async def _update(
    tx: Transaction, who: str, before: VlanRow, form: VlanUpdate
) -> tuple[VlanRow, bool]:
    wanted = form.relay_vlan
    around = VlanSurroundings(
        await rack_choices(tx, before.id),
        await dynamic_ranges(tx, before.id),
        await vlan(tx, VlanId(wanted)) if isinstance(wanted, int) else None,
        await vlans_relayed_to(tx, before.id),
        await racks_serving(tx, before.id),
        await racks_relaying(tx, before.id),
    )
    after = changed_vlan(before, form, around, who)
    if after == before:
        return after, False
    await store_vlan(tx, after)
    detail = differences(before, after)
    await record(tx, who, f"vlan:{after.id}", "vlan.changed", "info", detail)
    if matters_to_roles(before, after):
        await notify(tx, Channel.PLACEMENT)
    if before.dhcp_on != after.dhcp_on:
        await judge_foreign(tx, who, after.id)
    awaited = matters_to_dhcp(before, after)
    if awaited:
        relays = {each.relay for each in (before, after) if each.relay is not None}
        through = [await vlan_by_id(tx, relay) for relay in sorted(relays)]
        racks = (rack for each in through if each.dhcp_on for rack in each.racks)
        await want_dhcp(tx, (*concerned(before, after), *racks))
    return after, awaited


async def _require_free(tx: Transaction, fabric: FabricId, vid: int) -> None:
    found = await vlan_of_vid(tx, fabric, vid)
    if found is not None:
        text = f"VID {vid} is taken in fabric {found.fabric_name} (VLAN id {found.id})."
        raise FieldErrors({"vid": (f"{text} Choose another.",)})


async def _require_unused(tx: Transaction, gone: VlanRow) -> None:
    if gone.vid == 0:
        raise Conflict(
            f"VLAN {gone.label} is its fabric's untagged VLAN; it goes with the fabric only."
        )
    known = await networks(tx)
    uses = [f"subnet {subnet.cidr}" for subnet in known.subnets_of(gone.id)]
    uses.extend(f"interface {name}" for name in await interfaces_on(tx, gone.id))
    uses.extend(f"rack {name} through its relay" for name in await racks_relaying(tx, gone.id))
    uses.extend(f"relay of VLAN {one.label}" for one in await vlans_relayed_to(tx, gone.id))
    uses.extend(f"rack {rack.hostname}" for rack in gone.racks)
    uses.extend(f"DHCP still running on {name}" for name in await racks_serving(tx, gone.id))
    if uses:
        raise Conflict(f"VLAN {gone.label} is in use by {listed(uses)}; remove them first.")


OPERATIONS = (
    Operation(VLANS, Crud.READ, Role.USER, list_vlans, "List a fabric's VLANs."),
    Operation(VLANS, Crud.CREATE, Role.ADMIN, create_vlan, "Make a VLAN.", VlanCreate),
    Operation(VLAN, Crud.READ, Role.USER, read_vlan, "Read a VLAN and how its DHCP stands."),
    Operation(
        VLAN,
        Crud.UPDATE,
        Role.ADMIN,
        update_vlan,
        "Change a VLAN. A change of DHCP waits up to 10 s for the racks; dhcp_status of the answer "
        "is running, pending: why, or failed: why, with dhcpd's words in dhcp_problem; advice is "
        "on the size of its pools. dhcp_warning names others' DHCP servers on the VLAN.",
        VlanUpdate,
    ),
    Operation(VLAN, Crud.DELETE, Role.ADMIN, delete_vlan, "Delete a VLAN nobody uses."),
)
