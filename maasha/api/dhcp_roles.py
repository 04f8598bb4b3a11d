"""dhcp-roles/: who serves each VLAN and who chose that, who else could, and what is done."""

from __future__ import annotations

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.errors import Conflict
from maasha.api.forms import either
from maasha.api.leader_shapes import current, role_holds
from maasha.api.lookups import vlan_by_id
from maasha.api.picture import Picture, read_picture
from maasha.api.role_rules import is_primary, swap_refusal, swapped
from maasha.api.role_shapes import RoleSituation, roles_json, working
from maasha.api.routes import Crud, Named, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.settling import answer_settled
from maasha.api.shapes import vlan_json
from maasha.api.submissions import RolesPage, RoleSwap
from maasha.api.vlan_rules import concerned
from maasha.balancer.brakes import FREE, Pause
from maasha.balancer.rearranging import rearranged
from maasha.balancer.roles import decide_all, held
from maasha.db import drains, leading
from maasha.db.events import open_alarms, record
from maasha.db.networks import want_dhcp
from maasha.db.roles import read_roles
from maasha.db.transaction import Transaction
from maasha.db.vlans import store_vlan
from maasha.model.network import VlanId
from maasha.region.balancing import VANISHED

ROLES = Noun(
    "DhcpRolesHandler",
    "dhcp-roles/",
    "The racks of VLANs: who is primary and secondary, by whose choice, and who else could be.",
)


async def read_situation(tx: Transaction) -> RoleSituation:
    """Read what is, and decide from it as the leader does, under its brakes; nothing is done."""
    picture = await read_picture(tx)
    seen = await read_roles(tx)
    pause, leader = await drains.paused(tx), await leading.leader(tx)
    stops = role_holds(
        None if pause is None else Pause(pause.until, pause.by),
        None if leader is None else current(leader, seen.now),
    )
    wishes = decide_all(seen.vlans, seen.primaries, FREE, seen.now)
    alarms = [alarm.detail for alarm in await open_alarms(tx) if alarm.kind == VANISHED]
    return RoleSituation(
        seen.vlans,
        tuple(held(wish, stops) for wish in wishes),
        rearranged(seen.vlans, working(picture)),
        picture,
        seen.now,
        pause,
        tuple(dict.fromkeys((*map(str, stops), *alarms))),
    )


async def read_dhcp_roles(call: Call, form: RolesPage) -> Answer:
    """Show a page of VLANs."""
    return ok(roles_json(await call.read(read_situation), form))


async def swap_racks(call: Call, form: RoleSwap) -> Answer:
    """Have a pair's racks change places, and wait for that; only one that works is touched.

    Where the rack that is to be the primary is that already, only the waiting is left.
    """

    async def work(tx: Transaction) -> Picture:
        before = await vlan_by_id(tx, VlanId(form.vlan))
        (roles,) = (await read_roles(tx, [before.id])).vlans
        now = await read_picture(tx)
        wanted = either(form.primary, "")
        if is_primary(before, wanted):
            return now
        refusal = swap_refusal(before, roles, now.outcomes[before.id], wanted)
        if refusal:
            raise Conflict(f"The racks of VLAN {before.label} do not change places: {refusal}.")
        after = swapped(before)
        await store_vlan(tx, after)
        detail = differences(before, after)
        await record(tx, call.who, f"vlan:{after.id}", "vlan.swapped", "info", detail)
        await want_dhcp(tx, concerned(before, after))
        return await read_picture(tx)

    vlan = VlanId(form.vlan)

    def shape(seen: Picture) -> JsonObject:
        return vlan_json(seen.networks.vlans[vlan], seen)

    return ok(await answer_settled(call, vlan, await call.change(work), shape))


OPERATIONS = (
    Operation(
        ROLES,
        Crud.READ,
        Role.USER,
        read_dhcp_roles,
        "Read who serves each VLAN, who chose that, who else could and what they lack, what is "
        "done without a hand and why: a page of the VLANs; and the plan of all swaps that would "
        "even the primaries.",
        RolesPage,
    ),
    Operation(
        ROLES,
        Named("swap", "POST"),
        Role.ADMIN,
        swap_racks,
        "Have the racks of a pair change places; it has to be normal on both sides, and nobody's "
        "choice. Waits up to 10 s as an update of the VLAN does.",
        RoleSwap,
    ),
)
