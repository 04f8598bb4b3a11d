"""A reactor's time that nobody can set: no timer stalls or hurries when the date changes."""

from __future__ import annotations

from time import monotonic

from twisted.internet.base import ReactorBase


def steady(reactor: ReactorBase) -> None:
    """Have the reactor count its seconds by CLOCK_MONOTONIC (clock_gettime(2)), not by the date.

    Call it before anything is scheduled.
    """
    reactor.seconds = monotonic
