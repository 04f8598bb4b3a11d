"""What the leader has in mind, why it holds still and which racks it leaves alone: as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from attrs import evolve

from maasha.api.answers import Json, JsonObject
from maasha.balancer.brakes import Pause, Paused
from maasha.balancer.staying import Together
from maasha.db.leading import Acknowledged, LeaderView
from maasha.db.placement import Names
from maasha.model.cluster import RackKey
from maasha.model.leader import Cause, Hold, Outlook

BOTH = 2
NOBODY = Hold(Cause.NOT_LEADING, "nobody leads now, or whoever does has not looked yet")


def current(view: LeaderView, now: datetime) -> LeaderView:
    """Leave out what is over: a leader that has nothing to do says so with its next look."""

    def left(holds: Iterable[Hold]) -> tuple[Hold, ...]:
        return tuple(one for one in holds if one.until is None or now < one.until)

    seen = view.outlook
    outlook = evolve(seen, holds=left(seen.holds), role_holds=left(seen.role_holds))
    return evolve(view, outlook=outlook)


def stops_of(
    pause: Pause | None, view: LeaderView | None, alarms: Iterable[str]
) -> tuple[str, ...]:
    """Say why nothing is done that no person asked for, each reason once.

    A pause counts from when it is written, and an alarm without a leader; all else is the leader's.
    """
    holds = view.outlook.holds if view is not None else ()
    stops = [str(Paused(pause))] if pause else []
    stops += [hold.reason for hold in holds if hold.cause is not Cause.PAUSED]
    return tuple(dict.fromkeys((*stops, *alarms)))


def role_holds(pause: Pause | None, view: LeaderView | None) -> tuple[Hold, ...]:
    """Say why no rack's place is changed without a hand; a pause counts from when it is written."""
    paused = () if pause is None else (Hold(Cause.PAUSED, str(Paused(pause)), pause.until),)
    if view is None:
        return (*paused, NOBODY)
    others = (hold for hold in view.outlook.role_holds if hold.cause is not Cause.PAUSED)
    return (*paused, *others)


def leader_json(view: LeaderView | None) -> JsonObject | None:
    """Show who leads and what it has in mind; null: nobody does, or has not looked yet."""
    if view is None:
        return None
    seen = view.outlook
    return {
        "worker": view.worker,
        "since": seen.since.isoformat(),
        "changed": view.changed.isoformat(),
        "state": _state(seen),
        "holds": _holds(seen.holds),
        "role_holds": _holds(seen.role_holds),
        "settled": seen.settled,
        "unsettled_since": _iso(seen.unsettled),
        "evening": {"links": seen.acting.links, "owners": seen.acting.owners},
    }


def _holds(holds: Iterable[Hold]) -> list[Json]:
    return [
        {"cause": hold.cause.value, "reason": hold.reason, "until": _iso(hold.until)}
        for hold in holds
    ]


def acknowledged_json(known: Acknowledged | None) -> JsonObject | None:
    """Show who knows of racks that vanished, and up to when; null: nobody ever said so."""
    return None if known is None else {"by": known.by, "until": known.until.isoformat()}


def waiting_json(
    together: Iterable[Together], resting: Mapping[RackKey, datetime], names: Names
) -> list[Json]:
    """Show the racks that are left as they are for now, until when, and why."""
    return [*_staying(together, names), *_resting(resting, names)]


def _staying(together: Iterable[Together], names: Names) -> Iterator[JsonObject]:
    for each in together:
        rack, seat = names.racks.get(each.rack, ""), names.workers.get(each.worker)
        region = "" if seat is None else seat.region
        where = f"worker {seat or ''}" if each.on_worker else f"region {region}"
        links = "both links" if each.links == BOTH else f"{each.links} links"
        reason = (
            f"rack {rack} has {links} on {where} until {_clock(each.until)} UTC, because the link "
            f"was moved at {_clock(each.moved)} and stays for a while, unless the worker is drained"
        )
        yield {"rack": rack, "until": each.until.isoformat(), "reason": reason}


def _resting(resting: Mapping[RackKey, datetime], names: Names) -> Iterator[JsonObject]:
    for key, until in resting.items():
        rack = names.racks.get(key, "")
        reason = (
            f"rack {rack} is left alone until {_clock(until)} UTC, because its last move failed"
        )
        yield {"rack": rack, "until": until.isoformat(), "reason": reason}


def _state(seen: Outlook) -> str:
    if seen.holds:
        return "holds still"
    if not seen.settled:
        return "waits for calm"
    return "evens" if seen.acting.links or seen.acting.owners else "is ready"


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _clock(instant: datetime) -> str:
    """Give the time of the day: what waits does so for some minutes."""
    return f"{instant.astimezone(UTC):%T}"
