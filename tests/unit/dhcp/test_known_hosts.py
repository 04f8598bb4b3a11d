"""The server and its fixed hosts: told while it runs, or declared for its next start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.hosts import UNSURE, fingerprint, stanzas
from maasha.dhcp.plan import EMPTY
from maasha.model.dhcp import DhcpReport
from maasha.model.stamp import Stamp
from tests.unit.dhcp.test_server import ALONE, PAIRED, Child, Room, now, room_in

ONE = "02:00:00:00:00:01 10.0.0.5 web\n"
TWO = "02:00:00:00:00:02 10.0.0.6 -\n"
SERVED = evolve(ALONE, hosts=ONE)
NEXT = Stamp(1, 9)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Give a server that serves one host."""
    room = room_in(tmp_path, [])
    now(room.server.resume())
    room.apply(SERVED)
    room.stand.calls.clear()
    yield room
    now(room.server.release())


def told(room: Room, hosts: str) -> DhcpReport:
    """Change the hosts."""
    return now(room.server.change_hosts(NEXT, hosts))


def test_hosts_are_declared_before_a_start(room: Room) -> None:
    """The report has their mark, and not their text."""
    assert room.folder.hosts.read_text() == stanzas(ONE)
    assert room.server.report.hosts == fingerprint(ONE)


def test_a_running_server_is_told_what_is_new(room: Room) -> None:
    """It is not restarted; the plan that outlives us and the next start have them too."""
    report = told(room, ONE + TWO)
    assert room.stand.calls == [
        "Add(host=Host(mac='02:00:00:00:00:02', addresses=('10.0.0.6',), name=''))"
    ]
    assert (report.hosts, report.generation) == (fingerprint(ONE + TWO), NEXT)
    assert room.folder.hosts.read_text() == stanzas(ONE + TWO)
    assert room.folder.plan() == evolve(SERVED, generation=NEXT, hosts=ONE + TWO)
    assert room.reports[-1] == report
    assert room.folder.unsure() == frozenset()


def test_the_same_hosts_are_not_told_again(room: Room) -> None:
    """Only the generation is new."""
    report = told(room, ONE)
    assert room.stand.calls == []
    assert (report.hosts, report.generation) == (fingerprint(ONE), NEXT)


def test_a_plan_with_other_hosts_is_a_restart(room: Room) -> None:
    """Whoever applies it has said that it may be one."""
    room.apply(evolve(SERVED, hosts=TWO))
    assert room.stand.calls == ["check", "clear", "clear", f"start {ALONE.generation}"]
    assert room.server.report.hosts == fingerprint(TWO)


def test_a_deaf_server_is_unsure(room: Room) -> None:
    """The plan is the one before; the next start has the new hosts, and the MACs are on disk."""
    room.stand.deaf = True
    report = told(room, TWO)
    assert (report.hosts, report.generation) == (UNSURE, SERVED.generation)
    assert room.folder.plan() == SERVED
    assert room.folder.unsure() == {"02:00:00:00:00:01", "02:00:00:00:00:02"}
    assert room.folder.hosts.read_text() == stanzas(TWO)


def test_what_may_have_been_heard_is_told_again(room: Room) -> None:
    """Dropped if it is there, and made anew, until it is known for sure."""
    room.stand.deaf = True
    told(room, TWO)
    room.stand.deaf = False
    room.stand.calls.clear()
    report = told(room, ONE)
    assert room.stand.calls == [
        "Drop(mac='02:00:00:00:00:01')",
        "Drop(mac='02:00:00:00:00:02')",
        "Add(host=Host(mac='02:00:00:00:00:01', addresses=('10.0.0.5',), name='web'))",
    ]
    assert report.hosts == fingerprint(ONE)
    assert room.folder.unsure() == frozenset()


def test_a_restart_makes_sure(room: Room) -> None:
    """Even with the very plan that runs."""
    room.stand.deaf = True
    told(room, TWO)
    report = room.apply(SERVED)
    assert f"start {SERVED.generation}" in room.stand.calls
    assert report.hosts == fingerprint(ONE)
    assert room.folder.unsure() == frozenset()


def test_a_server_that_ends_begins_with_the_plan(room: Room) -> None:
    """What it was told in vain before is no matter then."""
    room.stand.deaf = True
    told(room, TWO)
    room.crash()
    room.clock.advance(1.0)
    assert room.server.report.hosts == fingerprint(ONE)
    assert room.folder.hosts.read_text() == stanzas(ONE)


def test_the_next_process_knows_what_is_unsure(room: Room) -> None:
    """It takes over a server of which nobody knows what it knows."""
    room.stand.deaf = True
    told(room, TWO)
    now(room.server.release())
    after = room_in(room.folder.config.parent, [])
    after.stand.adoptable = Child(5)
    assert now(after.server.resume()).hosts == UNSURE
    now(after.server.release())


def test_a_server_that_is_down_gets_them_at_its_start(room: Room) -> None:
    """They are checked and kept; there is nobody to tell."""
    room.crash()
    report = told(room, TWO)
    assert room.stand.calls == ["check"]
    assert report.hosts == fingerprint(TWO)
    assert report.problem
    room.clock.advance(1.0)
    assert room.server.report.serving
    assert room.folder.hosts.read_text() == stanzas(TWO)


def test_a_rack_that_serves_nothing_knows_no_hosts(room: Room) -> None:
    """It takes note of the generation."""
    room.apply(EMPTY)
    room.stand.calls.clear()
    report = told(room, ONE)
    assert room.stand.calls == []
    assert (report.hosts, report.generation) == ("", NEXT)


def test_withdrawn_hosts_are_sure_to_be_gone(room: Room) -> None:
    """No server knows any."""
    room.stand.deaf = True
    told(room, TWO)
    assert room.apply(EMPTY).hosts == ""


def test_what_is_no_text_of_hosts_is_refused(room: Room) -> None:
    """Before anything is told or written."""
    with pytest.raises(PlanRefused, match="cannot be kept: not a host's MAC"):
        told(room, "nonsense\n")
    assert room.stand.calls == []
    assert room.server.report.hosts == fingerprint(ONE)


def test_hosts_that_cannot_be_written_are_not_told(room: Room) -> None:
    """Dhcpd must not know what its next start would not."""
    room.folder.hosts.unlink()
    room.folder.hosts.mkdir()
    with pytest.raises(PlanRefused, match="cannot be kept"):
        told(room, TWO)
    assert room.stand.calls == []
    assert room.server.report.hosts == UNSURE
    room.folder.hosts.rmdir()
    assert told(room, TWO).hosts == fingerprint(TWO)


def test_a_plan_whose_hosts_cannot_be_read_does_not_start(room: Room) -> None:
    """The one before is in force again."""
    with pytest.raises(PlanRefused, match="the one before is in force again"):
        room.apply(evolve(PAIRED, hosts="nonsense\n"))
    assert room.server.report.hosts == fingerprint(ONE)
    assert room.server.report.serving
