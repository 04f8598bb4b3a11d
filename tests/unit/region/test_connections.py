"""A worker's links, rack by rack; the newest of a rack acts."""

from __future__ import annotations

from typing import cast

import pytest

from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.region.connections import Connections, RackLink
from maasha.rpc.remote import RemoteRack

ONE, TWO = RackKey(1), RackKey(2)


def link(number: int, rack: RackKey) -> RackLink:
    """Give a link with nobody at its other end."""
    nobody = cast(RemoteRack, None)
    return RackLink(LinkId(number), WorkerId(1), rack, SystemId("abc346"), f"rack{rack}", nobody)


@pytest.fixture
def connections() -> Connections:
    """Give no links."""
    return Connections()


def test_the_newest_link_of_a_rack_counts(connections: Connections) -> None:
    """And the one before it, when the newest has ended."""
    old, new, other = link(1, ONE), link(2, ONE), link(3, TWO)
    for one in (old, new, other):
        connections.add(one)
    assert (connections.of(ONE), connections.of(TWO)) == (new, other)
    connections.remove(new)
    assert connections.of(ONE) is old
    assert (list(connections), len(connections)) == ([old, other], 2)


def test_the_end_of_an_older_link_changes_nothing(connections: Connections) -> None:
    """Its end may be noticed long after the rack is back."""
    old, new = link(1, ONE), link(2, ONE)
    connections.add(old)
    connections.add(new)
    connections.remove(old)
    assert connections.of(ONE) is new


def test_an_end_counts_once(connections: Connections) -> None:
    """Who was never there, or is gone, cannot go."""
    only = link(1, ONE)
    connections.add(only)
    connections.remove(link(1, ONE))
    assert connections.of(ONE) is only
    connections.remove(only)
    connections.remove(only)
    assert (connections.of(ONE), len(connections)) == (None, 0)


def test_a_link_is_found_by_its_row(connections: Connections) -> None:
    """Until it ends; by the new row after a relink, and no more by the old one."""
    one, two = link(1, ONE), link(2, ONE)
    connections.add(one)
    connections.add(two)
    assert (connections.by_id(LinkId(1)), connections.by_id(LinkId(2))) == (one, two)
    connections.renumber(one, LinkId(7))
    assert (one.id, connections.by_id(LinkId(7)), connections.by_id(LinkId(1))) == (7, one, None)
    connections.remove(one)
    assert (connections.by_id(LinkId(7)), connections.by_id(LinkId(2))) == (None, two)


def test_rows_may_change_places(connections: Connections) -> None:
    """A new database counts from one again: a row that was another link's before is found."""
    one, two = link(1, ONE), link(2, TWO)
    connections.add(one)
    connections.add(two)
    connections.renumber(one, LinkId(2))
    connections.renumber(two, LinkId(1))
    assert (connections.by_id(LinkId(1)), connections.by_id(LinkId(2))) == (two, one)


def test_a_link_that_has_ended_learns_its_row_only(connections: Connections) -> None:
    """It is not found by it."""
    gone = link(1, ONE)
    connections.renumber(gone, LinkId(5))
    assert (gone.id, connections.by_id(LinkId(5))) == (5, None)
