"""placement/: where links and owners are, how even that is, and what is done about it and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.drain_rules import UNKNOWN
from maasha.api.errors import FieldErrors
from maasha.api.forms import Absent, Nothing, either
from maasha.api.leader_shapes import acknowledged_json, current, stops_of
from maasha.api.placement_shapes import (
    Situation,
    history_json,
    moves_json,
    pause_json,
    placement_json,
)
from maasha.api.routes import Crud, Named, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import HistoryPage, KnownRacks, MovePage, PauseSpan
from maasha.balancer.actions import Flip, Plan
from maasha.balancer.plan import plan
from maasha.balancer.policy import Policy
from maasha.balancer.staying import together
from maasha.balancer.turn import Seen, away, expected, foreseen, resting_until
from maasha.db import drains, leading
from maasha.db.events import open_alarms
from maasha.db.leading import Acknowledged
from maasha.db.link_moves import MoveId, moves
from maasha.db.placement import Evenness, evenness, read_names
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.event import Event
from maasha.model.placement import IDLE
from maasha.region.balancing import VANISHED, look

PLACEMENT = Noun(
    "PlacementHandler",
    "placement/",
    "The placement: links and owners of racks on regions and their workers.",
)
PAGE = 100


async def read_situation(tx: Transaction, policy: Policy) -> Situation:
    """Read what is, and plan from it as the leader does, with what it has in mind.

    Nothing is begun. Where nobody leads, the plan is what one who begins to lead would make.
    """
    seen, leader = await look(tx), await leading.leader(tx)
    if leader is not None:
        leader = current(leader, seen.now)
    wanted = plan(foreseen(seen, leader.outlook.acting if leader else IDLE), policy, seen.now)
    resting = resting_until(seen)
    known = _moving(wanted, seen) | set(resting)
    return Situation(
        seen.placement,
        await read_names(tx),
        seen.under_way,
        wanted,
        await drains.paused(tx),
        await drains.drains(tx),
        stops_of(seen.pause, leader, [alarm.detail for alarm in await _vanished(tx)]),
        leader,
        await leading.acknowledged(tx),
        tuple(together(expected(seen), policy, seen.now, known)),
        resting,
    )


def _moving(wanted: Plan, seen: Seen) -> set[RackKey]:
    """Give the racks whose links are planned to move, or move already."""
    planned = {action.rack for action in wanted.actions if not isinstance(action, Flip)}
    return planned | {move.rack for move in seen.under_way if move.open}


async def _vanished(tx: Transaction) -> list[Event]:
    """Give the alarm of racks that vanished, if it is open."""
    return [alarm for alarm in await open_alarms(tx) if alarm.kind == VANISHED]


async def read_placement(call: Call, _: Nothing) -> Answer:
    """Show it with the plan: every action and its reason, or why there is none."""
    policy = call.services.policy
    return ok(placement_json(await call.read(lambda tx: read_situation(tx, policy))))


async def list_moves(call: Call, form: MovePage) -> Answer:
    """List a page of moves."""
    before = None if isinstance(form.before, Absent) else MoveId(form.before)
    limit = either(form.limit, PAGE)
    found = await call.read(lambda tx: moves(tx, before=before, limit=limit))
    return ok(moves_json(found, limit))


async def list_evenness(call: Call, form: HistoryPage) -> Answer:
    """List a page of how even it was, the newest first; each entry holds until the one above."""
    before, seconds = either(form.before, None), either(form.seconds, None)
    limit = either(form.limit, PAGE)

    async def work(tx: Transaction) -> tuple[Evenness, ...]:
        return await evenness(tx, before=before, seconds=seconds, limit=limit)

    return ok(history_json(await call.read(work), limit, seconds))


async def pause(call: Call, form: PauseSpan) -> Answer:
    """Stop all automatic acts."""

    async def work(tx: Transaction) -> JsonObject | None:
        await drains.pause(tx, call.who, either(form.seconds, None))
        return pause_json(await drains.paused(tx))

    return ok({"pause": await call.change(work)})


async def resume(call: Call, _: Nothing) -> Answer:
    """Let automatic acts go on; without a pause nothing changes."""
    await call.change(lambda tx: drains.resume(tx, call.who))
    return ok({"pause": None})


async def acknowledge(call: Call, form: KnownRacks) -> Answer:
    """Let all go on without racks of the alarm; without an alarm nothing changes.

    Where none is named it is all of them; those that have vanished since the alarm was raised are
    not in it and count anew. The answer has the alarm's words, and the racks that it lets go, so
    that people see what they agreed to.
    """

    async def work(tx: Transaction) -> JsonObject:
        seen = await look(tx)
        named = await _missing(tx, form.rack, seen)
        alarms = await _vanished(tx)
        if not alarms:
            return {"acknowledged": None, "alarm": None, "racks": []}
        alarm = alarms[-1]
        known: Acknowledged | None
        if named:
            known = Acknowledged(call.who, seen.now)
            await leading.acknowledge_racks(tx, known, named)
            racks = sorted(named.values())
        else:
            await leading.acknowledge(tx, call.who, alarm.at)
            known = await leading.acknowledged(tx)
            names = (await read_names(tx)).racks
            racks = sorted(names.get(rack, "") for rack in away(seen, alarm.at))
        return {"acknowledged": acknowledged_json(known), "alarm": alarm.detail, "racks": [*racks]}

    return ok(await call.change(work))


async def _missing(tx: Transaction, names: Sequence[str], seen: Seen) -> Mapping[RackKey, str]:
    """Find racks that are away, and their host names. Raises `FieldErrors` for all others."""
    missing, found, wrong = set(away(seen, seen.now)), dict[RackKey, str](), list[str]()
    for name in names:
        rack = await drains.rack_named(tx, name)
        if rack is None:
            wrong.append(UNKNOWN["rack"].format(value=name))
        elif rack.key not in missing:
            wrong.append(f"Rack {rack.hostname} is not away: it has a link, or is being drained.")
        else:
            found[rack.key] = rack.hostname
    if wrong:
        raise FieldErrors({"rack": tuple(wrong)})
    return found


OPERATIONS = (
    Operation(
        PLACEMENT,
        Crud.READ,
        Role.USER,
        read_placement,
        "Read the placement: how even it is, what is planned and why, what is drained or paused.",
    ),
    Operation(
        PLACEMENT,
        Named("moves"),
        Role.USER,
        list_moves,
        "List a page of the moves of links, the newest first.",
        MovePage,
    ),
    Operation(
        PLACEMENT,
        Named("history"),
        Role.USER,
        list_evenness,
        "List a page of how even it was: the greatest load over the mean, whenever it changed.",
        HistoryPage,
    ),
    Operation(
        PLACEMENT,
        Named("pause", "POST"),
        Role.ADMIN,
        pause,
        "Pause all automatic acts; people's commands still work.",
        PauseSpan,
    ),
    Operation(PLACEMENT, Named("resume", "POST"), Role.ADMIN, resume, "Let automatic acts go on."),
    Operation(
        PLACEMENT,
        Named("acknowledge", "POST"),
        Role.ADMIN,
        acknowledge,
        "Say that the racks of the alarm, or those that you name, are known to have vanished: "
        "automatic acts go on without them. The answer has the alarm's words and names the racks.",
        KnownRacks,
    ),
)
