"""dhcp-status/: how VLANs are served, what that means, and taking over from a rack that is off."""

from __future__ import annotations

from collections.abc import Mapping

from maasha.api.answers import Answer, Json, JsonObject, ok
from maasha.api.errors import Conflict
from maasha.api.forms import Absent, either
from maasha.api.lookups import vlan_by_id
from maasha.api.picture import Picture, read_picture
from maasha.api.routes import Crud, Named, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.settling import answer_settled
from maasha.api.shapes import vlan_json
from maasha.api.standing_shapes import Network, standing_json
from maasha.api.submissions import StandingFilter, TakeOver
from maasha.db.events import open_alarms
from maasha.db.pools import dynamic_addresses
from maasha.db.standing import read_standing
from maasha.db.takeovers import NotTaken, Taken, take_over
from maasha.db.transaction import Transaction
from maasha.db.vlans import VlanRow, vlans
from maasha.model.network import VlanId

STATUS = Noun(
    "DhcpStatusHandler",
    "dhcp-status/",
    "How VLANs are served: failover states, addresses left, and for how long they last.",
)


async def read_status(call: Call, form: StandingFilter) -> Answer:
    """Show all VLANs, or one."""
    wanted = None if isinstance(form.vlan, Absent) else VlanId(form.vlan)

    async def work(tx: Transaction) -> list[Json]:
        rows = await vlans(tx) if wanted is None else [await vlan_by_id(tx, wanted)]
        by_id = {row.id: row for row in rows}
        seen = await read_standing(tx, wanted)
        known = {each.vlan: each for each in seen.vlans}
        alarms, sizes = await open_alarms(tx), await dynamic_addresses(tx, wanted)
        return [
            standing_json(
                Network(row, await _home(tx, row, by_id), sizes.get(row.id, 0)),
                known[row.id],
                alarms,
                seen.now,
            )
            for row in rows
        ]

    return ok(await call.read(work))


async def _home(tx: Transaction, row: VlanRow, known: Mapping[VlanId, VlanRow]) -> VlanRow:
    if row.relay is None:
        return row
    return known.get(row.relay) or await vlan_by_id(tx, row.relay)


async def have_taken_over(call: Call, form: TakeOver) -> Answer:
    """Have the rack that is left serve alone, and wait for it."""

    async def work(tx: Transaction) -> tuple[Taken, Picture]:
        vlan = await vlan_by_id(tx, VlanId(form.vlan))
        force = either(form.force, False)
        try:
            taken = await take_over(tx, call.who, vlan.id, form.off, force=force)
        except NotTaken as refused:
            raise Conflict(f"VLAN {vlan.label} is not taken over: {refused}.") from refused
        return taken, await read_picture(tx)

    taken, picture = await call.change(work)
    vlan = VlanId(form.vlan)

    def shape(seen: Picture) -> JsonObject:
        return {
            **vlan_json(seen.networks.vlans[vlan], seen),
            "survivor": taken.survivor,
            "off": taken.away,
            "taken_over": list(taken.vlans),
        }

    return ok(await answer_settled(call, vlan, picture, shape))


OPERATIONS = (
    Operation(
        STATUS,
        Crud.READ,
        Role.USER,
        read_status,
        "Read who serves each VLAN in which failover state and since when, what that means and "
        "what to do, how many addresses are free, and for how many hours they last.",
        StandingFilter,
    ),
    Operation(
        STATUS,
        Named("takeover", "POST"),
        Role.ADMIN,
        have_taken_over,
        "Have the peer of a rack whose host is off serve alone, at once and with all addresses, on "
        "every VLAN that the two share; its dhcpd restarts for that, 0.1 s. The rack keeps its "
        "places: when it is back it learns the leases anew and the pair goes on. Refused while the "
        "rack is linked, or its dhcpd is in contact with its peer's.",
        TakeOver,
    ),
)
