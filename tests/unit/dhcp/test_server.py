"""The server's decisions, with a stand-in for dhcpd and a clock that stands still."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from maasha.dhcp.check import Accepted, Refused
from maasha.dhcp.errors import OmapiSilent, PlanRefused, StartFailed, StillRunning
from maasha.dhcp.folder import Folder, with_hosts
from maasha.dhcp.hosts import Host, Operation
from maasha.dhcp.omapi import PeerStates
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render import render
from maasha.dhcp.server import LONGEST_REST, STEADY, DhcpServer
from maasha.model.dhcp import SOLO, DhcpPlan, DhcpReport, PeerState, Role
from maasha.model.stamp import Stamp
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack

T = TypeVar("T")


def plan_of(role: Role, counter: int = 1, lease_time: int = 600) -> DhcpPlan:
    """Give a plan that serves one VLAN."""
    facts = evolve(rack(evolve(PLAIN, lease_time=lease_time)), generation=Stamp(1, counter))
    return render(facts, {PLAIN.vlan: role}).plan


ALONE, PAIRED = plan_of(SOLO), plan_of(PRIMARY, 2)


@define(eq=False)
class Child:
    """A server process that does as it is told."""

    pid: int
    waiting: Deferred[None] = field(factory=Deferred)
    released: bool = False
    stuck: bool = False

    def ended(self) -> Deferred[None]:
        """Give the end."""
        return self.waiting

    async def stop(self) -> None:
        """End, or not."""
        if self.stuck:
            raise StillRunning(self.pid)
        self.waiting.callback(None)

    def release(self) -> None:
        """Take note."""
        self.released = True


@define(eq=False)
class Stand:
    """In dhcpd's place: writes down what it is asked, and fails where it is told to."""

    calls: list[str] = field(factory=list)
    refusal: str = ""
    unreachable: bool = False
    failures: int = 0
    silent: bool = False
    state: PeerState = PeerState.NORMAL
    adoptable: Child | None = None
    stray: bool = False
    gate: Deferred[None] | None = None
    child: Child | None = None
    deaf: bool = False

    async def check(self, plan: DhcpPlan) -> Accepted | Refused:
        """Accept, or refuse with a listing."""
        assert plan.config
        self.calls.append("check")
        return Refused(self.refusal) if self.refusal else Accepted()

    async def reach(self, role: Role) -> None:
        """Reach the peer, or not."""
        self.calls.append(f"reach {role.peer_address}")
        if self.unreachable:
            raise PlanRefused("the peer is not there")

    async def states(self, plan: DhcpPlan) -> tuple[PeerStates, ...]:
        """Say the same state for every peer."""
        if self.silent:
            raise OmapiSilent("mute")
        names = [entry.role.peer_name for entry in plan.roles]
        return tuple(PeerStates(name, self.state, PeerState.NORMAL) for name in names)

    async def start(self, plan: DhcpPlan) -> Child:
        """Start, or fail."""
        self.calls.append(f"start {plan.generation}")
        if self.gate is not None:
            await self.gate
        if self.failures:
            self.failures -= 1
            raise StartFailed("it ended", "its words")
        self.child = Child(len(self.calls))
        return self.child

    async def change_hosts(
        self, plan: DhcpPlan, steps: Sequence[Operation], wanted: Mapping[str, Host | None]
    ) -> None:
        """Take note of the steps, or be deaf."""
        self.calls += [str(step) for step in steps]
        assert plan.interfaces
        assert wanted
        if self.deaf:
            raise OmapiSilent("deaf")

    def adopt(self, plan: DhcpPlan) -> Child | None:
        """Give what runs already."""
        self.calls.append(f"adopt {plan.generation}")
        return self.adoptable

    async def clear(self) -> None:
        """Stop whatever else runs, or fail to."""
        self.calls.append("clear")
        if self.stray:
            raise StillRunning(7)


@define
class Room:
    """A server and all that it touches."""

    clock: Clock
    folder: Folder
    stand: Stand
    reports: list[DhcpReport]
    server: DhcpServer

    def apply(self, plan: DhcpPlan) -> DhcpReport:
        """Apply a plan and forget the calls before."""
        self.stand.calls.clear()
        return now(self.server.apply(plan))

    def crash(self) -> None:
        """Let the server process end by itself."""
        assert self.stand.child is not None
        self.stand.calls.clear()
        self.stand.child.waiting.callback(None)


