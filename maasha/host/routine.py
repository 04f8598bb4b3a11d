"""A periodic job that survives its own failures and can be woken early."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure


class Routine(Service):
    """Runs `work` after `first` seconds, then every `interval` seconds and whenever it is woken.

    One run at a time: waking it during a run makes one more run follow. However often it is woken,
    at least `rest` seconds lie between a run's end and the next one's begin. A run that fails is
    logged and the next comes as if it had not (unlike `TimerService`, which stops for good).
    Stopping cancels the run under way and waits until it has ended.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        interval: float,
        work: Callable[[], Awaitable[None]],
        name: str,
        rest: float = 0.0,
        first: float = 0.0,
    ) -> None:
        self._clock = clock
        self._interval = interval
        self._work = work
        self._rest = rest
        self._first = first
        self._rested = 0.0
        self.setName(name)
        self._next: IDelayedCall | None = None
        self._run: Deferred[None] | None = None
        self._busy = False
        self._woken = False

    def startService(self) -> None:
        """Begin, with a run in this turn where there is nothing to wait for first."""
        super().startService()
        if self._first:
            self._next = self._clock.callLater(self._first, self._due)
        else:
            self.wake()

    def stopService(self) -> Deferred[None] | None:
        """Cancel what runs; fires when nothing of it is left."""
        super().stopService()
        self._forget_next()
        self._woken = False
        if self._run is None or self._run.called:
            return None
        ended: Deferred[None] = Deferred()
        self._run.addBoth(lambda _: ended.callback(None))
        self._run.cancel()
        return ended

    def wake(self) -> None:
        """Run now, or as soon as the run under way has ended and the rest is over."""
        if not self.running or self._woken:
            return
        left = min(self._rested - self._clock.seconds(), self._rest)
        if self._busy or left > 0:
            self._woken = True
        if self._busy:
            return
        self._forget_next()
        if left > 0:
            self._next = self._clock.callLater(left, self._due)
        else:
            self._begin()

    def _begin(self) -> None:
        self._busy, self._woken = True, False
        self._run = Deferred.fromCoroutine(self._once())
        self._run.addBoth(self._ended)

    async def _once(self) -> None:
        await self._work()

    def _ended(self, result: Failure | None) -> None:
        self._run, self._busy = None, False
        if isinstance(result, Failure) and not result.check(CancelledError):
            self.log.failure("{name} failed; it runs again", failure=result, name=self.name)
        if not self.running:
            return
        self._rested = self._clock.seconds() + self._rest
        delay = self._rest if self._woken else self._interval
        self._next = self._clock.callLater(delay, self._due)

    def _due(self) -> None:
        self._next = None
        self._begin()

    def _forget_next(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
