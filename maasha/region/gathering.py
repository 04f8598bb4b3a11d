"""Does many small things together: what comes while one lot is under way goes with the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

Item = TypeVar("Item")
Result = TypeVar("Result")


class TooMany(Exception):
    """As much waits as may wait, or it waited as long as it may; nothing was begun."""


@frozen(eq=False)
class Waiting(Generic[Item, Result]):
    """One item, who waits for what becomes of it, and what ends the wait for its turn."""

    item: Item
    done: Deferred[Result]
    patience: IDelayedCall


class Gathering(Generic[Item, Result]):
    """Gives lots of at most `most` items to `work`, one lot after the other.

    One item alone is done at once; of a thousand the first one is, and the others in a few lots.
    `work` gives a result for each item, in their order; where it fails all of the lot fail. An item
    whose turn does not come within `patience` seconds fails.
    """

    def __init__(
        self,
        clock: IReactorTime,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        most: int,
        longest: int,
        patience: float,
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._work = work
        self._most = most
        self._longest = longest
        self._waiting: deque[Waiting[Item, Result]] = deque()
        self._busy = False

    async def add(self, item: Item) -> Result:
        """Have it done with the next lot; raises TooMany."""
        if len(self._waiting) >= self._longest:
            raise TooMany
        done: Deferred[Result] = Deferred()
        patience = self._clock.callLater(self._patience, done.errback, TooMany())
        waiting = Waiting(item, done, patience)
        self._waiting.append(waiting)
        if not self._busy:
            self._begin()
        return await waiting.done

    def _begin(self) -> None:
        self._busy = True
        count = min(self._most, len(self._waiting))
        lot = [self._waiting.popleft() for _ in range(count)]
        for each in lot:
            if each.patience.active():
                each.patience.cancel()
        lot = [each for each in lot if not each.done.called]  # nor waited too long, nor cancelled
        working = Deferred.fromCoroutine(self._do([each.item for each in lot]))
        working.addBoth(self._ended, lot)

    async def _do(self, items: Sequence[Item]) -> Sequence[Result]:
        return await self._work(items) if items else ()

    def _ended(
        self, results: Sequence[Result] | Failure, lot: Sequence[Waiting[Item, Result]]
    ) -> None:
        self._busy = False
        if self._waiting:
            self._begin()
        for number, each in enumerate(lot):
            if not each.done.called:
                failed = isinstance(results, Failure)
                # a Failure makes it fail
                each.done.callback(results if failed else results[number])  # type: ignore[arg-type, index]
