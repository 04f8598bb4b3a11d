"""Where links and owners are, what is planned and why, what was done: as JSON of our own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import assert_never
from urllib.parse import urlencode

from attrs import Factory, frozen

from maasha.api.answers import Json, JsonObject
from maasha.api.leader_shapes import acknowledged_json, leader_json, waiting_json
from maasha.api.shapes import uri
from maasha.balancer.actions import Action, Close, Flip, Move, Plan
from maasha.balancer.draining import AtEnd
from maasha.balancer.staying import Together
from maasha.db.drains import DrainView, PauseView
from maasha.db.leading import Acknowledged, LeaderView
from maasha.db.link_moves import MoveView
from maasha.db.placement import Evenness, Names, Seat
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import Placement, UnderWay, Worker

DIGITS = 3
"""Of ratios and loads."""


@frozen
class Situation:
    """All that the document is made from, read at one moment.

    `plan` is what any worker makes of it that knows what the leader has in mind; `stops` say why
    nothing of it is begun; `staying` and `resting` are racks that it leaves as they are for now.
    """

    placement: Placement
    names: Names
    under_way: tuple[UnderWay, ...]
    plan: Plan
    pause: PauseView | None = None
    drains: tuple[DrainView, ...] = ()
    stops: tuple[str, ...] = ()
    leader: LeaderView | None = None
    acknowledged: Acknowledged | None = None
    staying: tuple[Together, ...] = ()
    resting: Mapping[RackKey, datetime] = Factory(dict)


def placement_json(now: Situation) -> JsonObject:
    """Show what is, what is drained or stopped, and the plan with the reason of every action."""
    placement = now.placement
    open_moves = (move for move in now.under_way if move.open)
    return {
        "ratio": round(placement.ratio, DIGITS),
        "mean": round(placement.mean, DIGITS),
        "links": len(placement.links),
        "regions": _regions(placement, now.names),
        "leader": leader_json(now.leader),
        "acknowledged": acknowledged_json(now.acknowledged),
        "pause": pause_json(now.pause),
        "drains": [drain_json(drain) for drain in now.drains],
        "stops": list(now.stops),
        "under_way": [_under_way(move, now.names) for move in open_moves],
        "plan": {
            "actions": [action_json(action, now.names) for action in now.plan.actions],
            "links": now.plan.links.value,
            "owners": now.plan.owners.value,
            "waiting": waiting_json(now.staying, now.resting, now.names),
        },
    }


def action_json(action: Action, names: Names) -> JsonObject:
    """Show an action: a `move` of a link, the `close` of one, or a `hand-over` to another owner."""
    kind, to = _kind(action)
    return {
        "action": kind,
        "rack": names.racks[action.rack],
        "from": _seat(names, action.source),
        "to": None if to is None else _seat(names, to),
        "reason": action.reason.value,
    }


def pause_json(pause: PauseView | None) -> JsonObject | None:
    """Show a pause; `until` is null: until somebody resumes."""
    if pause is None:
        return None
    return {"by": pause.by, "until": pause.until.isoformat() if pause.until else None}


def drain_json(drain: DrainView) -> JsonObject:
    """Show a drain; `remaining` are links, of a rack the VLANs that it serves."""
    return {
        "id": drain.id,
        "kind": drain.kind.value,
        "name": drain.name,
        "system_id": drain.system_id,
        "by": drain.by,
        "since": drain.since.isoformat(),
        "expires": drain.expires.isoformat(),
        "at_end": (AtEnd.ALARM if drain.keep else AtEnd.UNDO).value,
        "overdue": drain.overdue,
        "remaining": drain.remaining,
        "resource_uri": uri("drains", drain.id),
    }


def moves_json(found: tuple[MoveView, ...], limit: int) -> JsonObject:
    """Show a page of moves; `next_uri` leads to older ones, null when there are none."""
    further = None
    if len(found) == limit:
        query = urlencode({"op": "moves", "limit": limit, "before": found[-1].id})
        further = f"{uri('placement')}?{query}"
    return {
        "count": len(found),
        "moves": [_move(move) for move in found],
        "next_uri": further,
    }


def history_json(found: tuple[Evenness, ...], limit: int, seconds: int | None) -> JsonObject:
    """Show a page of how even it was; `next_uri` leads to what was before, null when nothing was.

    What held when the span of so many seconds began is the last entry of the last page.
    """
    further = None
    if len(found) == limit:
        query: dict[str, object] = {"op": "history", "limit": limit}
        query["before"] = found[-1].at.isoformat()
        query.update({"seconds": seconds} if seconds else {})
        further = f"{uri('placement')}?{urlencode(query)}"
    return {
        "count": len(found),
        "history": [evenness_json(each) for each in found],
        "next_uri": further,
    }


def evenness_json(noted: Evenness) -> JsonObject:
    """Show how even it was from an instant on."""
    return {
        "at": noted.at.isoformat(),
        "ratio": noted.ratio,
        "links": noted.links,
        "workers": noted.workers,
    }


def _kind(action: Action) -> tuple[str, WorkerId | None]:
    match action:
        case Move(to=to):
            return "move", to
        case Close():
            return "close", None
        case Flip(to=to):
            return "hand-over", to
        case _:
            assert_never(action)


def _move(move: MoveView) -> JsonObject:
    return {
        "id": move.id,
        "rack": move.rack,
        "from": move.source,
        "to": move.target or None,
        "reason": move.reason,
        "begun": move.begun.isoformat(),
        "ended": move.ended.isoformat() if move.ended else None,
        "failure": move.failure,
    }


def _under_way(move: UnderWay, names: Names) -> JsonObject:
    return {
        "rack": names.racks.get(move.rack, ""),
        "from": _seat(names, move.source),
        "to": None if move.target is None else _seat(names, move.target),
        "since": move.begun.isoformat(),
    }


def _seat(names: Names, worker: WorkerId) -> str:
    """Name a worker; one that has gone meanwhile has no name any more."""
    return str(names.workers.get(worker, ""))


@frozen
class _Tally:
    """What each worker has, counted once."""

    links: Mapping[WorkerId, int]
    loads: Mapping[WorkerId, float]
    racks: Mapping[WorkerId | None, list[Json]]


def _regions(placement: Placement, names: Names) -> list[Json]:
    """Show the regions that have living workers, and those."""
    racks: dict[WorkerId | None, list[Json]] = defaultdict(list)
    owners = {rack.key: rack.owner for rack in placement.racks}
    for key, hostname in names.racks.items():
        racks[owners.get(key)].append(hostname)
    tally = _Tally(Counter(link.worker for link in placement.links), placement.loads, racks)
    alive = {worker.id: worker for worker in placement.workers}
    crews: dict[str, list[tuple[Seat, Worker]]] = defaultdict(list)
    for worker, seat in names.workers.items():
        if worker in alive:
            crews[seat.region].append((seat, alive[worker]))
    return [_region(hostname, crew, tally) for hostname, crew in crews.items()]


def _region(hostname: str, crew: list[tuple[Seat, Worker]], tally: _Tally) -> JsonObject:
    workers: list[Json] = [_worker(seat, worker, tally) for seat, worker in crew]
    return {
        "hostname": hostname,
        "system_id": crew[0][1].region,
        "draining": all(worker.draining for _, worker in crew),
        "workers": workers,
    }


def _worker(seat: Seat, worker: Worker, tally: _Tally) -> JsonObject:
    """Show a worker; its load is null where it drains: it is compared with nobody's."""
    load = tally.loads.get(worker.id)
    return {
        "slot": seat.slot,
        "links": tally.links.get(worker.id, 0),
        "load": None if load is None else round(load, DIGITS),
        "capacity": worker.capacity,
        "draining": worker.draining,
        "racks": tally.racks.get(worker.id, []),
    }
