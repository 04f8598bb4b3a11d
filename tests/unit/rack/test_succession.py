"""A rack that lost its owner asks its other workers to take over, until one has."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from twisted.internet.task import Clock

from maasha.model.cluster import Ownership, WorkerId
from maasha.model.stamp import Stamp
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rack.succession import RETRY, Succession
from maasha.rpc import rack_side
from maasha.rpc.errors import NotOwner, Unavailable
from tests.unit.rack.stand_ins import Session, welcome

LOST = Ownership(WorkerId(1), Stamp(1, 5))


class Rack:
    """A rack with two links left and no owner."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.obedience = Obedience(Memory(folder, folder / "secret"))
        self.sessions = [Session(welcome(2)), Session(welcome(3))]
        self.succession = Succession(
            self.clock,
            self.obedience,
            lambda: [cast(rack_side.Session, session) for session in self.sessions],
        )
        self.succession.startService()

    def claims(self) -> list[int]:
        """Count how often each worker was asked."""
        return [len(session.remote.claims) for session in self.sessions]


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack."""
    return Rack(tmp_path)


def test_nobody_is_asked_while_nothing_is_lost(rack: Rack) -> None:
    """A new rack waits for a worker to claim it."""
    rack.clock.pump([RETRY] * 5)
    assert rack.claims() == [0, 0]


def test_one_worker_that_takes_over_is_enough(rack: Rack) -> None:
    """It is asked at once, and told whom it is to replace."""
    rack.succession.lost(LOST)
    assert rack.claims() == [1, 0]
    assert rack.sessions[0].remote.claims == [LOST]


def test_the_next_is_asked_when_one_cannot(rack: Rack) -> None:
    """A worker without database, or that lost a race, is no end."""
    rack.sessions[0].remote.error = Unavailable("no database", 2.0)
    rack.succession.lost(LOST)
    assert rack.claims() == [1, 1]


def test_all_are_asked_again_until_there_is_an_owner(rack: Rack) -> None:
    """Regions without database are asked until one has it back."""
    for session in rack.sessions:
        session.remote.error = NotOwner(None)
    rack.succession.lost(LOST)
    rack.clock.pump([RETRY] * 2)
    assert rack.claims() == [3, 3]
    rack.obedience.accept(WorkerId(3), Stamp(1, 6))
    rack.clock.pump([RETRY] * 5)
    assert rack.claims() == [3, 3]


def test_the_end_of_an_old_owner_is_no_loss_under_a_new_one(rack: Rack) -> None:
    """Who obeys somebody else already asks nobody."""
    rack.obedience.accept(WorkerId(3), Stamp(1, 6))
    rack.succession.lost(LOST)
    assert rack.claims() == [0, 0]


def test_with_no_link_left_it_asks_as_soon_as_there_is_one(rack: Rack) -> None:
    """A rack whose regions are all gone has somebody act for it when one is back."""
    sessions, rack.sessions = rack.sessions, []
    rack.succession.lost(LOST)
    rack.sessions = sessions
    rack.clock.advance(RETRY)
    assert rack.claims() == [1, 0]