def now(work: Coroutine[Any, Any, T]) -> T:
    """Give the result of a coroutine that has nothing to wait for, or raise its error."""
    results: list[T] = []
    errors: list[BaseException] = []
    Deferred.fromCoroutine(work).addCallbacks(results.append, lambda f: errors.append(f.value))
    if errors:
        raise errors[0]
    return results[0]


def room_in(path: Path, reports: list[DhcpReport]) -> Room:
    """Put a server together that has not resumed yet."""
    clock, folder, stand = Clock(), Folder(path, lambda: "store-1"), Stand()
    server = DhcpServer(clock, folder, stand, reports.append, lambda: 1.0)
    return Room(clock, folder, stand, reports, server)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Give a server that has resumed with nothing to serve."""
    room = room_in(tmp_path, [])
    now(room.server.resume())
    yield room
    now(room.server.release())
    assert room.clock.getDelayedCalls() == []


def test_a_plan_is_checked_started_and_kept(room: Room) -> None:
    """After that it is the last good plan, and the report says that it runs."""
    report = room.apply(ALONE)
    assert room.stand.calls == ["check", "clear", "clear", "start 1.1"]
    assert room.folder.plan() == ALONE
    assert room.folder.config.read_text() == with_hosts(ALONE.config, room.folder.hosts)
    assert (report.serving, report.digest, report.generation) == (True, digest(ALONE), Stamp(1, 1))
    assert (report.lease_store, report.problem) == ("store-1", "")
    assert room.reports[-1] == report == room.server.report
    assert room.server.leases == room.folder.leases


def test_the_same_plan_changes_nothing(room: Room) -> None:
    """Only its number is taken over."""
    room.apply(ALONE)
    report = room.apply(evolve(ALONE, generation=Stamp(1, 9)))
    assert room.stand.calls == []
    assert report.generation == Stamp(1, 9)
    plan = room.folder.plan()
    assert plan is not None
    assert plan.generation == Stamp(1, 9)


def test_a_refused_plan_touches_nothing(room: Room) -> None:
    """The server runs on; the listing is in the error, and the report knows of no problem."""
    room.apply(ALONE)
    child, room.stand.refusal = room.stand.child, "line 3: no"
    with pytest.raises(PlanRefused) as refusal:
        room.apply(plan_of(SOLO, 2, lease_time=60))
    assert refusal.value.listing == "line 3: no"
    assert room.stand.calls == ["check"]
    assert room.stand.child is child
    assert room.folder.config.read_text() == with_hosts(ALONE.config, room.folder.hosts)
    report = room.server.report
    assert (report.serving, report.generation, report.problem) == (True, Stamp(1, 1), "")


def test_a_primary_asks_for_its_peer_before_it_depends_on_it(room: Room) -> None:
    """A peer that cannot be reached leaves the rack alone, and serving."""
    room.apply(ALONE)
    room.stand.unreachable = True
    with pytest.raises(PlanRefused, match="the peer is not there"):
        room.apply(PAIRED)
    assert room.stand.calls == ["check", "reach 10.0.0.2"]
    assert room.server.report.serving
    room.stand.unreachable = False
    report = room.apply(PAIRED)
    (service,) = report.services
    assert (service.role, service.state) == (PRIMARY, PeerState.NORMAL)
    room.apply(plan_of(PRIMARY, 3, lease_time=60))
    assert "reach 10.0.0.2" not in room.stand.calls


def test_a_plan_that_does_not_start_is_rolled_back(room: Room) -> None:
    """The last good files are back and their server runs; the words are in the error."""
    room.apply(ALONE)
    room.stand.failures = 1
    with pytest.raises(PlanRefused) as refusal:
        room.apply(plan_of(SOLO, 2, lease_time=60))
    assert refusal.value.listing == "its words"
    assert "it ended" in refusal.value.reason
    assert room.stand.calls == ["check", "clear", "clear", "start 1.2", "clear", "start 1.1"]
    assert room.folder.config.read_text() == with_hosts(ALONE.config, room.folder.hosts)
    assert room.folder.plan() == ALONE
    assert room.server.report.serving


def test_a_first_plan_that_does_not_start_leaves_nothing(room: Room) -> None:
    """There is nothing to roll back to."""
    room.stand.failures = 1
    with pytest.raises(PlanRefused):
        room.apply(ALONE)
    assert not room.folder.config.exists()
    assert not room.server.report.serving
    room.clock.advance(60)
    assert room.stand.calls == ["check", "clear", "clear", "start 1.1"]


def test_a_rollback_that_fails_is_tried_again(room: Room) -> None:
    """The last good plan is started until it runs."""
    room.apply(ALONE)
    room.stand.failures = 2
    with pytest.raises(PlanRefused):
        room.apply(plan_of(SOLO, 2, lease_time=60))
    assert not room.server.report.serving
    room.clock.advance(0.2)
    assert room.server.report.serving
    assert room.server.report.problem == ""
    assert room.server.report.generation == Stamp(1, 1)


def test_files_that_cannot_be_written_fail_the_start(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is told of, and does not end rackd."""

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(room.folder, "prepare", full)
    with pytest.raises(PlanRefused, match="disk full"):
        room.apply(ALONE)


