"""Time that passes when a test says so, and a process's own timers, which stop with it."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer


@implementer(IDelayedCall)
class Call:
    """Something that is to be done at an instant, in seconds."""

    def __init__(self, owner: Timers, at: float, work: Callable[[], object]) -> None:
        self.owner = owner
        self._at = at
        self._work: Callable[[], object] | None = work
        self._cancelled = False

    def getTime(self) -> float:
        """Say when."""
        return self._at

    def cancel(self) -> None:
        """Do not do it."""
        if self._work is None:
            raise AlreadyCancelled if self._cancelled else AlreadyCalled
        self._work, self._cancelled = None, True

    def active(self) -> bool:
        """Whether it is still to be done."""
        return self._work is not None

    def delay(self, secondsLater: float) -> None:
        """Nobody asks for it."""
        raise NotImplementedError

    def reset(self, secondsFromNow: float) -> None:
        """Nobody asks for it."""
        raise NotImplementedError

    def run(self) -> None:
        """Do it, unless it was cancelled."""
        work, self._work = self._work, None
        if work is not None:
            work()


class Time:
    """The one clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._numbers = count()
        self._calls: list[tuple[float, int, Call]] = []

    def push(self, call: Call) -> None:
        """Have a call done in its turn."""
        heappush(self._calls, (call.getTime(), next(self._numbers), call))

    def advance(self, seconds: float) -> None:
        """Let so many pass, and do what is due meanwhile."""
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            at, _, call = heappop(self._calls)
            self.now = max(self.now, at)
            call.owner.due(call)
        self.now = end


@implementer(IReactorTime)
class Timers:
    """The timers of a process, or of the world outside of them all.

    While it is stopped what is due waits for it to go on; once it is dead nothing happens any more.
    """

    def __init__(self, time: Time) -> None:
        self._time = time
        self._waiting: list[Call] = []
        self.stopped = False
        self.dead = False

    def seconds(self) -> float:
        """Give the time."""
        return self._time.now

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any
    ) -> Call:
        """Have something done after so many seconds."""
        work = (lambda: callable(*args, **kw)) if args or kw else callable
        call = Call(self, self._time.now + delay, work)
        self._time.push(call)
        return call

    def getDelayedCalls(self) -> list[IDelayedCall]:
        """Nobody asks for them."""
        raise NotImplementedError

    def due(self, call: Call) -> None:
        """Do what is due, if it can be done now."""
        if self.stopped:
            self._waiting.append(call)
        elif not self.dead:
            call.run()

    def stop(self) -> None:
        """SIGSTOP."""
        self.stopped = True

    def go_on(self) -> None:
        """SIGCONT: what was due meanwhile is done in its order."""
        self.stopped = False
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self.callLater(0.0, call.run)
