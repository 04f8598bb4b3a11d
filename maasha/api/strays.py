"""Racks that were ours and are on record no more: listed, and readmitted by one call."""

from __future__ import annotations

from maasha.api.answers import Answer, ok
from maasha.api.controller_shapes import rack_json, stray_json
from maasha.api.errors import Conflict, NotFound
from maasha.api.forms import Nothing
from maasha.api.lookups import the_rack
from maasha.api.picture import read_picture
from maasha.api.racks import RACK, RACKS
from maasha.api.routes import Named, Operation, Role
from maasha.api.services import Call
from maasha.db.strays import HostnameHeld, readmit, strays
from maasha.db.transaction import Transaction
from maasha.model.cluster import SystemId


async def list_strays(call: Call, _: Nothing) -> Answer:
    """List them by host name."""
    return ok([stray_json(stray) for stray in await call.read(strays)])


async def readmit_rack(call: Call, _: Nothing) -> Answer:
    """Put one on record again; it comes by itself, and what it serves goes on."""

    async def work(tx: Transaction) -> Answer:
        if not await readmit(tx, call.who, SystemId(call.path["system_id"])):
            raise NotFound("RackController")
        return ok(rack_json(await the_rack(tx, call.path), await read_picture(tx)))

    try:
        return await call.change(work)
    except HostnameHeld as held:
        raise Conflict(f"{held}.") from held


OPERATIONS = (
    Operation(
        RACKS,
        Named("unknown"),
        Role.USER,
        list_strays,
        "List the racks that were ours and are on record no more (after a restore).",
    ),
    Operation(
        RACK,
        Named("readmit", "POST"),
        Role.ADMIN,
        readmit_rack,
        "Readmit a rack that was ours; it keeps its name, and its DHCP goes on.",
    ),
)
