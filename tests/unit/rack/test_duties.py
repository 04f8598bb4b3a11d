"""A rack carries out its owner's orders and nobody else's."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.server import DhcpServer
from maasha.model.cluster import EventLoop, Move, WorkerId
from maasha.model.stamp import Stamp
from maasha.rack.duties import Duties
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rpc.errors import DhcpRefused, StaleEpoch
from tests.unit.rack.stand_ins import Server

T = TypeVar("T")
OWNER, EPOCH = WorkerId(1), Stamp(1, 5)
PLAN = evolve(EMPTY, config="text", interfaces=("eth0",), generation=Stamp(1, 1))


class Rack:
    """Duties with a memory on disk and a DHCP server in name only."""

    def __init__(self, folder: Path) -> None:
        self.memory = Memory(folder, folder / "secret")
        self.server = Server()
        self.owned = 0
        obedience = Obedience(self.memory)
        self.moves: list[tuple[WorkerId, Move]] = []
        server = cast(DhcpServer, self.server)
        self.duties = Duties(self.memory, obedience, server, self.note_owner, self.move)

    async def move(self, worker: WorkerId, move: Move) -> WorkerId:
        """Note it."""
        self.moves.append((worker, move))
        return WorkerId(worker + 1)

    def note_owner(self) -> None:
        """Count the owners."""
        self.owned += 1


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a fresh rack."""
    return Rack(tmp_path)


def done(work: Coroutine[Any, Any, T]) -> T:
    """Give the result of work that waits for nothing."""
    results: list[T] = []
    running = Deferred.fromCoroutine(work)
    running.addCallback(results.append)
    if hasattr(running.result, "raiseException"):
        failure = running.result
        running.addErrback(lambda _: None)
        failure.raiseException()
    return results[0]


def test_an_owner_is_told_what_runs(rack: Rack) -> None:
    """The rack obeys, and tells its other parts so."""
    assert done(rack.duties.own(OWNER, EPOCH)) == rack.server.report
    assert rack.memory.epoch == EPOCH
    assert rack.owned == 1


def test_a_plan_is_run_and_reported(rack: Rack) -> None:
    """The answer comes when it runs."""
    report = done(rack.duties.configure_dhcp(OWNER, EPOCH, PLAN))
    assert rack.server.applied == [PLAN]
    assert report.serving


def test_a_refused_plan_carries_dhcpds_words(rack: Rack) -> None:
    """Reason and listing reach the region."""
    rack.server.refusal = PlanRefused("dhcpd refuses this configuration", "line 3: no")
    with pytest.raises(DhcpRefused, match="line 3: no"):
        done(rack.duties.configure_dhcp(OWNER, EPOCH, PLAN))


def test_an_old_owner_changes_nothing(rack: Rack) -> None:
    """Its plan is not even looked at."""
    done(rack.duties.own(OWNER, EPOCH))
    with pytest.raises(StaleEpoch):
        done(rack.duties.configure_dhcp(WorkerId(2), Stamp(1, 4), PLAN))
    with pytest.raises(StaleEpoch):
        done(rack.duties.retire(WorkerId(2), Stamp(1, 4)))
    assert rack.server.applied == []
    assert not rack.memory.retired


def test_a_retired_rack_stops_serving_for_good(rack: Rack) -> None:
    """Its server runs nothing, and the next process knows."""
    done(rack.duties.retire(OWNER, EPOCH))
    assert rack.server.applied == [EMPTY]
    assert rack.memory.retired


def test_a_link_is_moved_by_whoever_keeps_the_links(rack: Rack) -> None:
    """It is named by the worker that asked."""
    move = Move(EventLoop("b:pid=7", ()), 20.0, "evening")
    assert done(rack.duties.migrate(OWNER, move)) == OWNER + 1
    assert rack.moves == [(OWNER, move)]
