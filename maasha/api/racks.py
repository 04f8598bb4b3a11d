"""rackcontrollers/: the racks, and how to part with one without losing DHCP."""

from __future__ import annotations

from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.controller_shapes import rack_json
from maasha.api.errors import BadRequest, Conflict, NotFound
from maasha.api.fields import listed
from maasha.api.forms import Nothing, either
from maasha.api.lookups import the_rack
from maasha.api.picture import read_picture
from maasha.api.rack_removal import Succession, succeed_all
from maasha.api.routes import Crud, Named, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import RackDelete, RackFilter, RackUpdate
from maasha.api.vlan_rules import concerned, matters_to_dhcp
from maasha.db.acts import end_orders
from maasha.db.descriptions import describe_rack
from maasha.db.events import record
from maasha.db.leases import prune
from maasha.db.lost import StillLinked, declare_lost
from maasha.db.networks import want_dhcp
from maasha.db.overview import RackView
from maasha.db.racks import delete_rack as bury_rack
from maasha.db.services import ask_to_stop, confirm_stopped
from maasha.db.strays import turn_away
from maasha.db.tombstones import tombstone
from maasha.db.transaction import Transaction
from maasha.db.vlans import RackName, rack_choices, store_vlan, vlans_served_by
from maasha.model.cluster import SystemId
from maasha.model.dhcp import OFF

RACKS = Noun("RackControllersHandler", "rackcontrollers/", "The rack controllers.")
RACK = Noun("RackControllerHandler", "rackcontrollers/{system_id}/", "A rack controller.")


async def list_racks(call: Call, form: RackFilter) -> Answer:
    """List the racks by host name."""
    picture = await call.read(read_picture)
    return ok([rack_json(rack, picture) for rack in picture.racks if _asked_for(rack, form)])


async def read_rack(call: Call, _: Nothing) -> Answer:
    """Show one."""

    async def work(tx: Transaction) -> JsonObject:
        found = await the_rack(tx, call.path)
        return rack_json(found, await read_picture(tx))

    return ok(await call.read(work))


async def update_rack(call: Call, form: RackUpdate) -> Answer:
    """Change the description."""

    async def work(tx: Transaction) -> JsonObject:
        found = await the_rack(tx, call.path)
        description = either(form.description, found.description)
        if description != found.description:
            await describe_rack(tx, found.name.key, description)
            subject = f"rack:{found.name.system_id}"
            await record(tx, call.who, subject, "rack.changed", "info", "description")
        return rack_json(await the_rack(tx, call.path), await read_picture(tx))

    return ok(await call.change(work))


async def delete_rack(call: Call, form: RackDelete) -> Answer:
    """Part with a rack for good: others take over its VLANs, and it may not come back.

    They wait until it has said that it stopped. With force, one that has no link counts as stopped
    at once, as does one that was deleted before: the operator vouches that its host is off.
    """
    force = either(form.force, False)

    async def work(tx: Transaction) -> None:
        buried = await tombstone(tx, SystemId(call.path["system_id"])) if force else None
        if buried is not None:
            await confirm_stopped(tx, buried)
            return
        if await turn_away(tx, call.who, SystemId(call.path["system_id"])):
            return
        rack = await the_rack(tx, call.path)
        gone = rack.name
        if not force:
            _require_stoppable(rack)
        served = await vlans_served_by(tx, gone.key)
        choices = [(vlan, await rack_choices(tx, vlan.id)) for vlan in served]
        successions = succeed_all(choices, gone)
        if not force:
            _require_dhcp_kept(gone, successions)
        for succession in successions:
            await _hand_over(tx, call.who, succession)
        await bury_rack(tx, call.who, gone.system_id)
        vouched = force and not rack.connected
        await (confirm_stopped if vouched else ask_to_stop)(tx, gone.key)
        await prune(tx)

    await call.change(work)
    return GONE


