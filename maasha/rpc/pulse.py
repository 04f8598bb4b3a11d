"""How a link is judged from its silence, and how long its round trips take: pure rules.

    healthy --silent for 2 beats--> suspect --silent for 8 beats--> dead
       ^------- 3 beats heard -------'

Beats are counted, not seconds: after a pause of this very process one beat is missed, and what the
peer sent meanwhile is read before the next.
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen

HEARTBEAT = 0.3
"""Seconds between two beats. A peer that freezes was heard up to one beat before the first silent
one, so it is suspect after 0.3 to 0.9 s and dead after 2.1 to 2.7 s, whatever the phase."""
SUSPECT_AFTER = 2
"""Silent beats; the first of them asks, the second has had no answer."""
DEAD_AFTER = 8
"""Silent beats; a busy peer that is still scheduled now and then answers one of seven pings."""
TRUSTED_AFTER = 3
"""Beats in a row with a sign of life, until a suspect is healthy again."""
ASKED_EVERY = 16
"""Beats; a link that is never silent is asked this seldom, for its round trip alone."""


class Health(Enum):
    """What is thought of the peer."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    DEAD = "dead"


@frozen
class Pulse:
    """The health, and how many beats in a row speak against it."""

    health: Health = Health.HEALTHY
    silent: int = 0
    heard: int = 0


STEADY = Pulse()


def after(pulse: Pulse, heard: bool) -> Pulse:
    """Judge anew at a beat; `heard` says whether anything came since the one before."""
    if heard:
        recovered = pulse.health is Health.HEALTHY or pulse.heard + 1 >= TRUSTED_AFTER
        return STEADY if recovered else Pulse(pulse.health, 0, pulse.heard + 1)
    silent = pulse.silent + 1
    if silent >= DEAD_AFTER:
        return Pulse(Health.DEAD, silent)
    doubtful = silent >= SUSPECT_AFTER or pulse.health is Health.SUSPECT
    return Pulse(Health.SUSPECT if doubtful else Health.HEALTHY, silent)


@frozen
class RoundTrip:
    """Smoothed time of a round trip and its mean deviation, in seconds (RFC 6298, 2)."""

    mean: float
    deviation: float


def smoothed(before: RoundTrip | None, sample: float) -> RoundTrip:
    """Take in the next measurement."""
    if before is None:
        return RoundTrip(sample, sample / 2)
    deviation = before.deviation + (abs(sample - before.mean) - before.deviation) / 4
    return RoundTrip(before.mean + (sample - before.mean) / 8, deviation)
