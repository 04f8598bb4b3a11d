"""A rack keeps its links: what is missing is dialled, what fails rests, what crowds is spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import cast

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from maasha.host.rests import Rests
from maasha.model.cluster import EventLoop, Move, WorkerId
from maasha.rack.choice import Pick
from maasha.rack.dialling import CONNECT_TIMEOUT
from maasha.rack.links import DRAIN_LOOK, MAINTAIN_INTERVAL, SEARCH_INTERVAL, SETTLED, Links
from maasha.rpc import rack_side
from maasha.rpc.errors import NotMoved, Redirect, Unreachable
from tests.unit.rack.stand_ins import Session, loop, welcome
from tests.unit.rpc.parts import Listener, error_of, value_of, waits

LOOPS = (loop("a", 1), loop("a", 2), loop("b", 3))
REST = 4.0


@define(eq=False)
class Watched(Session):
    """A link that says when the rack gives it up; a `lingering` one does not end then."""

    given_up: Callable[[], None] = lambda: None
    lingering: bool = False
    over: bool = False

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
    hanging: bool = False
    full: dict[str, EventLoop] = field(factory=dict)
    """Workers that are full, and where they send racks."""
    pick: Pick = lambda several: several[0]
    owner: str = ""
    searches: int = 0
    searching: Deferred[None] | None = None
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
            Rests(lambda _: REST),
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
        if self.hanging:
            await Deferred()
        if wanted.region in self.cut:
            await deferLater(self.clock, CONNECT_TIMEOUT)
        if name in self.full:
            raise Redirect(self.full[name])
        if name in self.down or wanted.region in self.cut:
            raise Unreachable("refused")
        session = self.sessions[name] = Watched(
            welcome(len(self.dialled)),
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
    """A rack whose links are spread asks no region anything."""
    net.links()
    searches = net.searches
    net.wait(120)
    assert net.searches == searches


def test_while_a_dial_is_under_way_searches_are_rare(net: Net) -> None:
    """A region that answers slowly is not asked for its workers twice a second by every rack.

    Where the missing link may go elsewhere meanwhile is tried as often as ever.
    """
    net.wanted, net.down = 1, {"a:pid=1"}
    net.known = LOOPS[:1]
    net.links()
    net.known, net.hanging = LOOPS[:2], True
    net.clock.advance(REST)
    searched, dialled = net.searches, len(net.dialled)
    net.clock.pump([MAINTAIN_INTERVAL] * round(3 * SEARCH_INTERVAL / MAINTAIN_INTERVAL))
    assert net.searches - searched <= 3
    assert len(net.dialled) == dialled


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


def test_workers_that_are_gone_are_forgotten(net: Net, log: Listener) -> None:
    """Their names have the numbers of processes; a rack that lives for years has met many."""
    net.known, net.down = (LOOPS[0],), {"a:pid=1"}
    net.links()
    net.known = ()
    net.wait(MAINTAIN_INTERVAL)
    net.known = (LOOPS[0],)
    net.wait(MAINTAIN_INTERVAL)
    assert net.dialled == ["a:pid=1"] * 2
    assert len([line for line in log.lines if line.startswith("no link to a:pid=1")]) == 2


def moving(net: Net, links: Links, name: str, to: EventLoop) -> Deferred[WorkerId]:
    """Have a link moved within 20 s."""
    worker = net.sessions[name].welcome.worker
    return Deferred.fromCoroutine(links.migrate(worker, Move(to, 20.0, "evening")))


def test_a_link_is_moved_by_making_the_new_one_first(net: Net) -> None:
    """The old one is left when the new one stands."""
    links = net.links()
    moved = moving(net, links, "a:pid=1", LOOPS[1])
    assert value_of(moved) == net.sessions["a:pid=2"].welcome.worker
    assert net.live(links) == {"a:pid=2", "b:pid=3"}
    assert net.given_up == [("a:pid=1", 3)]
    assert net.handed_over == []
    net.wait(100)
    assert len(net.dialled) == 3


def test_a_link_that_is_moved_ends_its_calls_first(net: Net) -> None:
    """New calls go over the new link meanwhile; in the end its time is over."""
    links = net.links()
    old = net.sessions["a:pid=1"]
    old.idle = False
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    net.wait(10)
    assert not old.left
    assert net.live(links) == {"a:pid=2", "b:pid=3"}
    net.wait(10)
    assert old.left
    later = net.sessions["b:pid=3"]
    later.idle = False
    value_of(moving(net, links, "b:pid=3", LOOPS[0]))
    later.idle = True
    net.clock.advance(DRAIN_LOOK)
    assert later.left


def test_a_link_stays_if_its_successor_ends_first(net: Net) -> None:
    """While calls on the old one end; a rack with one link would have none."""
    net.wanted, net.known = 1, LOOPS[:1]
    links = net.links()
    old = net.sessions["a:pid=1"]
    old.idle = False
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    net.sessions["a:pid=2"].break_off("gone")
    net.clock.advance(DRAIN_LOOK)
    net.wait(30)
    assert not old.left
    assert net.live(links) == {"a:pid=1"}


def test_a_move_that_takes_too_long_leaves_no_dial_behind(net: Net) -> None:
    """Nor one to where a full worker has led."""
    links = net.links()
    net.full, net.cut = {"a:pid=2": loop("c", 7)}, {"c"}
    worker = net.sessions["a:pid=1"].welcome.worker
    moved = Deferred.fromCoroutine(links.migrate(worker, Move(LOOPS[1], 1.0, "evening")))
    net.wait(1)
    assert isinstance(error_of(moved), NotMoved)
    net.cut = set()
    net.wait(CONNECT_TIMEOUT)
    assert net.live(links) == {"a:pid=1", "b:pid=3"}


def test_the_owners_link_is_handed_over_before_it_ends(net: Net) -> None:
    """A rack is never without somebody who acts for it."""
    links = net.links()
    net.owner = "a:pid=1"
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    assert net.handed_over == [("a:pid=1", "a:pid=2")]
    assert net.given_up == [("a:pid=1", 3)]


def test_a_link_stays_where_the_new_one_does_not_come_about(net: Net) -> None:
    """A worker that refuses, or that never answers, costs nothing; nor does its late answer."""
    links = net.links()
    net.down = {"a:pid=2"}
    refused = error_of(moving(net, links, "a:pid=1", LOOPS[1]))
    assert "stays where it is: no link to a:pid=2: no connection: refused" in str(refused)
    net.down, net.hanging = set(), True
    hanging = moving(net, links, "a:pid=1", LOOPS[1])
    net.wait(20)
    assert isinstance(error_of(hanging), NotMoved)
    assert net.live(links) == {"a:pid=1", "b:pid=3"}
    assert net.given_up == []


def test_what_cannot_be_moved_is_told(net: Net) -> None:
    """A link that is gone, and a worker that has a link of this rack's."""
    links = net.links()
    assert "has a link to b:pid=3" in str(error_of(moving(net, links, "a:pid=1", LOOPS[2])))
    moving(net, links, "a:pid=1", LOOPS[1])
    assert "given it up" in str(error_of(moving(net, links, "a:pid=1", LOOPS[0])))


