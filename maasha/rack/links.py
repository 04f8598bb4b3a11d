"""Keeps the wanted number of links to region workers, each on a worker of its own.

A link that is missing is dialled at once. A worker that refuses or cannot be reached rests with
growing, jittered pauses while others are tried; so does a worker whose link breaks early. Where a
link goes is `choice.py`'s business, what happens on it `duties.py`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.host.rests import Rests
from maasha.host.routine import Routine
from maasha.rack.choice import Pick, next_loop
from maasha.rack.discovery import EventLoop
from maasha.rpc.rack_side import Session

MAINTAIN_INTERVAL = 0.5
"""Seconds between looks at what is missing; a rest ends with the look that follows it."""
SETTLED = 5.0
"""Seconds that a link must have lived for its worker to be dialled again without a rest."""

Find = Callable[[], Awaitable[tuple[EventLoop, ...]]]
Dial = Callable[[EventLoop], Awaitable[Session]]


@define(eq=False)
class Held:
    """A worker that has or is getting a link; `session` is None while it is dialled."""

    loop: EventLoop
    session: Session | None = None
    ended: Deferred[None] = field(factory=Deferred)


class Links(Service):
    """Dials, holds and replaces links; tells `opened` and `closed` of each.

    `wanted` says how many links there are to be now.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wanted: Callable[[], int],
        find: Find,
        dial: Dial,
        pick: Pick,
        rests: Rests[str],
        opened: Callable[[Session], None],
        closed: Callable[[Session, str], None],
    ) -> None:
        self._clock = clock
        self._wanted = wanted
        self._find = find
        self._dial = dial
        self._pick = pick
        self._rests = rests
        self._opened = opened
        self._closed = closed
        self._held: dict[str, Held] = {}
        self._complaints: dict[str, str] = {}
        self._maintaining = Routine(clock, MAINTAIN_INTERVAL, self._maintain, "links")

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions of the established links, the oldest first."""
        return tuple(held.session for held in self._held.values() if held.session is not None)

    def startService(self) -> None:
        """Begin to dial."""
        super().startService()
        self._maintaining.startService()

    def stopService(self) -> Deferred[None]:
        """Leave every link politely and give up what is being dialled."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        maintaining = self._maintaining.stopService()
        if maintaining is not None:
            await maintaining
        holding = [held.ended for held in self._held.values()]
        for held in tuple(self._held.values()):
            if held.session is None:
                held.ended.cancel()
            else:
                await held.session.leave()
        await DeferredList(holding)

    async def _maintain(self) -> None:
        wanted = self._wanted()
        if len(self._held) >= wanted:
            return
        known = await self._find()
        now = self._clock.seconds()
        ready = [loop for loop in known if not self._rests.resting(loop.name, now)]
        while loop := next_loop(ready, self._loops(), wanted, self._pick):
            ready.remove(loop)
            self._begin(loop)

    def _loops(self) -> list[EventLoop]:
        return [held.loop for held in self._held.values()]

    def _begin(self, loop: EventLoop) -> None:
        held = self._held[loop.name] = Held(loop)
        held.ended = Deferred.fromCoroutine(self._hold(held))
        held.ended.addErrback(self._complain, held).addBoth(lambda _: self._end(held))

    async def _hold(self, held: Held) -> None:
        """Live one link's whole life."""
        name = held.loop.name
        session = held.session = await self._dial(held.loop)
        opened = self._clock.seconds()
        self.log.info("linked to {name}", name=name)
        self._complaints.pop(name, None)
        try:
            self._opened(session)
        except Exception:
            session.abort("the rack could not take the link up")
            raise
        reason = await session.closed
        held.session = None
        self.log.info("the link to {name} ended: {reason}", name=name, reason=reason)
        self._closed(session, reason)
        if self._clock.seconds() - opened >= SETTLED:
            self._rests.succeeded(name)
        else:
            self._rests.failed(name, self._clock.seconds())

    def _complain(self, failure: Failure, held: Held) -> None:
        """Rest after a failed dial; say so when the reason is a new one."""
        if failure.check(CancelledError):
            return
        name, reason = held.loop.name, failure.getErrorMessage()
        seconds = self._rests.failed(name, self._clock.seconds())
        if self._complaints.get(name) != reason:
            self._complaints[name] = reason
            self.log.warn(
                "no link to {name}: {reason}; again in {seconds:.1f} s, then quietly",
                name=name,
                reason=reason,
                seconds=seconds,
            )

    def _end(self, held: Held) -> None:
        if self._held.get(held.loop.name) is held:
            del self._held[held.loop.name]
        self._maintaining.wake()
