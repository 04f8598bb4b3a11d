"""The one way a wait ends in time: DeadlineExceeded."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from maasha.rpc.errors import DeadlineExceeded

T = TypeVar("T")


def within(seconds: float, clock: IReactorTime, what: str, waiting: Deferred[T]) -> Deferred[T]:
    """Cancel what takes longer than `seconds`; it then fails with DeadlineExceeded(what)."""

    def expired(_: object, after: float) -> Failure:
        return Failure(DeadlineExceeded(what, after))

    return waiting.addTimeout(seconds, clock, onTimeoutCancel=expired)
