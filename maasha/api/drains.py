"""drains/: regions and workers without links, racks that serve nothing: for an upgrade."""

from __future__ import annotations

from attrs import frozen

from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.drain_rules import UNKNOWN, cluster_of, field_of, refused
from maasha.api.errors import Conflict, FieldErrors, NotFound
from maasha.api.forms import Nothing, either
from maasha.api.lookups import number
from maasha.api.placement_shapes import drain_json
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import DrainCreate
from maasha.balancer.draining import (
    LIFE,
    AtEnd,
    RackTarget,
    RegionTarget,
    Target,
    WorkerTarget,
    refusal,
)
from maasha.db.drains import (
    DrainId,
    Place,
    begin_drain,
    drain_of,
    drains,
    end_drain,
    rack_named,
    region_named,
)
from maasha.db.overview import racks
from maasha.db.placement import Seat, read_names, read_placement
from maasha.db.transaction import Transaction
from maasha.db.vlans import vlans
from maasha.region.registration import MAX_LINKS

DRAINS = Noun(
    "DrainsHandler", "drains/", "What is drained: regions, workers and racks, for a while."
)
DRAIN = Noun("DrainHandler", "drains/{id}/", "A drain.")
KIND = "Drain"


@frozen
class Chosen:
    """What a form names: for the rule, for the database and for people."""

    target: Target
    place: Place
    text: str


async def list_drains(call: Call, _: Nothing) -> Answer:
    """List them, the oldest first."""
    return ok([drain_json(drain) for drain in await call.read(drains)])


async def read_drain(call: Call, _: Nothing) -> Answer:
    """Show one."""
    wanted = _id(call)
    found = await call.read(lambda tx: drain_of(tx, wanted))
    if found is None:
        raise NotFound(KIND)
    return ok(drain_json(found))


async def make_drain(call: Call, form: DrainCreate) -> Answer:
    """Drain one; what is drained already is drained anew from now on.

    Changes are made one after the other, so of two drains the second one knows of the first.
    """
    field = field_of(form)
    keep = either(form.at_end, AtEnd.UNDO) is AtEnd.ALARM
    seconds = either(form.seconds, LIFE.total_seconds())

    async def work(tx: Transaction) -> JsonObject:
        chosen = await _chosen(tx, field, form)
        found = await read_placement(tx)
        why_not = refusal(chosen.target, cluster_of(found.placement, await racks(tx), MAX_LINKS))
        if why_not is not None:
            labels = {vlan.id: vlan.label for vlan in await vlans(tx)}
            raise Conflict(refused(field, chosen.text, why_not, labels))
        made = await begin_drain(tx, call.who, chosen.place, seconds, keep=keep)
        drain = await drain_of(tx, made)
        assert drain is not None  # noqa: S101 -- it was made just now
        return drain_json(drain)

    return ok(await call.change(work))


async def undo_drain(call: Call, _: Nothing) -> Answer:
    """Undo one: links come back as the balance wants them, and a rack serves again."""
    wanted = _id(call)
    if not await call.change(lambda tx: end_drain(tx, call.who, wanted, "undone")):
        raise NotFound(KIND)
    return GONE


def _id(call: Call) -> DrainId:
    return DrainId(number(call.path["id"], KIND))


async def _chosen(tx: Transaction, field: str, form: DrainCreate) -> Chosen:
    """Find what the form names. Raises `FieldErrors` where that is nothing."""
    if field == "worker":
        return await _worker(tx, *either(form.worker, ("", 0)))
    if field == "region":
        name = either(form.region, "")
        region = await region_named(tx, name)
        if region is not None:
            return Chosen(RegionTarget(region.system_id), Place(region=region.key), name)
    else:
        name = either(form.rack, "")
        rack = await rack_named(tx, name)
        if rack is not None:
            return Chosen(RackTarget(rack.key), Place(rack=rack.key), name)
    raise FieldErrors({field: (UNKNOWN[field].format(value=name),)})


async def _worker(tx: Transaction, of: str, slot: int) -> Chosen:
    region = await region_named(tx, of)
    names = (await read_names(tx)).workers if region is not None else {}
    for worker, seat in names.items():
        if region is not None and seat == Seat(region.hostname, slot):
            return Chosen(WorkerTarget(worker), Place(region=region.key, slot=slot), str(seat))
    raise FieldErrors({"worker": (UNKNOWN["worker"].format(value=f"{of}/{slot}"),)})


OPERATIONS = (
    Operation(DRAINS, Crud.READ, Role.USER, list_drains, "List what is drained."),
    Operation(
        DRAINS,
        Crud.CREATE,
        Role.ADMIN,
        make_drain,
        "Drain a region or a worker: its links go to the others, and new ones too. Or a rack: its "
        "peers serve its VLANs alone until the drain ends, and its places stay.",
        DrainCreate,
    ),
    Operation(DRAIN, Crud.READ, Role.USER, read_drain, "Read a drain."),
    Operation(DRAIN, Crud.DELETE, Role.ADMIN, undo_drain, "Undo a drain."),
)
