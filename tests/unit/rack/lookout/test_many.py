"""A rack that is to watch very many VLANs takes turns, and watches some hundred at a time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.model.network import VlanId
from maasha.model.sighting import MOST_WATCHED as MOST
from maasha.model.sighting import Watch
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.lookout.post import EAGER, SPREAD, STEADY, TICK
from tests.unit.rack.lookout.segment import Host, Segment
from tests.unit.rpc.parts import Listener, value_of

SEED = 20


class Crowd:
    """A rack, and its lookout, that can have many VLANs on one wire."""

    def __init__(self) -> None:
        self.segment = Segment()
        self.host = Host(self.segment, 1, chance=Random(SEED).random)
        self.lookout = Lookout(self.host.scene, frozenset, lambda: None)
        self.lookout.startService()
        self._order = self.host.watch(Host(self.segment, 2))

    def order(self, numbers: range) -> tuple[Watch, ...]:
        """Give an order for VLANs of these numbers."""
        return tuple(evolve(self._order, vlan=VlanId(number)) for number in numbers)

    def watch(self, numbers: range) -> None:
        """Give the order."""
        ordered = Deferred.fromCoroutine(self.lookout.watch(self.order(numbers)))
        self.segment.go()
        value_of(ordered)

    @property
    def watched(self) -> list[int]:
        """Which are watched."""
        return [post.watch.vlan for post in self.lookout.posts]

    def rounds(self, seconds: float, step: float) -> list[int]:
        """Count the frames of each step of some time."""
        counts = []
        for _ in range(round(seconds / step)):
            before = len(self.segment.frames)
            self.segment.go(step)
            counts.append(len(self.segment.frames) - before)
        return counts


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Give one."""
    made = Crowd()
    yield made
    made.lookout.stopService()


def test_only_so_many_are_watched_at_once(crowd: Crowd, log: Listener) -> None:
    """The rest is named in the log, once, however often the order comes; they have their turn."""
    many = range(1, MOST + 3)
    crowd.watch(many)
    assert crowd.watched == list(range(1, MOST + 1))
    crowd.watch(many)
    crowd.watch(range(1, MOST + 4))
    (line,) = [line for line in log.lines if "wait for their turn" in line]
    assert line.endswith(f"; 2 more wait for their turn: {MOST + 1}, {MOST + 2}")
    crowd.watch(range(3, MOST + 3))
    assert crowd.watched == list(range(3, MOST + 3))
    crowd.watch(many)
    assert sum("wait for their turn" in line for line in log.lines) == 2


def test_vlans_that_begin_together_take_turns(crowd: Crowd) -> None:
    """From the first round on none begins with all others; no round comes later for that."""
    count = 100
    crowd.watch(range(count))
    assert crowd.segment.frames == []
    first = crowd.rounds(TICK, TICK / 10)
    assert sum(first) == count
    assert max(first) < count / 4
    later = crowd.rounds(6 * EAGER, TICK / 10)
    assert max(later) < count / 4
    assert 6 * count <= sum(later) <= 6 * count / (1 - SPREAD)


def test_a_round_is_never_late(crowd: Crowd) -> None:
    """Evidence that counts for a while is renewed in time, whatever chance says."""
    crowd.watch(range(1))
    crowd.segment.go(TICK)
    for _ in range(20):
        crowd.watch(range(1))
        assert sum(crowd.rounds(STEADY, STEADY)) >= STEADY // EAGER
