"""A link is moved by making the new one first; a full worker leads to another."""

from __future__ import annotations

from typing import cast

import pytest
from twisted.internet.defer import Deferred

from maasha.model.cluster import EventLoop, Move, WorkerId
from maasha.rack.dialling import CONNECT_TIMEOUT
from maasha.rack.links import DRAIN_LOOK, MAINTAIN_INTERVAL, Links
from maasha.rpc import rack_side
from maasha.rpc.errors import DeadlineExceeded, NotMoved, NotOffered
from tests.unit.rack.link_net import LOOPS, REST, Net
from tests.unit.rack.stand_ins import loop
from tests.unit.rpc.parts import error_of, value_of, waits


@pytest.fixture
def net() -> Net:
    """Give a net of two regions, with one and two workers."""
    return Net()


def moving(net: Net, links: Links, name: str, to: EventLoop | None) -> Deferred[WorkerId | None]:
    """Have a link moved within 20 s, or given up."""
    link = cast(rack_side.Session, net.sessions[name])
    return Deferred.fromCoroutine(links.migrate(link, Move(to, 20.0, "evening")))


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


def test_a_link_that_is_moved_ends_the_regions_calls_too(net: Net) -> None:
    """The region makes no more of them before the link ends."""
    links = net.links()
    old = net.sessions["a:pid=1"]
    old.calls = 2
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    net.wait(10)
    assert not old.left
    old.calls = 0
    net.clock.advance(DRAIN_LOOK)
    assert old.agreed
    assert old.left


def test_a_link_too_many_ends_as_one_that_is_moved(net: Net) -> None:
    """Another one gets the ownership, and calls end first; the last link stays."""
    links = net.links()
    net.owner = "a:pid=1"
    old = net.sessions["a:pid=1"]
    old.calls = 1
    net.wanted = 1
    assert value_of(moving(net, links, "a:pid=1", None)) is None
    assert net.handed_over == [("a:pid=1", "b:pid=3")]
    assert net.live(links) == {"b:pid=3"}
    net.wait(1)
    assert not old.left
    old.calls = 0
    net.wait(1)
    assert old.left
    assert "only link" in str(error_of(moving(net, links, "b:pid=3", None)))


def test_what_the_rack_began_before_both_agreed_goes_on(net: Net) -> None:
    """But nothing calls the end off any more."""
    links = net.links()
    old = net.sessions["a:pid=1"]
    old.begins_meanwhile = True
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    net.sessions["a:pid=2"].break_off("gone")
    net.clock.advance(DRAIN_LOOK)
    assert not old.left
    old.idle = True
    net.clock.advance(DRAIN_LOOK)
    assert old.left


def test_a_region_that_knows_no_farewell_is_left_all_the_same(net: Net) -> None:
    """As soon as no call is under way."""
    links = net.links()
    net.sessions["a:pid=1"].refusal = NotOffered("Farewell")
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    assert net.given_up == [("a:pid=1", 3)]


def test_a_region_that_does_not_answer_the_farewell_is_asked_until_the_end(net: Net) -> None:
    """It may have calls under way; it holds the link up no longer than the move may take."""
    links = net.links()
    old = net.sessions["a:pid=1"]
    old.refusal = DeadlineExceeded("Farewell", 5.0)
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    net.wait(10)
    assert not old.left
    net.wait(10)
    assert old.left


def test_a_region_that_may_have_agreed_is_not_recalled(net: Net) -> None:
    """It makes no more calls on the link then, which is of no use to anybody."""
    net.wanted, net.known = 1, LOOPS[:1]
    links = net.links()
    old = net.sessions["a:pid=1"]
    old.refusal = DeadlineExceeded("Farewell", 5.0)
    value_of(moving(net, links, "a:pid=1", LOOPS[1]))
    net.sessions["a:pid=2"].break_off("gone")
    net.clock.advance(DRAIN_LOOK)
    old.refusal = None
    net.clock.advance(DRAIN_LOOK)
    assert old.left
    net.wait(REST + MAINTAIN_INTERVAL)
    assert net.live(links) == {"a:pid=1"}


def test_a_move_that_takes_too_long_leaves_no_dial_behind(net: Net) -> None:
    """Nor one to where a full worker has led."""
    links = net.links()
    net.full, net.cut = {"a:pid=2": loop("c", 7)}, {"c"}
    link = cast(rack_side.Session, net.sessions["a:pid=1"])
    moved = Deferred.fromCoroutine(links.migrate(link, Move(LOOPS[1], 1.0, "evening")))
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
