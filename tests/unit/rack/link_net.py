"""Workers and regions that a rack's links lead to, as a test lets them answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import cast

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from maasha.host.rests import Rests
from maasha.model.cluster import EventLoop
from maasha.rack.choice import Pick
from maasha.rack.dialling import CONNECT_TIMEOUT
from maasha.rack.links import MAINTAIN_INTERVAL, Links
from maasha.rpc import rack_side
from maasha.rpc.errors import LinkLost, Redirect, Unavailable, Unreachable
from tests.unit.rack.stand_ins import Session, loop, welcome

LOOPS = (loop("a", 1), loop("a", 2), loop("b", 3))
REST = 4.0


@define(eq=False)
class Watched(Session):
    """A link that says when the rack gives it up; a `lingering` one does not end then."""

    given_up: Callable[[], None] = lambda: None
    lingering: bool = False
    over: bool = False

    async def farewell(self, deadline: float) -> bool:
        """Have no more calls made."""
        if self.over:
            raise LinkLost("it has ended")
        return await super().farewell(deadline)

    def leave(self, reason: str = "left") -> Deferred[str]:
        """End it politely."""
        self.given_up()
        if not self.lingering:
            return super().leave(reason)
        self.left = True
        return self.closed

    def break_off(self, reason: str) -> None:
        """End it."""
        self.over = True
        super().break_off(reason)


@define(eq=False)
class Net:
    """Workers and regions that a test lets answer.

    `down` are workers that refuse at once, `cut` regions whose dials end with a timeout.
    """

    clock: Clock = field(factory=Clock)
    known: tuple[EventLoop, ...] = LOOPS
    wanted: int = 2
    down: set[str] = field(factory=set)
    cut: set[str] = field(factory=set)
    refused: set[str] = field(factory=set)
    """Workers that are there, and take no racks now."""
    hanging: bool = False
    delay: Callable[[int], float] = lambda _: REST
    """How long a worker rests after so many failures."""
    full: dict[str, EventLoop] = field(factory=dict)
    """Workers that are full, and where they send racks."""
    pick: Pick = lambda several: several[0]
    owner: str = ""
    searches: int = 0
    searching: Deferred[None] | None = None
    leads_to: dict[str, int] = field(factory=dict)
    """Names that lead to the worker of this number; each other name is a worker of its own."""
    busy: set[str] = field(factory=set)
    """Workers that have a call under way on each new link."""
    refusing: Exception | None = None
    dialled: list[str] = field(factory=list)
    sessions: dict[str, Watched] = field(factory=dict)
    opened: list[rack_side.Session] = field(factory=list)
    closed: list[str] = field(factory=list)
    handed_over: list[tuple[str, str]] = field(factory=list)
    given_up: list[tuple[str, int]] = field(factory=list)
    """Which worker's link the rack left, and how many it had then."""

    def links(self) -> Links:
        """Give started links on this net."""
        made = Links(
            self.clock,
            lambda: self.wanted,
            self.find,
            self.dial,
            self.pick,
            Rests(self.delay),
            self.take_up,
            lambda _, reason: self.closed.append(reason),
            lambda session: cast(Watched, session) is self.sessions.get(self.owner),
            self.hand_over,
        )
        made.startService()
        return made

    def take_up(self, session: rack_side.Session) -> None:
        """Hear of an established link."""
        if self.refusing is not None:
            raise self.refusing
        self.opened.append(session)

    async def hand_over(self, old: rack_side.Session, new: rack_side.Session) -> None:
        """Have another worker own the rack."""
        self.handed_over.append((self.name_of(old), self.name_of(new)))
        self.owner = self.name_of(new)

    def name_of(self, session: rack_side.Session) -> str:
        """Name the worker of a link."""
        (name,) = (name for name, one in self.sessions.items() if one is cast(Watched, session))
        return name

    async def find(self) -> tuple[EventLoop, ...]:
        """Search; a test may have one search wait."""
        self.searches += 1
        searching, self.searching = self.searching, None
        if searching is not None:
            await searching
        return self.known

    async def dial(self, wanted: EventLoop) -> rack_side.Session:
        """Link to a worker."""
        name = wanted.name
        self.dialled.append(name)
        worker = self.leads_to.get(name, len(self.dialled))
        if self.hanging:
            await Deferred()
        if wanted.region in self.cut:
            await deferLater(self.clock, CONNECT_TIMEOUT)
        if name in self.full:
            raise Redirect(self.full[name])
        if name in self.refused:
            raise Unavailable("no database", 2.0)
        if name in self.down or wanted.region in self.cut:
            raise Unreachable("refused")
        session = self.sessions[name] = Watched(
            welcome(worker),
            calls=int(name in self.busy),
            given_up=lambda: self.given_up.append((name, len(self.standing()))),
        )
        return cast(rack_side.Session, session)

    def live(self, links: Links) -> set[str]:
        """Name the workers that are linked."""
        names = {id(session): name for name, session in self.sessions.items()}
        return {names[id(session)] for session in links.sessions}

    def wait(self, seconds: float) -> None:
        """Let time pass as a reactor does."""
        self.clock.pump([MAINTAIN_INTERVAL] * round(seconds / MAINTAIN_INTERVAL))

    def standing(self) -> list[str]:
        """Name the workers that have a link, as they see it."""
        return [name for name, session in self.sessions.items() if not session.over]

    def regions(self) -> Counter[str]:
        """Count the links to each region."""
        return Counter(name.partition(":")[0] for name in self.standing())

    def cut_off(self, region: str) -> None:
        """Let nothing through to a region any more; its links break."""
        self.cut.add(region)
        for name in self.standing():
            if name.partition(":")[0] == region:
                self.sessions[name].break_off("silent")