def test_a_full_worker_leads_to_another(net: Net) -> None:
    """Which need not be known; the full one rests."""
    net.wanted = 1
    net.full = {"a:pid=1": loop("c", 7)}
    links = net.links()
    assert net.live(links) == {"c:pid=7"}
    net.sessions["c:pid=7"].break_off("gone")
    net.wait(MAINTAIN_INTERVAL)
    assert net.live(links) == {"a:pid=2"}


def test_two_full_workers_are_enough(net: Net) -> None:
    """The third one is complained about as any other that does not take the rack."""
    net.wanted, net.known = 1, LOOPS[:1]
    net.full = {"a:pid=1": LOOPS[1], "a:pid=2": LOOPS[2], "b:pid=3": loop("c", 7)}
    links = net.links()
    assert net.dialled == ["a:pid=1", "a:pid=2", "b:pid=3"]
    assert net.live(links) == set()
    net.full.clear()
    net.wait(REST + MAINTAIN_INTERVAL)
    assert net.live(links) == {"a:pid=1"}


def test_a_worker_that_has_a_link_is_no_way_out(net: Net) -> None:
    """Two full ones that name each other are both left alone."""
    net.full = {"b:pid=3": LOOPS[0]}
    links = net.links()
    assert net.live(links) == {"a:pid=1", "a:pid=2"}


