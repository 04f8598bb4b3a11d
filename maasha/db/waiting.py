"""Waits that end: at a deadline, or at once when their caller is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

T = TypeVar("T")


def shielded(inner: Deferred[T], abandon: Callable[[], None]) -> Deferred[T]:
    """Follow `inner`; cancellation fails the result at once and calls `abandon`.

    `inner` itself is never cancelled: it runs on to its end, and what it gives then is dropped.
    """

    def cancelled(outer: Deferred[T]) -> None:
        outer.errback(CancelledError())
        abandon()

    outer: Deferred[T] = Deferred(cancelled)

    def ended(result: T | Failure) -> None:
        if not outer.called:
            outer.callback(result)  # a Failure makes it fail

    inner.addBoth(ended)
    return outer


async def within(
    clock: IReactorTime,
    seconds: float,
    deferred: Deferred[T],
    expired: Callable[[], Exception],
) -> T:
    """Wait for `deferred`, but no longer than `seconds`: then fail it with `expired()`.

    For a Deferred that nobody else fires after it has failed, such as a waiter in a queue.
    """

    def expire() -> None:
        deferred.errback(expired())

    timer = clock.callLater(seconds, expire)
    try:
        return await deferred
    finally:
        if timer.active():
            timer.cancel()


async def pause(clock: IReactorTime, seconds: float) -> None:
    """Let `seconds` go by."""
    await deferLater(clock, seconds)
