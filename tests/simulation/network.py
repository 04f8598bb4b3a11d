"""Links between racks and workers: messages arrive in order, late or never."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from maasha.rpc.deadline import within
from maasha.rpc.errors import LinkLost
from tests.simulation.time import Timers

T = TypeVar("T")

LATENCY = 0.01
"""Seconds from a process to another one."""
AGAIN = 0.5
"""Seconds until TCP sends again what did not arrive."""
SILENCE = 2.5
"""Seconds until a side that hears nothing drops its link (`maasha.rpc.pulse`)."""
DEADLINE = 10.0
"""Seconds for a call."""


class End:
    """One side of a link; what is done at the far side is done by `call`."""

    def __init__(self, timers: Timers, world: Timers, parted: Callable[[], bool]) -> None:
        self.timers = timers
        self._world = world
        self._parted = parted
        self._outbox: deque[Callable[[], None]] = deque()
        self._closed: list[Deferred[str]] = []
        self._calls: dict[Deferred[Any], None] = {}
        self._performing = 0
        self.parting = False
        """Whether no more calls are made from here."""
        self.over: str | None = None
        """Why it has ended."""
        self.far: End

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look; it fires with the reason once the link has ended."""
        waiting: Deferred[str] = Deferred()
        if self.over is not None:
            waiting.callback(self.over)
        else:
            self._closed.append(waiting)
        return waiting

    @property
    def idle(self) -> bool:
        """Whether no call is under way, either way."""
        return not self._calls and not self._performing

    @property
    def in_flight(self) -> int:
        """How many calls from here are under way."""
        return len(self._calls)

    def part(self) -> None:
        """Make no more calls; answers go on."""
        self.parting = True

    def end(self, reason: str) -> None:
        """End it here, and there as soon as that side hears of it."""
        if self.over is None:
            self.hang_up(reason)
            self.tell()

    def hang_up(self, reason: str) -> None:
        """End it without a word to this side."""
        if self.over is None:
            self.over = reason
            self.send(lambda: self.far.end(reason))

    def tell(self) -> None:
        """Tell this side that it has ended."""
        reason = self.over or ""
        for call in tuple(self._calls):
            call.errback(LinkLost(reason))
        closed, self._closed = self._closed, []
        for waiting in closed:
            waiting.callback(reason)

    def send(self, what: Callable[[], None]) -> None:
        """Have something done at the far side."""
        self._outbox.append(what)
        self._world.callLater(LATENCY, self._arrive)

    def _arrive(self) -> None:
        if self._parted():
            self._world.callLater(AGAIN, self._arrive)
        else:
            self.far.timers.callLater(0.0, self._outbox.popleft())

    def call(
        self, what: str, work: Callable[[], Awaitable[T]], deadline: float = DEADLINE
    ) -> Deferred[T]:
        """Have the far side do something; raises LinkLost, DeadlineExceeded and what it raises."""
        if self.over is not None or self.parting:
            return fail(LinkLost(self.over or "both sides are about to end it"))
        done: Deferred[T] = Deferred()
        self._calls[done] = None
        self.send(lambda: self.far.perform(work, lambda result: self._answered(done, result)))
        within(deadline, self.timers, what, done).addBoth(self._forget, done)
        return done

    def _answered(self, done: Deferred[T], result: T | Failure) -> None:
        if not done.called:
            done.callback(result)  # a Failure makes it fail

    def _forget(self, result: object, done: Deferred[Any]) -> object:
        self._calls.pop(done, None)
        return result

    def perform(
        self, work: Callable[[], Awaitable[T]], tell: Callable[[T | Failure], None]
    ) -> None:
        """Do what the far side asks for."""
        if self.over is None:
            doing: Deferred[T] = Deferred.fromCoroutine(work())  # type: ignore[arg-type]  # one
            self._performing += 1
            doing.addBoth(self._performed, tell)

    def _performed(self, result: T | Failure, tell: Callable[[T | Failure], None]) -> None:
        self._performing -= 1
        self.send(lambda: tell(result))


def kill(timers: Timers, ends: Sequence[End]) -> None:
    """Kill a process: its kernel hangs up, and what it waited for comes to an end unseen."""
    timers.dead = True
    for end in ends:
        end.hang_up("the process is gone")
    for end in ends:
        end.tell()
