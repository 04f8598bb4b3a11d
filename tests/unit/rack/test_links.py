"""A rack keeps its links: what is missing is dialled, what fails rests, what breaks is replaced."""

from __future__ import annotations

from typing import cast

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from maasha.host.rests import Rests
from maasha.rack.discovery import EventLoop
from maasha.rack.links import MAINTAIN_INTERVAL, SETTLED, Links
from maasha.rpc import rack_side
from maasha.rpc.errors import Unreachable
from tests.unit.rack.stand_ins import Session, loop, welcome
from tests.unit.rpc.parts import Listener

LOOPS = (loop("a", 1), loop("a", 2), loop("b", 3))
REST = 4.0


@define(eq=False)
class Net:
    """Workers that a test lets answer; `down` are those that cannot be reached."""

    clock: Clock = field(factory=Clock)
    known: tuple[EventLoop, ...] = LOOPS
    wanted: int = 2
    down: set[str] = field(factory=set)
    hanging: bool = False
    searches: int = 0
    searching: Deferred[None] | None = None
    refusing: Exception | None = None
    dialled: list[str] = field(factory=list)
    sessions: dict[str, Session] = field(factory=dict)
    opened: list[rack_side.Session] = field(factory=list)
    closed: list[str] = field(factory=list)

    def links(self) -> Links:
        """Give started links on this net."""
        made = Links(
            self.clock,
            lambda: self.wanted,
            self.find,
            self.dial,
            lambda several: several[0],
            Rests(lambda _: REST),
            self.take_up,
            lambda _, reason: self.closed.append(reason),
        )
        made.startService()
        return made

    def take_up(self, session: rack_side.Session) -> None:
        """Hear of an established link."""
        if self.refusing is not None:
            raise self.refusing
        self.opened.append(session)

    async def find(self) -> tuple[EventLoop, ...]:
        """Search."""
        self.searches += 1
        if self.searching is not None:
            await self.searching
        return self.known

    async def dial(self, wanted: EventLoop) -> rack_side.Session:
        """Link to a worker."""
        self.dialled.append(wanted.name)
        if self.hanging:
            await Deferred()
        if wanted.name in self.down:
            raise Unreachable("refused")
        session = self.sessions[wanted.name] = Session(welcome(len(self.dialled)))
        return cast(rack_side.Session, session)

    def live(self, links: Links) -> set[str]:
        """Name the workers that are linked."""
        names = {id(session): name for name, session in self.sessions.items()}
        return {names[id(session)] for session in links.sessions}


@pytest.fixture
def net() -> Net:
    """Give a net of two regions, with one and two workers."""
    return Net()


def test_the_wanted_links_are_made_at_once_on_different_regions(net: Net) -> None:
    """No timer has to pass for the first links."""
    links = net.links()
    assert net.live(links) == {"a:pid=1", "b:pid=3"}
    assert len(net.opened) == 2


def test_nothing_is_searched_while_no_link_is_missing(net: Net) -> None:
    """A rack at rest asks no region anything."""
    net.links()
    searches = net.searches
    net.clock.advance(10 * MAINTAIN_INTERVAL)
    assert net.searches == searches


def test_a_broken_link_is_replaced(net: Net) -> None:
    """Another worker gets the link at once, the broken one after its rest."""
    links = net.links()
    net.sessions["b:pid=3"].break_off("gone")
    net.clock.advance(MAINTAIN_INTERVAL)
    assert net.closed == ["gone"]
    assert net.live(links) == {"a:pid=1", "a:pid=2"}


def test_a_worker_that_cannot_be_reached_rests(net: Net) -> None:
    """It is dialled again when its rest is over, not before."""
    net.down = {"b:pid=3"}
    net.known = (LOOPS[2],)
    net.links()
    net.clock.advance(REST - MAINTAIN_INTERVAL)
    assert net.dialled == ["b:pid=3"]
    net.down = set()
    net.clock.pump([MAINTAIN_INTERVAL] * 3)
    assert net.dialled == ["b:pid=3"] * 2


def test_an_unreachable_region_does_not_keep_a_rack_from_the_other(net: Net) -> None:
    """Two links on one region are better than one."""
    net.down = {"b:pid=3"}
    links = net.links()
    net.clock.advance(MAINTAIN_INTERVAL)
    assert net.live(links) == {"a:pid=1", "a:pid=2"}


def test_a_link_that_breaks_early_makes_its_worker_rest(net: Net) -> None:
    """A worker that accepts and hangs up is not dialled in a hot loop."""
    net.known, net.wanted = (LOOPS[0],), 1
    net.links()
    net.sessions["a:pid=1"].break_off("not today")
    net.clock.advance(MAINTAIN_INTERVAL)
    assert net.dialled == ["a:pid=1"]
    net.clock.pump([MAINTAIN_INTERVAL] * int(REST / MAINTAIN_INTERVAL))
    assert len(net.dialled) == 2


def test_a_link_that_has_lived_is_dialled_again_at_once(net: Net) -> None:
    """A region that restarts gets its racks back without delay."""
    net.known, net.wanted = (LOOPS[0],), 1
    net.links()
    net.clock.advance(SETTLED)
    net.sessions["a:pid=1"].break_off("restart")
    net.clock.advance(MAINTAIN_INTERVAL)
    assert len(net.dialled) == 2


def test_more_links_are_made_when_more_are_wanted(net: Net) -> None:
    """A rack that has just got its name wants its second link."""
    net.wanted = 1
    links = net.links()
    net.wanted = 2
    net.clock.advance(MAINTAIN_INTERVAL)
    assert len(links.sessions) == 2


def test_stopping_leaves_every_link(net: Net) -> None:
    """The regions hear of it, and nothing is dialled any more."""
    links = net.links()
    sessions = dict(net.sessions)
    stopped = links.stopService()
    assert stopped.called
    assert all(session.left for session in sessions.values())
    net.clock.advance(100)
    assert len(net.dialled) == 2


def test_stopping_gives_up_what_is_being_dialled(net: Net) -> None:
    """A worker that never answers holds nobody up."""
    net.hanging = True
    assert net.links().stopService().called


def test_a_link_that_cannot_be_taken_up_is_ended(net: Net) -> None:
    """A disk that is full leaves no link that nobody serves; its worker rests."""
    net.refusing = OSError("No space left on device")
    net.known, net.wanted = (LOOPS[0],), 1
    links = net.links()
    assert links.sessions == ()
    assert net.sessions["a:pid=1"].aborted
    net.refusing = None
    net.clock.pump([MAINTAIN_INTERVAL] * (int(REST / MAINTAIN_INTERVAL) + 1))
    assert net.live(links) == {"a:pid=1"}


def test_a_worker_is_complained_about_once(net: Net, log: Listener) -> None:
    """A rack that waits a night for its region does not fill the disk."""
    net.known, net.wanted, net.down = (LOOPS[0],), 1, {"a:pid=1"}
    net.links()
    net.clock.pump([MAINTAIN_INTERVAL] * 60)
    assert len(net.dialled) > 5
    assert len([line for line in log.lines if line.startswith("no link to a:pid=1")]) == 1


def test_stopping_during_a_search_begins_no_link(net: Net) -> None:
    """The regions may be slow to answer; nobody waits for them."""
    net.searching = Deferred()
    assert net.links().stopService().called
    net.clock.advance(100)
    assert net.dialled == []
