"""A rack carries out its owner's orders and nobody else's."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.hosts import fingerprint
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.server import DhcpServer
from maasha.model.cluster import EventLoop, Move, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport, Duty, Role, VlanRole
from maasha.model.probe import Probe
from maasha.model.stamp import Stamp
from maasha.rack.duties import Duties
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rpc import rack_side
from maasha.rpc.errors import DhcpRefused, StaleEpoch
from tests.unit.rack.lookout.segment import VLAN, Host, Segment
from tests.unit.rack.probing.street import PROBE
from tests.unit.rack.stand_ins import Server, Session, welcome
from tests.unit.rpc.parts import value_of

T = TypeVar("T")
OWNER, EPOCH = WorkerId(1), Stamp(1, 5)
PLAN = evolve(EMPTY, config="text", interfaces=("eth0",), generation=Stamp(1, 1))
PAIRED = evolve(PLAN, roles=(VlanRole(VLAN, Role(Duty.SECONDARY, "failover-vlan-5-1")),))


class Bystander(Server):
    """A DHCP server that notes whether the failover port is free when it is to run a plan."""

    def __init__(self, segment: Segment) -> None:
        super().__init__()
        self._segment = segment
        self.free: list[bool] = []

    async def apply(self, plan: DhcpPlan) -> DhcpReport:
        """Look, and run it."""
        self.free.append(not self._segment.listeners)
        return await super().apply(plan)


class Rack:
    """Duties with a memory on disk, a lookout in memory and a DHCP server in name only."""

    def __init__(self, folder: Path) -> None:
        self.memory = Memory(folder, folder / "secret")
        self.segment = Segment()
        self.server = Bystander(self.segment)
        self.owned = 0
        obedience = Obedience(self.memory)
        self.moves: list[tuple[rack_side.Session, Move]] = []
        server = cast(DhcpServer, self.server)
        self.probed: list[Sequence[Probe]] = []
        self.host = Host(self.segment, 1)
        self.lookout = Lookout(self.host.scene, lambda: self.duties.paired, lambda: None)
        self.lookout.startService()
        self.duties = Duties(
            self.memory,
            obedience,
            server,
            self.lookout,
            self.note_owner,
            self.move,
            self.probed.append,
        )

    async def move(self, link: rack_side.Session, move: Move) -> WorkerId:
        """Note it."""
        self.moves.append((link, move))
        return WorkerId(link.welcome.worker + 1)

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


def test_hosts_are_changed_and_reported(rack: Rack) -> None:
    """The answer says which are known; what is no text of hosts is refused."""
    report = done(rack.duties.change_hosts(OWNER, EPOCH, Stamp(1, 9), "a host\n"))
    assert (report.hosts, report.generation) == (fingerprint("a host\n"), Stamp(1, 9))
    rack.server.refusal = PlanRefused("these hosts cannot be kept")
    with pytest.raises(DhcpRefused, match="cannot be kept"):
        done(rack.duties.change_hosts(OWNER, EPOCH, Stamp(1, 10), ""))


def test_an_old_owner_changes_nothing(rack: Rack) -> None:
    """Its plan is not even looked at."""
    done(rack.duties.own(OWNER, EPOCH))
    with pytest.raises(StaleEpoch):
        done(rack.duties.configure_dhcp(WorkerId(2), Stamp(1, 4), PLAN))
    with pytest.raises(StaleEpoch):
        done(rack.duties.change_hosts(WorkerId(2), Stamp(1, 4), Stamp(1, 9), "a host\n"))
    assert rack.server.report.hosts == ""
    with pytest.raises(StaleEpoch):
        done(rack.duties.retire(WorkerId(2), Stamp(1, 4)))
    assert rack.server.applied == []
    assert not rack.memory.retired


def test_a_retired_rack_stops_serving_for_good(rack: Rack) -> None:
    """Its server runs nothing, and the next process knows."""
    done(rack.duties.retire(OWNER, EPOCH))
    assert rack.server.applied == [EMPTY]
    assert rack.memory.retired


def listening(rack: Rack) -> Rack:
    """Let a rack watch a VLAN, and listen on it."""
    watches = (rack.host.watch(Host(rack.segment, 2)),)
    done(rack.duties.look_out(OWNER, EPOCH, watches))
    assert rack.segment.listeners
    return rack


def run(rack: Rack, work: Coroutine[Any, Any, T]) -> T:
    """Give the result of work that waits for a port to close."""
    running = Deferred.fromCoroutine(work)
    rack.segment.go()
    return value_of(running)


def test_the_port_is_free_before_dhcpd_needs_it(rack: Rack) -> None:
    """The VLAN is watched no more; the region says when it is to be again."""
    run(listening(rack), rack.duties.configure_dhcp(OWNER, EPOCH, PAIRED))
    assert rack.server.free == [True]
    assert rack.lookout.posts == ()


def test_a_rack_that_serves_alone_goes_on_looking_out(rack: Rack) -> None:
    """For whoever could be its peer; dhcpd needs no port for that."""
    run(listening(rack), rack.duties.configure_dhcp(OWNER, EPOCH, PLAN))
    assert rack.segment.listeners


def test_an_order_to_look_out_never_takes_dhcpds_port(rack: Rack) -> None:
    """Not when it comes while dhcpd starts, nor afterwards; frames are sent all the same."""
    watches = (rack.host.watch(Host(rack.segment, 2)),)
    configured = Deferred.fromCoroutine(rack.duties.configure_dhcp(OWNER, EPOCH, PAIRED))
    run(rack, rack.duties.look_out(OWNER, EPOCH, watches))
    value_of(configured)
    rack.segment.go(10)
    assert rack.segment.listeners == {}
    assert rack.segment.frames
    run(rack, rack.duties.configure_dhcp(OWNER, EPOCH, EMPTY))
    rack.segment.go(10)
    assert rack.segment.listeners


def test_a_refused_pair_leaves_the_port_to_whoever_had_it(rack: Rack) -> None:
    """What ran before runs on: the region looks again at who could be a peer."""
    rack.server.refusal = PlanRefused("it cannot be reached")
    with pytest.raises(DhcpRefused):
        run(listening(rack), rack.duties.configure_dhcp(OWNER, EPOCH, PAIRED))
    assert rack.duties.paired == frozenset()


@pytest.mark.parametrize("order", ["retire", "own"])
def test_watches_end_with_whoever_ordered_them(rack: Rack, order: str) -> None:
    """The rack was deleted, or the numbers of another database mean others."""
    epoch = evolve(EPOCH, incarnation=EPOCH.incarnation + 1)
    run(listening(rack), getattr(rack.duties, order)(OWNER, epoch))
    assert rack.segment.listeners == {}
    assert rack.probed[-1] == ()


def test_watches_outlast_an_owner_of_the_same_database(rack: Rack) -> None:
    """What is known of others is as true for the next worker."""
    run(listening(rack), rack.duties.own(WorkerId(2), EPOCH.next()))
    assert rack.segment.listeners


def test_an_old_owner_has_nobody_look_out(rack: Rack) -> None:
    """It is told whom the rack obeys."""
    done(rack.duties.own(OWNER, EPOCH))
    with pytest.raises(StaleEpoch):
        done(rack.duties.look_out(WorkerId(2), Stamp(1, 4), ()))


def test_networks_are_probed_for_the_owner(rack: Rack) -> None:
    """And for nobody else."""
    done(rack.duties.own(OWNER, EPOCH))
    rack.probed.clear()
    done(rack.duties.probe_networks(OWNER, EPOCH, (PROBE,)))
    with pytest.raises(StaleEpoch):
        done(rack.duties.probe_networks(WorkerId(2), Stamp(1, 4), ()))
    assert rack.probed == [(PROBE,)]


def test_a_link_is_moved_by_whoever_keeps_the_links(rack: Rack) -> None:
    """It is the very one that the order came over."""
    move = Move(EventLoop("b:pid=7", ()), 20.0, "evening")
    link = cast(rack_side.Session, Session(welcome(OWNER)))
    assert done(rack.duties.migrate(link, move)) == OWNER + 1
    assert rack.moves == [(link, move)]


def test_pairs_are_counted_once_for_each_plan(rack: Rack) -> None:
    """Each watched VLAN asks every second; another plan counts from the moment it runs."""
    done(rack.duties.configure_dhcp(OWNER, EPOCH, PAIRED))
    assert rack.duties.paired == {VLAN}
    assert rack.duties.paired is rack.duties.paired
    done(rack.duties.configure_dhcp(OWNER, EPOCH, PLAN))
    assert rack.duties.paired == frozenset()
