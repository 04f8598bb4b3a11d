"""What a look of the leader leaves for others to see."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from maasha.balancer.brakes import (
    Act,
    GapEnded,
    LeaderChanged,
    NotLeading,
    Paused,
    RacksVanished,
    Stop,
)
from maasha.balancer.turn import Turn
from maasha.model.leader import Cause, Hold, Outlook


def outlook(decided: Turn) -> Outlook:
    """Tell what the leader keeps in mind; it is the same as long as nothing of it changes."""
    memory = decided.memory
    since = memory.brakes.leading_since
    assert since is not None  # noqa: S101 -- whoever takes a turn leads
    moves, roles = (_holds(decided, act) for act in (Act.MOVE, Act.ROLE_CHANGE))
    return Outlook(since, moves, decided.settled, memory.unsettled, memory.acting, roles)


def _holds(decided: Turn, act: Act) -> tuple[Hold, ...]:
    return tuple(_hold(stop) for stop in decided.verdict.why_not(act))


def _hold(stop: Stop) -> Hold:
    cause, until = _cause(stop)
    return Hold(cause, str(stop), until)


def _cause(stop: Stop) -> tuple[Cause, datetime | None]:
    match stop:
        case Paused(pause=pause):
            return Cause.PAUSED, pause.until
        case NotLeading():
            return Cause.NOT_LEADING, None
        case GapEnded(until=until):
            return Cause.GAP_ENDED, until
        case LeaderChanged(until=until):
            return Cause.LEADER_NEW, until
        case RacksVanished():
            return Cause.RACKS_VANISHED, None
        case _:
            assert_never(stop)
