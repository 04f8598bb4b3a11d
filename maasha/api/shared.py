"""What many ask for at the same time, looked up once for all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

T = TypeVar("T")


@frozen
class Found(Generic[T]):
    """What a look gave, and when by the clock."""

    value: T
    at: float


class Shared(Generic[T]):
    """Gives what `look` gave less than `fresh` seconds ago, else what it gives now.

    One look at a time: who asks during it gets its answer, or its failure, too.
    """

    def __init__(self, clock: IReactorTime, look: Callable[[], Awaitable[T]], fresh: float) -> None:
        self._clock = clock
        self._look = look
        self._fresh = fresh
        self._found: Found[T] | None = None
        self._waiting: list[Deferred[T]] | None = None

    async def get(self) -> T:
        """Give it; raises what `look` raises."""
        found = self._found
        if found is not None and 0 <= self._clock.seconds() - found.at < self._fresh:
            return found.value
        waiter: Deferred[T] = Deferred()
        if self._waiting is None:
            self._waiting = [waiter]
            Deferred.fromCoroutine(self._find()).addBoth(self._tell)
        else:
            self._waiting.append(waiter)
        return await waiter

    async def _find(self) -> T:
        at = self._clock.seconds()
        value = await self._look()
        self._found = Found(value, at)
        return value

    def _tell(self, result: T | Failure) -> None:
        waiting, self._waiting = self._waiting or [], None
        for waiter in waiting:
            if not waiter.called:
                waiter.callback(result)  # a Failure makes it fail
