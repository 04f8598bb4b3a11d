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
