"""placement/: where links and owners are, how even that is, and what is done about it and why."""

from __future__ import annotations

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.forms import Absent, Nothing, either
from maasha.api.placement_shapes import (
    Situation,
    evenness_json,
    moves_json,
    pause_json,
    placement_json,
)
from maasha.api.routes import Crud, Named, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import HistorySpan, MovePage, PauseSpan
from maasha.balancer.brakes import Paused
from maasha.balancer.plan import plan
from maasha.balancer.policy import Policy
from maasha.balancer.turn import expected
from maasha.db import drains
from maasha.db.events import open_alarms
from maasha.db.link_moves import MoveId, moves
from maasha.db.placement import evenness, read_names
from maasha.db.transaction import Transaction
from maasha.region.balancing import VANISHED, look

PLACEMENT = Noun(
    "PlacementHandler",
    "placement/",
    "The placement: links and owners of racks on regions and their workers.",
)
PAGE = 100
DAY = 24 * 3600


async def read_situation(tx: Transaction, policy: Policy) -> Situation:
    """Read what is, and plan from it as the leader does; nothing is begun.

    What the leader remembers is not known here: one that is evening goes on to the inner band, and
    this plan of a placement within the outer one is empty.
    """
    seen = await look(tx)
    stops = [str(Paused(seen.pause))] if seen.pause else []
    stops += [alarm.detail for alarm in await open_alarms(tx) if alarm.kind == VANISHED]
    return Situation(
        seen.placement,
        await read_names(tx),
        seen.under_way,
        plan(expected(seen), policy, seen.now),
        await drains.paused(tx),
        await drains.drains(tx),
        tuple(stops),
    )


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


async def list_evenness(call: Call, form: HistorySpan) -> Answer:
    """List how even it was, the oldest first; each entry holds until the next one."""
    found = await call.read(lambda tx: evenness(tx, either(form.seconds, DAY)))
    return ok([evenness_json(each) for each in found])


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
        "List how even it was: the greatest load over the mean, whenever it changed.",
        HistorySpan,
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
)
