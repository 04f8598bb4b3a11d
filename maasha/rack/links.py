"""Keeps the wanted number of links to region workers, each on a worker of its own.

A link that is missing is dialled at once. A worker that refuses or cannot be reached rests with
growing, jittered pauses while others are tried; so does a worker whose link breaks early. A rack
that has lost its last link tries all again at once, and soon again where nobody is there. A region
may have a link moved: the new one is made before the old one ends. Where a link goes is
`choice.py`'s business, what happens on it `duties.py`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.host.rests import Rests
from maasha.host.routine import Routine
from maasha.model.cluster import EventLoop, Move, WorkerId
from maasha.rack.choice import (
    Pick,
    Standing,
    lacking,
    next_loop,
    surplus,
)
from maasha.rack.namesakes import Namesakes
from maasha.rack.parting import Parting
from maasha.rpc.deadline import within
from maasha.rpc.errors import NotMoved, Redirect, Unreachable
from maasha.rpc.rack_side import Session

MAINTAIN_INTERVAL = 0.5
"""Seconds between looks at what is missing; a rest ends with the look that follows it."""
SEARCH_INTERVAL = 2.0
"""Seconds between searches once a worker is known: a region that is slow because a thousand racks
come back at once is not asked by each of them twice a second. What is known is dialled meanwhile.
"""
ALONE = 6
"""Failures that count of a worker where nobody is there, as long as the rack has no link: it rests
3.3 s at most then, not 11. That costs the region nothing; a worker that is there, but does not take
the rack, is left alone as long as ever."""
SETTLED = 5.0
"""Seconds that a link must have lived to count on it.

