"""What the worker that leads saw with its last look, for those who show the placement."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from maasha.model.placement import IDLE, Acting


class Cause(Enum):
    """Why the leader holds still; the words are for programs."""

    PAUSED = "paused"
    NOT_LEADING = "not-leading"
    GAP_ENDED = "database-was-away"
    LEADER_NEW = "leader-new"
    RACKS_VANISHED = "racks-vanished"


@frozen
class Hold:
    """One reason why the leader does nothing that no person asked for."""

    cause: Cause
    reason: str
    """For people."""
    until: datetime | None = None
    """None: until something happens, not until an instant."""

    def __str__(self) -> str:
        return self.reason


@frozen
class Outlook:
    """All that the leader remembers and others cannot see in rows."""

    since: datetime
    """When it began to lead."""
    holds: tuple[Hold, ...] = ()
    """Against evening; a drain goes on."""
    settled: bool = True
    """Nobody has come or gone for a while, or they do so all the time: it may even."""
    unsettled: datetime | None = None
    """Since when racks or workers come and go; None: they do not."""
    acting: Acting = IDLE
    """What it is evening: it goes on to the inner band."""
    role_holds: tuple[Hold, ...] = ()
    """Against changes of racks' roles; a leader of an older version does not tell them."""