def test_a_move_follows_to_another_worker(net: Net) -> None:
    """Whoever waits for it hears where the link is."""
    links = net.links()
    net.full = {"a:pid=2": loop("c", 7)}
    moved = moving(net, links, "a:pid=1", LOOPS[1])
    assert value_of(moved) == net.sessions["c:pid=7"].welcome.worker
    assert net.live(links) == {"c:pid=7", "b:pid=3"}


def test_a_link_that_breaks_while_it_is_moved_is_moved_all_the_same(net: Net) -> None:
    """The dial that is under way brings the link that is missing."""
    links = net.links()
    net.known = LOOPS[:2]
    net.cut = {"a"}
    moved = moving(net, links, "a:pid=1", LOOPS[1])
    net.cut = set()
    net.sessions["a:pid=1"].break_off("gone")
    assert waits(moved)
    net.wait(CONNECT_TIMEOUT)
    assert value_of(moved) == net.sessions["a:pid=2"].welcome.worker
    assert net.live(links) == {"a:pid=2", "b:pid=3"}


workers = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), min_size=1).map(
    lambda sizes: tuple(loop(region, n) for region in sorted(sizes) for n in range(sizes[region]))
)
wanteds = st.integers(1, 4)
regions = st.sampled_from("abcd")
picks = st.integers().map(lambda seed: Random(seed).choice)


@settings(deadline=None)
@given(workers, wanteds, st.sets(regions), picks)
def test_unreachable_regions_cost_seconds_only(
    known: tuple[EventLoop, ...], wanted: int, cut: set[str], pick: Pick
) -> None:
    """A rack waits at most once for each of them, and has its links where it can have them."""
    net = Net(known=known, wanted=wanted, cut=cut, pick=pick)
    net.links()
    unreachable = {each.region for each in known} & cut
    net.wait(len(unreachable) * CONNECT_TIMEOUT + MAINTAIN_INTERVAL)
    reachable = [each for each in known if each.region not in cut]
    assert len(net.standing()) == min(wanted, len(reachable))


@define(eq=False)
class History:
    """Whatever befalls a cluster, as it is drawn."""

    net: Net
    data: st.DataObject

    def happen(self) -> None:
        """Cut a region off, let it back, or break a link; then let time pass."""
        match self.data.draw(st.sampled_from(("cut", "restore", "break", "install"))):
            case "cut":
                self.net.cut_off(self.data.draw(regions))
            case "restore":
                self.net.cut.clear()
            case "break" if standing := self.net.standing():
                broken = self.data.draw(st.sampled_from(standing))
                self.net.sessions[broken].break_off("gone")
            case _:
                self.net.known = tuple({*self.net.known, loop(self.data.draw(regions), 9)})
        self.net.owner = min(self.net.standing(), default="")
        self.net.wait(self.data.draw(st.sampled_from((0.5, 2.0, 5.0, 12.0))))


@settings(deadline=None, max_examples=25)
@given(workers, wanteds, picks, st.data())
def test_whatever_happens_links_are_kept_and_come_to_rest(
    known: tuple[EventLoop, ...], wanted: int, pick: Pick, data: st.DataObject
) -> None:
    """None is left that is needed, nor the owner's; and once quiet, nothing moves any more."""
    net = Net(known=known, wanted=wanted, pick=pick)
    net.links()
    history = History(net, data)
    for _ in range(data.draw(st.integers(0, 8))):
        history.happen()
    net.wait(100)
    assert all(had > wanted for _, had in net.given_up)
    reachable = Counter(each.region for each in net.known if each.region not in net.cut)
    links = net.regions()
    assert links.total() == min(wanted, reachable.total())
    moves = (len(net.opened), len(net.given_up))
    net.wait(60)
    assert (len(net.opened), len(net.given_up)) == moves