def test_a_plan_that_cannot_be_kept_is_rolled_back(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would not outlive rackd does not count; the plan before runs again."""
    room.apply(ALONE)

    def full(_: DhcpPlan) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(room.folder, "keep_plan", full)
    with pytest.raises(PlanRefused, match="disk full"):
        room.apply(plan_of(SOLO, 2, lease_time=60))
    assert room.stand.calls[-1] == "start 1.1"
    assert room.server.report.generation == Stamp(1, 1)
    assert room.folder.config.read_text() == with_hosts(ALONE.config, room.folder.hosts)


def test_a_settled_report_comes_after_what_is_under_way(room: Room) -> None:
    """Whoever asks while a plan is being carried out hears of that plan."""
    room.stand.gate = Deferred()
    applied = Deferred.fromCoroutine(room.server.apply(ALONE))
    settled = Deferred.fromCoroutine(room.server.settled())
    assert not settled.called
    assert not room.server.report.serving
    room.stand.gate.callback(None)
    assert room.server.report.generation == Stamp(1, 1)
    results: list[DhcpReport] = []
    for waiter in (applied, settled):
        waiter.addCallback(results.append)
    assert results == [room.server.report] * 2


def test_an_empty_plan_stops_the_server(room: Room) -> None:
    """Its files are withdrawn, so that nothing starts it again."""
    room.apply(ALONE)
    child = room.stand.child
    report = room.apply(evolve(EMPTY, generation=Stamp(1, 2)))
    assert child is not None
    assert child.waiting.called
    assert (report.serving, report.digest, report.services) == (False, "", ())
    assert report.generation == Stamp(1, 2)
    assert not room.folder.config.exists()
    room.clock.advance(60)
    assert "start 1.1" not in room.stand.calls


def test_a_server_that_cannot_be_stopped_refuses_every_change(room: Room) -> None:
    """A second one beside it would answer too."""
    room.apply(ALONE)
    assert room.stand.child is not None
    room.stand.child.stuck = True
    for plan in (PAIRED, EMPTY):
        with pytest.raises(PlanRefused, match="restart this host"):
            room.apply(plan)
        assert room.server.report.serving
    assert room.folder.plan() == ALONE


def test_a_stray_server_that_cannot_be_stopped_keeps_ours_from_starting(room: Room) -> None:
    """It is tried again until the stray is gone."""
    room.apply(ALONE)
    room.stand.stray = True
    room.crash()
    room.clock.advance(0.2)
    assert room.stand.calls == ["clear"]
    assert "process 7 does not end" in room.server.report.problem
    room.stand.stray = False
    room.clock.advance(0.4)
    assert room.server.report.serving


def test_a_stray_server_keeps_a_change_from_being_made(room: Room) -> None:
    """The change is refused; the last good plan runs again as soon as the stray is gone."""
    room.apply(ALONE)
    room.stand.stray = True
    with pytest.raises(PlanRefused, match="process 7 does not end"):
        room.apply(plan_of(SOLO, 2, lease_time=60))
    assert not room.server.report.serving
    room.stand.stray = False
    room.clock.advance(0.4)
    assert (room.server.report.serving, room.server.report.problem) == (True, "")
    assert room.folder.plan() == ALONE


def test_a_refused_change_leaves_no_old_problem(room: Room) -> None:
    """Once a server runs again it does not matter how the one before ended."""
    room.apply(ALONE)
    room.crash()
    room.stand.failures = 1
    with pytest.raises(PlanRefused):
        room.apply(plan_of(SOLO, 2, lease_time=60))
    assert (room.server.report.serving, room.server.report.problem) == (True, "")


def test_a_server_that_ends_is_started_again(room: Room) -> None:
    """First after a blink, and told of at once."""
    room.apply(ALONE)
    room.crash()
    assert not room.reports[-1].serving
    assert "ended by itself" in room.reports[-1].problem
    room.clock.advance(0.2)
    assert room.stand.calls == ["clear", "start 1.1"]
    assert (room.reports[-1].serving, room.reports[-1].problem) == (True, "")


def test_a_server_that_ends_again_and_again_rests_longer(room: Room) -> None:
    """The rests double up to a bound, and begin anew after a steady time."""
    room.apply(ALONE)
    room.crash()
    room.stand.failures = 9
    room.clock.pump([0.1] * 600)
    assert room.stand.calls.count("start 1.1") == 10
    room.crash()
    room.clock.advance(LONGEST_REST - 0.1)
    assert room.stand.calls == []
    room.clock.advance(0.1)
    assert room.server.report.serving
    room.clock.advance(STEADY)
    room.crash()
    room.clock.advance(0.2)
    assert room.server.report.serving


def test_a_plan_that_runs_no_more_is_started_at_once(room: Room) -> None:
    """Applying it does not wait for the rest to end, and the restart is off."""
    room.apply(ALONE)
    room.crash()
    report = room.apply(ALONE)
    assert report.serving
    assert room.stand.calls == ["check", "clear", "clear", "start 1.1"]
    room.clock.advance(60)
    assert room.stand.calls.count("start 1.1") == 1


def test_the_peers_states_are_looked_at_every_second(room: Room) -> None:
    """A change is told of; silence is UNKNOWN; the same again is nothing new."""
    room.apply(PAIRED)
    told = len(room.reports)
    room.clock.advance(1)
    assert len(room.reports) == told
    room.stand.state = PeerState.COMMUNICATIONS_INTERRUPTED
    room.clock.advance(1)
    room.stand.silent = True
    room.clock.advance(1)
    states = [report.services[0].state for report in room.reports[told:]]
    assert states == [PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.UNKNOWN]


def test_a_listener_that_fails_harms_nobody(tmp_path: Path) -> None:
    """Its error is logged, and the plan is in force."""

    def fail(_: DhcpReport) -> None:
        raise ValueError("no")

    events: list[LogEvent] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        events.append(event)

    globalLogPublisher.addObserver(observe)
    folder, stand = Folder(tmp_path, lambda: "store-1"), Stand()
    server = DhcpServer(Clock(), folder, stand, fail, lambda: 1.0)
    assert now(server.apply(ALONE)).serving
    globalLogPublisher.removeObserver(observe)
    assert events


def test_rackd_takes_over_the_server_it_finds(room: Room) -> None:
    """A new rackd starts nothing where its dhcpd runs."""
    room.apply(ALONE)
    again = room_in(room.folder.config.parent, [])
    again.stand.adoptable = Child(99)
    report = now(again.server.resume())
    assert again.stand.calls == ["adopt 1.1"]
    assert (report.serving, report.generation) == (True, Stamp(1, 1))
    now(again.server.release())
    assert again.stand.adoptable.released


def test_rackd_starts_the_last_good_plan_where_none_runs(room: Room) -> None:
    """No region is needed for that, and a failure is tried again."""
    room.apply(ALONE)
    again = room_in(room.folder.config.parent, [])
    again.stand.failures = 1
    report = now(again.server.resume())
    assert again.stand.calls == ["adopt 1.1", "clear", "start 1.1"]
    assert (report.serving, report.problem) == (False, "it ended: its words")
    again.clock.advance(0.2)
    assert again.server.report.serving
    now(again.server.release())


def test_a_released_server_is_not_started_again(room: Room) -> None:
    """When rackd ends, its plans end with it."""
    room.apply(ALONE)
    room.crash()
    now(room.server.release())
    room.clock.advance(60)
    assert room.stand.calls == []
