"""The server under orders on the spot, with a stand-in for dhcpd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.dhcp import orders
from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.held import Held
from maasha.dhcp.orders import Impossible
from maasha.model.dhcp import SOLO, Duty
from maasha.model.orders import OrderKind, Standing
from tests.unit.dhcp.ordering import NOON, resume, solo
from tests.unit.dhcp.test_server import ALONE, PAIRED, Child, Room, now, plan_of, room_in


def stop(held: Held) -> Standing:
    """Order a stop of everything."""
    return orders.stop(held.standing, None, NOON, None, "ann")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Give a server that is the primary of a pair."""
    room = room_in(tmp_path, [])
    now(room.server.resume())
    room.apply(PAIRED)
    room.stand.calls.clear()
    yield room
    now(room.server.release())


def test_an_order_is_on_disk_before_it_is_carried_out(room: Room) -> None:
    """So it stands whatever dies; the plan of the region stays beside it."""
    room.stand.gate = Deferred()
    Deferred.fromCoroutine(room.server.order(solo))
    assert room.folder.standing().orders[0].kind is OrderKind.SOLO
    assert room.server.disclose() is None
    room.stand.gate.callback(None)
    report = room.server.disclose()
    assert report is not None
    assert (report.services[0].role, report.acts, len(report.orders)) == (SOLO, 1, 1)
    assert room.folder.plan() == PAIRED
    assert "reach" not in " ".join(room.stand.calls)


def test_what_a_region_may_know_is_remembered(room: Room) -> None:
    """Before it is told; where that fails it is not."""
    now(room.server.order(stop))
    assert room.folder.standing().told == 0
    room.server.disclose()
    assert room.folder.standing().told == 1
    room.server.disclose()


def test_what_cannot_be_changes_nothing(room: Room) -> None:
    """Neither on disk nor in what runs."""
    with pytest.raises(Impossible):
        now(room.server.order(resume))
    assert room.stand.calls == []
    assert room.folder.standing() == Standing()
    now(room.server.order(lambda held: held.standing))
    assert room.stand.calls == []


def test_an_order_that_fails_is_taken_back(room: Room) -> None:
    """The server runs as before."""
    room.stand.failures = 1
    with pytest.raises(PlanRefused, match="does not start"):
        now(room.server.order(solo))
    assert room.folder.standing().orders == ()
    report = room.server.disclose()
    assert report is not None
    assert (report.serving, report.services[0].role.duty) == (True, Duty.PRIMARY)


def test_an_order_that_cannot_be_kept_is_not_carried_out(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is said."""

    def full(_: Standing) -> None:
        raise OSError("full")

    monkeypatch.setattr(room.folder, "keep_standing", full)
    with pytest.raises(PlanRefused, match="cannot be kept on disk: full"):
        now(room.server.order(solo))
    assert room.stand.calls == []
    monkeypatch.undo()


def test_a_plan_that_knows_nothing_of_the_order_is_not_run(room: Room) -> None:
    """One that does is, and ended orders are forgotten with it."""
    now(room.server.order(solo))
    now(room.server.order(resume))
    room.stand.calls.clear()
    older = evolve(plan_of(SOLO, 3, 120), acts=1)
    assert now(room.server.apply(older)).acts == 2
    assert room.stand.calls == []
    report = now(room.server.apply(evolve(PAIRED, acts=2)))
    assert report.services[0].role.duty is Duty.PRIMARY
    assert room.folder.standing().orders == ()


def test_the_next_rackd_runs_what_the_orders_left(room: Room) -> None:
    """And does not start a server that was stopped."""
    now(room.server.order(stop))
    again = room_in(room.folder.config.parent, [])
    assert not now(again.server.resume()).serving
    assert again.stand.calls == ["clear"]
    now(again.server.order(resume))
    assert again.server.report.services[0].role.duty is Duty.PRIMARY
    now(again.server.release())


def test_orders_that_cannot_be_read_are_read_from_their_copy(room: Room) -> None:
    """A rack that was stopped does not serve because of a damaged file."""
    now(room.server.order(stop))
    (room.folder.config.parent / "orders.json").write_bytes(b"\xff")
    again = room_in(room.folder.config.parent, [])
    assert not now(again.server.resume()).serving
    now(again.server.release())


def test_to_leave_the_instance_ends_the_orders(room: Room) -> None:
    """Their VLANs are the old one's; acts are counted on."""
    now(room.server.order(solo))
    now(room.server.withdraw())
    assert room.folder.standing() == Standing(number=1)


def test_a_damaged_plan_is_replaced_by_the_one_before(room: Room) -> None:
    """It is said until a good one is on disk."""
    room.apply(ALONE)
    (room.folder.config.parent / "plan.json").write_bytes(b'{"config": "\xff')
    again = room_in(room.folder.config.parent, [])
    report = now(again.server.resume())
    assert (report.damaged, report.services[0].role.duty) == (True, Duty.PRIMARY)
    assert not now(again.server.apply(PAIRED)).damaged
    assert again.folder.plan() == PAIRED
    now(again.server.release())


def test_where_no_plan_can_be_read_a_server_that_runs_is_left_alone(room: Room) -> None:
    """A damaged disk must not end DHCP."""
    for name in ("plan.json", "plan.before.json"):
        (room.folder.config.parent / name).write_text("{")
    again = room_in(room.folder.config.parent, [])
    again.stand.adoptable = Child(99)
    report = now(again.server.resume())
    assert again.stand.calls == []
    assert "a dhcpd that runs is left alone" in report.problem
    assert now(again.server.apply(ALONE)).serving
    now(again.server.release())


def test_one_rackd_at_a_time_has_the_files_in_hand(tmp_path: Path) -> None:
    """So that nobody undoes behind its back what it does."""
    room = room_in(tmp_path, [])
    assert room.folder.take_charge() is not None
    assert room.folder.take_charge() is None
    now(room.server.resume())
    now(room.server.release())
