"""A rack keeps its links: what is missing is dialled, what fails rests, what crowds is spread."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from maasha.model.cluster import EventLoop
from maasha.rack.choice import Pick
from maasha.rack.dialling import CONNECT_TIMEOUT
from maasha.rack.links import ALONE, DRAIN_LOOK, MAINTAIN_INTERVAL, SEARCH_INTERVAL, SETTLED
from tests.unit.rack.link_net import LOOPS, REST, Net
from tests.unit.rack.stand_ins import loop
from tests.unit.rpc.parts import Listener


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


def test_a_rack_without_a_link_lets_nobody_rest_for_long(net: Net) -> None:
    """Where nobody is there it tries again soon; that costs the region nothing."""
    net.known, net.down, net.delay = LOOPS[2:], {"b:pid=3"}, float
    net.links()
    net.wait(60)
    dials = len(net.dialled)
    net.wait(60)
    assert len(net.dialled) - dials == 60 // ALONE


def test_a_worker_that_is_there_rests_as_long_as_ever(net: Net) -> None:
    """A thousand racks that come again and again would keep it busy; nor does a link need it."""
    net.known, net.refused, net.delay = LOOPS[2:], {"b:pid=3"}, float
    net.links()
    net.wait(119)
    assert len(net.dialled) == 15
    linked = Net(known=LOOPS[1:], down={"b:pid=3"}, delay=float)
    linked.links()
    linked.wait(119)
    assert linked.dialled.count("b:pid=3") == 15


def test_a_rack_that_lost_its_last_link_tries_all_at_once(net: Net) -> None:
    """Whoever failed while there was another link may be back."""
    net.down, net.delay = {"a:pid=2", "b:pid=3"}, lambda _: 100.0
    links = net.links()
    net.wait(SETTLED)
    net.down = {"a:pid=1"}
    net.sessions["a:pid=1"].break_off("gone")
    net.wait(MAINTAIN_INTERVAL)
    assert net.live(links) == {"a:pid=2", "b:pid=3"}


def test_a_rack_without_links_dials_what_it_knows(net: Net) -> None:
    """It does not ask regions for their workers before each dial."""
    net.down = {each.name for each in LOOPS}
    net.delay = lambda _: MAINTAIN_INTERVAL / 2
    net.links()
    searches, dials = net.searches, len(net.dialled)
    net.wait(20)
    assert net.searches - searches <= 20 / SEARCH_INTERVAL
    assert len(net.dialled) - dials > 4 * (net.searches - searches)


def test_more_links_are_made_when_more_are_wanted(net: Net) -> None:
    """A rack that has just got its name wants its second link."""
    net.wanted = 1
    links = net.links()
    net.wanted = 2
    net.clock.advance(MAINTAIN_INTERVAL)
    assert len(links.sessions) == 2


def test_a_link_too_many_is_left_when_no_call_is_under_way(net: Net) -> None:
    """Nobody calls over it any more meanwhile."""
    links = net.links()
    net.wait(2 * SETTLED)
    spare = net.sessions["a:pid=1"]
    spare.idle, net.wanted = False, 1
    net.owner = "b:pid=3"
    net.wait(SETTLED)
    assert not spare.left
    assert net.live(links) == {"b:pid=3"}
    spare.idle = True
    net.clock.advance(DRAIN_LOOK)
    assert spare.left


def test_a_link_too_many_stays_if_all_others_end_first(net: Net) -> None:
    """While its calls end; the rack would be without a link."""
    links = net.links()
    net.wait(2 * SETTLED)
    spare = net.sessions["a:pid=1"]
    spare.idle, net.wanted, net.owner = False, 1, "b:pid=3"
    net.wait(SETTLED)
    net.known = LOOPS[:1]
    net.sessions["b:pid=3"].break_off("gone")
    net.clock.advance(DRAIN_LOOK)
    assert net.live(links) == {"a:pid=1"}
    spare.idle = True
    net.wait(60)
    assert not spare.left
    assert net.live(links) == {"a:pid=1"}


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
    net.wait(SEARCH_INTERVAL)
    net.known = (LOOPS[0],)
    net.wait(MAINTAIN_INTERVAL)
    assert net.dialled == ["a:pid=1"] * 2
    assert len([line for line in log.lines if line.startswith("no link to a:pid=1")]) == 2


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