async def lose_rack(call: Call, _: Nothing) -> Answer:
    """Have nobody wait for a rack that will not come back; it is not deleted."""

    async def work(tx: Transaction) -> JsonObject:
        if not await declare_lost(tx, call.who, SystemId(call.path["system_id"])):
            raise NotFound("RackController")
        return rack_json(await the_rack(tx, call.path), await read_picture(tx))

    try:
        return ok(await call.change(work))
    except StillLinked as linked:
        raise Conflict(f"{linked}.") from linked


async def resume_dhcp(call: Call, _: Nothing) -> Answer:
    """Have a rack end what people ordered it on its own host."""

    async def work(tx: Transaction) -> JsonObject:
        rack = await the_rack(tx, call.path)
        await end_orders(tx, call.who, rack.name.system_id)
        return rack_json(rack, await read_picture(tx))

    return ok(await call.change(work))


def _asked_for(rack: RackView, form: RackFilter) -> bool:
    ids = (*form.id, *form.system_id)
    by_id = not ids or rack.name.system_id in ids
    return by_id and (not form.hostname or rack.name.hostname in form.hostname)


def _require_stoppable(rack: RackView) -> None:
    """Refuse to part with a rack that may still serve and cannot be told to stop."""
    serving = any(service.running != OFF for service in rack.services)
    if serving and not rack.connected:
        raise BadRequest(
            f"Rack {rack.name.hostname} is not connected and may still serve DHCP: bring it back, "
            "or make sure that its host is off and stays off, and delete with force=true. That "
            "vouches for it: another rack serves its VLANs at once, and if both ran, one address "
            "could get two holders."
        )


def _require_dhcp_kept(gone: RackName, successions: list[Succession]) -> None:
    lost = [each.before for each in successions if each.loses_dhcp]
    if not lost:
        return
    names = listed([vlan.label for vlan in lost])
    by_hand = listed([vlan.label for vlan in lost if not vlan.ha_auto])
    people = f" On VLAN {by_hand} people choose: name one, or set ha_auto=true." if by_hand else ""
    raise BadRequest(
        f"Rack {gone.hostname} cannot be deleted: it serves DHCP on VLAN {names} and no other rack "
        "is there to take over: one that has a link and an address there and is neither drained "
        f"nor lost.{people} Connect another rack there, or delete with force=true, which turns "
        "DHCP off where nobody is left."
    )


async def _hand_over(tx: Transaction, who: str, succession: Succession) -> None:
    before, after = succession.before, succession.after
    await store_vlan(tx, after)
    detail = differences(before, after)
    await record(tx, who, f"vlan:{after.id}", "vlan.handed-over", "warning", detail)
    if matters_to_dhcp(before, after):
        await want_dhcp(tx, concerned(before, after))


OPERATIONS = (
    Operation(RACKS, Crud.READ, Role.USER, list_racks, "List the racks.", RackFilter),
    Operation(RACK, Crud.READ, Role.USER, read_rack, "Read a rack."),
    Operation(RACK, Crud.UPDATE, Role.ADMIN, update_rack, "Describe a rack.", RackUpdate),
    Operation(
        RACK,
        Named("declare_lost", "POST"),
        Role.ADMIN,
        lose_rack,
        "Declare a rack lost for good: you vouch that its host is off and stays off, and others "
        "take its VLANs at once. It stays on record; should it come back, it is taken in again.",
    ),
    Operation(
        RACK,
        Named("resume_dhcp", "POST"),
        Role.ADMIN,
        resume_dhcp,
        "End what people ordered the rack on its own host (`maasha-rack dhcp stop` and `solo`, see "
        "dhcp_orders), as soon as it has a link. Pairs are formed again in the safe order.",
    ),
    Operation(
        RACK,
        Crud.DELETE,
        Role.ADMIN,
        delete_rack,
        "Delete a rack. Its VLANs go to its peers, or where there are none to another rack on them "
        "unless ha_auto is off, as soon as it has said that it stopped; the place that becomes "
        "free is filled as any other. An unknown one that was ours stops when it comes again.",
        RackDelete,
    ),
)