Its worker is then dialled again without a rest, and another link may be given up for it.
"""

MOST_REDIRECTS = 2
"""Workers that may send the rack on: where all are full it had better wait."""
DRAIN_LOOK = 0.05
"""Seconds between looks whether calls are under way on a link that is to end."""
SURPLUS_SECONDS = 20.0
"""For calls that are under way on a link that is one too many."""

Find = Callable[[], Awaitable[tuple[EventLoop, ...]]]
Dial = Callable[[EventLoop], Awaitable[Session]]
HandOver = Callable[[Session, Session], Awaitable[None]]
"""Has the worker of the second link act for the rack, if that of the first one does."""


@define(eq=False)
class Held:
    """A worker that has or is getting a link; `session` is None while it is dialled."""

    loop: EventLoop
    session: Session | None = None
    since: float = 0.0
    """When the link was established, by the clock."""
    parting: bool = False
    """Whether the rack has given the link up."""
    awaited: Deferred[Session] | None = None
    """Of somebody who waits for the session."""
    redirects: int = 0
    """How many full workers have led to this one."""
    led_to: Held | None = None
    """The worker that this one, which is full, has named."""
    ended: Deferred[None] = field(factory=Deferred)

    def tell(self, result: Session | Failure) -> None:
        """Tell who waits for the session what has become of it."""
        awaited, self.awaited = self.awaited, None
        if awaited is not None and not awaited.called:
            awaited.callback(result)  # a Failure makes it fail


class Links(Service):
    """Dials, holds and replaces links; tells `opened` and `closed` of each.

    `wanted` says how many links there are to be now, `keeps` whether a link is to stay when one too
    many is given up or moved, `hand_over` makes that end.
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
        keeps: Callable[[Session], bool],
        hand_over: HandOver,
    ) -> None:
        self._clock = clock
        self._wanted = wanted
        self._find = find
        self._dial = dial
        self._pick = pick
        self._rests = rests
        self._opened = opened
        self._closed = closed
        self._keeps = keeps
        self._hand_over = hand_over
        self._held: dict[str, Held] = {}
        self._complaints: dict[str, str] = {}
        self._doubted: dict[str, None] = {}  # by the time of the last failure
        self._namesakes = Namesakes()
        self._known: tuple[EventLoop, ...] = ()
        self._searched = 0.0
        self._maintaining = Routine(clock, MAINTAIN_INTERVAL, self._maintain, "links")

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions of the established links that are to stay, the oldest first."""
        return tuple(held.session for held in self._staying() if held.session is not None)

    def startService(self) -> None:
        """Begin to dial."""
        super().startService()
        self._maintaining.startService()

    def stopService(self) -> Deferred[None]:
        """Leave every link politely and give up what is being dialled."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        stopping = self._maintaining.stopService()
        if stopping is not None:
            await stopping
        holding = [held.ended for held in self._held.values()]
        for held in tuple(self._held.values()):
            if held.session is None:
                held.ended.cancel()
            else:
                await held.session.leave()
        await DeferredList(holding)

    async def migrate(self, link: Session, move: Move) -> WorkerId | None:
        """Make a link to another worker, and then end `link`: calls on it end first.

        Gives the new worker when its link stands, None where the link goes nowhere and just ends.
        Raises NotMoved; nothing has changed then.
        """
        end = self._clock.seconds() + move.seconds
        old = self._held_by(link)
        if move.to is None:
            new = self._another_than(old)
        else:
            new = await self._dial_for(move.to, move.seconds)
        old.parting = True
        self._see_to(self._succeed(old, new, end, move.reason))
        return None if move.to is None else new.welcome.worker

    def _another_than(self, old: Held) -> Session:
        for session in self.sessions:
            if session is not old.session:
                return session
        raise NotMoved("it is the rack's only link")

    async def _dial_for(self, to: EventLoop, seconds: float) -> Session:
        if to.name in self._held:
            raise NotMoved(f"the rack has a link to {to.name}, or is making one")
        awaited: Deferred[Session] = Deferred()
        new: Held | None = self._begin(to, awaited)
        try:
            return await within(seconds, self._clock, "migrate", awaited)
        except Exception as error:
            while new is not None:
                if new.session is None:
                    new.ended.cancel()
                new = new.led_to
            raise NotMoved(f"no link to {to.name}: {error}") from error

    def _see_to(self, ending: Coroutine[Deferred[Any], Any, None]) -> None:
        """Have a link end, whatever else happens."""
        ended = Deferred.fromCoroutine(ending)
        ended.addErrback(lambda failure: self.log.failure("the end of a link", failure))

    def _held_by(self, link: Session) -> Held:
        for held in self._staying():
            if held.session is link:
                return held
        raise NotMoved("the rack has given it up already")

    async def _succeed(self, old: Held, new: Session, end: float, reason: str) -> None:
        """Leave a link while another stands, which gets the ownership first.

        Where that one ends before both sides have agreed on it, the old link stays.
        """
        session, ended = old.session, new.closed
        if session is None:
            return
        if self._keeps(session):
            await self._hand_over(session, new)
        if await self._comes_to_rest(session, end, lambda: ended.called, self._keeps):
            await session.leave(reason)
        else:
            old.parting = False

    async def _comes_to_rest(
        self,
        session: Session,
        end: float,
        recalled: Callable[[], bool],
        keeps: Callable[[Session], bool],
    ) -> bool:
        """Wait until no more calls are made on a link, or it is time; gives False if recalled.

        As long as the rack `keeps` it calls go on.
        """
        parting = Parting(session)
        while (left := end - self._clock.seconds()) > 0:
            if not keeps(session) and await parting.at_rest(left):
                break
            await deferLater(self._clock, DRAIN_LOOK)
            if recalled() and not parting.may_be:
                return False
        return parting.may_be or not recalled()

    async def _maintain(self) -> None:
        self._give_up_surplus()
        if not lacking(self._standing()):
            return
        ready = await self._ready()
        while loop := next_loop(ready, self._standing(), self._pick):
            ready.remove(loop)
            self._begin(loop)

    def _give_up_surplus(self) -> None:
        """Leave one link where more than wanted have lasted."""
        lasting = {
            held.loop: held.session
            for held in self._staying()
            if held.session is not None and self._lasts(held)
        }
        kept = [loop for loop, session in lasting.items() if self._keeps(session)]
        spare = surplus(tuple(lasting), self._wanted(), kept)
        if spare is not None:
            held = self._held[spare.name]
            held.parting = True
            self._see_to(self._part_with(held, lasting[spare]))

    async def _part_with(self, held: Held, session: Session) -> None:
        """Leave a link that is one too many; it stays where no other one stands any more."""
        end = self._clock.seconds() + SURPLUS_SECONDS
        if await self._comes_to_rest(session, end, lambda: not self.sessions, self._keeps):
            await session.leave("links spread better without it")  # `_hold` sees its end
        else:
            held.parting = False

    async def _ready(self) -> list[EventLoop]:
        """Search, and give the workers that do not rest."""
        now = self._clock.seconds()
        if not self._known or now - self._searched >= SEARCH_INTERVAL:
            self._searched, self._known = now, await self._find()
            self._forget_all_but([*self._known, *(held.loop for held in self._held.values())])
        now = self._clock.seconds()
        linked = self._namesakes.of(self._linked())
        awake = [loop for loop in self._known if not self._rests.resting(loop.name, now)]
        return [loop for loop in awake if loop.name not in linked]

    def _forget_all_but(self, loops: list[EventLoop]) -> None:
        names = {loop.name for loop in loops}
        self._rests.keep(names)
        self._namesakes.keep(names)
        self._complaints = {name: why for name, why in self._complaints.items() if name in names}
        regions = {loop.region for loop in loops}
        self._doubted = {region: None for region in self._doubted if region in regions}

    def _staying(self) -> list[Held]:
        return [held for held in self._held.values() if not held.parting]

    def _linked(self) -> dict[WorkerId, Session]:
        """Give the links by worker, those that are given up and not yet gone among them."""
        sessions = [held.session for held in self._held.values()]
        return {session.welcome.worker: session for session in sessions if session is not None}

    def _lasts(self, held: Held) -> bool:
        return self._clock.seconds() - held.since >= SETTLED

    def _standing(self) -> Standing:
        staying = self._staying()
        return Standing(
            self._wanted(),
            linked=tuple(held.loop for held in staying if held.session is not None),
            dialled=tuple(held.loop for held in staying if held.session is None),
            parting=tuple(held.loop for held in self._held.values() if held.parting),
            doubted=tuple(self._doubted),
        )

    def _begin(self, loop: EventLoop, awaited: Deferred[Session] | None = None) -> Held:
        held = self._held[loop.name] = Held(loop, awaited=awaited)
        self._live(held)
        return held

    def _live(self, held: Held) -> None:
        held.ended = Deferred.fromCoroutine(self._hold(held))
        held.ended.addErrback(self._complain, held).addBoth(lambda _: self._end(held))

    async def _hold(self, held: Held) -> None:
        """Live one link's whole life."""
        name = held.loop.name
        session = await self._dial(held.loop)
        elder = self._linked().get(session.welcome.worker)
        held.session = session
        if elder is not None and await self._leave_twin(held, session, elder):
            return
        held.since = self._clock.seconds()
        self.log.info("linked to {name}", name=name)
        self._complaints.pop(name, None)
        try:
            self._opened(session)
        except Exception:
            session.abort("the rack could not take the link up")
            raise
        self._doubted.pop(held.loop.region, None)
        held.tell(session)
        reason = await session.closed
        held.session = None
        self.log.info("the link to {name} ended: {reason}", name=name, reason=reason)
        self._closed(session, reason)
        if not self._lasts(held):
            self._fail(held.loop)
        elif self.sessions:
            self._rests.succeeded(name)
        else:  # whoever failed lately may be there again
            self._rests.keep(())

    async def _leave_twin(self, held: Held, session: Session, elder: Session) -> bool:
        """End a link to a worker that has one already; gives False where that one ends first."""
        name, theirs, ours = held.loop.name, elder.closed, session.closed
        self._namesakes.met(name, session.welcome.worker)
        self.log.info("{name} is a worker that has a link, by another name", name=name)
        held.parting = True
        held.tell(Failure(NotMoved("the rack has a link to it, by another name")))
        end = self._clock.seconds() + SURPLUS_SECONDS

        def recalled() -> bool:
            return theirs.called and not ours.called

        if await self._comes_to_rest(session, end, recalled, lambda _: False):
            await session.leave("the rack has a link to this worker")
            held.session = None
            return True
        held.parting = False
        return False

    def _fail(self, loop: EventLoop, *, absent: bool = False) -> float:
        """Let the worker rest, and doubt its region; gives the seconds. `absent`: not there."""
        self._doubted.pop(loop.region, None)
        self._doubted[loop.region] = None
        most = ALONE if absent and not self.sessions else None
        return self._rests.failed(loop.name, self._clock.seconds(), most)

    def _complain(self, failure: Failure, held: Held) -> None:
        """Rest after a failed dial; say so when the reason is a new one."""
        if isinstance(failure.value, Redirect) and self._is_followed(failure.value, held):
            return
        held.tell(failure)
        if failure.check(CancelledError):
            return
        name, reason = held.loop.name, failure.getErrorMessage()
        seconds = self._fail(held.loop, absent=failure.check(Unreachable) is not None)
        if self._complaints.get(name) != reason:
            self._complaints[name] = reason
            self.log.warn(
                "no link to {name}: {reason}; again in {seconds:.1f} s, then quietly",
                name=name,
                reason=reason,
                seconds=seconds,
            )

    def _is_followed(self, redirect: Redirect, held: Held) -> bool:
        """Let a full worker rest and try the one that it names, unless that goes on and on."""
        to = redirect.to
        if held.redirects >= MOST_REDIRECTS or to.name in self._held:
            return False
        self._rests.failed(held.loop.name, self._clock.seconds())
        again = Held(to, awaited=held.awaited, redirects=held.redirects + 1)
        self._held[to.name] = held.led_to = again
        self._live(again)
        return True

    def _end(self, held: Held) -> None:
        if self._held.get(held.loop.name) is held:
            del self._held[held.loop.name]
        self._maintaining.wake()
