"""Two names of one worker give a rack one link to it; an order moves the link that it came over."""

from __future__ import annotations

from typing import cast

import pytest
from twisted.internet.defer import Deferred

from maasha.model.cluster import EventLoop, Move, WorkerId
from maasha.rack.links import (
    DRAIN_LOOK,
    MAINTAIN_INTERVAL,
    SEARCH_INTERVAL,
    SURPLUS_SECONDS,
    Links,
)
from maasha.rack.namesakes import Namesakes
from maasha.rpc import rack_side
from maasha.rpc.errors import NotMoved
from tests.unit.rack.link_net import LOOPS, REST, Net
from tests.unit.rack.stand_ins import loop
from tests.unit.rpc.parts import error_of, value_of

OLD, NEW, OTHER = "a:pid=1", "a:pid=2", "b:pid=3"


@pytest.fixture
def net() -> Net:
    """Give a net on which two names lead to the first worker."""
    return Net(leads_to={OLD: 7, NEW: 7})


def moving(net: Net, links: Links, name: str, to: EventLoop) -> Deferred[WorkerId | None]:
    """Have a link moved."""
    link = cast(rack_side.Session, net.sessions[name])
    return Deferred.fromCoroutine(links.migrate(link, Move(to, 20.0, "evening")))


def one_link_and_its_twin(net: Net) -> Links:
    """Have a rack link to the first worker, and dial it once more by its other name."""
    net.known = LOOPS[:2]
    links = net.links()
    assert net.dialled == [OLD, NEW]
    return links


def test_a_twin_is_left_at_once(net: Net) -> None:
    """Nobody hears of it; the first link stays, whatever it is called."""
    links = one_link_and_its_twin(net)
    assert net.sessions[NEW].left
    assert net.sessions[NEW].agreed
    assert net.live(links) == {OLD}
    assert len(net.opened) == 1
    assert net.closed == []


def test_a_twin_is_not_dialled_again(net: Net) -> None:
    """As long as the link stands; then the name is as good as any."""
    links = one_link_and_its_twin(net)
    net.wait(60)
    assert net.dialled == [OLD, NEW]
    net.known = LOOPS[1:2]
    net.wait(SEARCH_INTERVAL)
    net.sessions[OLD].break_off("gone")
    net.wait(MAINTAIN_INTERVAL)
    assert net.live(links) == {NEW}


def test_a_twin_casts_no_doubt_on_its_region(net: Net) -> None:
    """The missing link goes elsewhere in the same turn, and the region is as near as before."""
    net.wanted, net.known = 3, (*LOOPS[:2], LOOPS[2], loop("a", 4))
    links = net.links()
    assert net.live(links) == {OLD, OTHER, "a:pid=4"}


def test_a_twin_ends_its_calls_first(net: Net) -> None:
    """The region may have begun one on it; not for ever, and though its worker owns the rack."""
    net.wanted, net.known = 1, LOOPS[:2]
    links = net.links()
    net.owner, net.wanted = OLD, 2
    net.busy = {NEW}
    net.wait(MAINTAIN_INTERVAL)
    assert net.dialled == [OLD, NEW]
    assert not net.sessions[NEW].left
    assert net.live(links) == {OLD}
    net.wait(SURPLUS_SECONDS)
    assert net.sessions[NEW].left
    assert net.live(links) == {OLD}


def test_a_twin_stays_where_the_first_link_ends_meanwhile(net: Net) -> None:
    """It is a link like any other then."""
    net.busy = {NEW}
    links = one_link_and_its_twin(net)
    net.sessions[OLD].break_off("gone")
    net.clock.advance(DRAIN_LOOK)
    assert net.live(links) == {NEW}
    assert len(net.opened) == 2
    net.sessions[NEW].calls = 0
    net.wait(60)
    assert not net.sessions[NEW].left


def test_stopping_leaves_a_twin_too(net: Net) -> None:
    """Though calls are under way on it."""
    net.busy = {NEW}
    links = one_link_and_its_twin(net)
    stopped = links.stopService()
    net.clock.advance(DRAIN_LOOK)
    assert stopped.called
    assert net.sessions[NEW].left


def test_no_link_is_moved_to_its_own_worker_by_another_name(net: Net) -> None:
    """Nor to the worker of another link; the mover hears it at once, and the link stays."""
    links = net.links()
    net.busy = {NEW}
    error = error_of(moving(net, links, OTHER, LOOPS[1]))
    assert isinstance(error, NotMoved)
    assert "by another name" in str(error)
    assert net.live(links) == {OLD, OTHER}
    net.sessions[NEW].calls = 0
    net.clock.advance(DRAIN_LOOK)
    assert net.sessions[NEW].left
    net.wait(REST)
    assert net.live(links) == {OLD, OTHER}


def test_an_order_moves_the_link_that_it_came_over(net: Net) -> None:
    """A twin that is about to end does not move in the place of the first link."""
    net.busy = {NEW}
    links = one_link_and_its_twin(net)
    assert "given it up" in str(error_of(moving(net, links, NEW, LOOPS[2])))
    value_of(moving(net, links, OLD, LOOPS[2]))
    assert net.sessions[OLD].left
    assert net.live(links) == {OTHER}


def test_names_are_forgotten() -> None:
    """They have the numbers of processes."""
    names = Namesakes()
    names.met("a:pid=1", WorkerId(7))
    names.met("a:pid=2", WorkerId(8))
    assert names.of({WorkerId(7)}) == {"a:pid=1"}
    names.keep({"a:pid=2"})
    assert names.of({WorkerId(7), WorkerId(8)}) == {"a:pid=2"}
