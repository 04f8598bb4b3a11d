"""Fixed hosts of a rack that people gave orders on the spot, with a stand-in for dhcpd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from maasha.dhcp import orders
from maasha.dhcp.held import Held
from maasha.dhcp.hosts import UNSURE, fingerprint, stanzas
from maasha.dhcp.render import render
from maasha.model.dhcp import SOLO
from maasha.model.orders import Standing
from maasha.model.stamp import Stamp
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, span, subnet, vlan
from tests.unit.dhcp.ordering import resume, solo
from tests.unit.dhcp.test_server import Room, now, room_in
from tests.unit.region.spot import NOON

ONE = "02:00:00:00:00:01 10.0.0.5 web\n"
TWO = "02:00:00:00:00:02 10.1.0.6 -\n"
NEXT = Stamp(1, 9)
OTHER = vlan(
    subnet(span("10.1.0.50", "10.1.0.99"), cidr="10.1.0.0/24"),
    number=2,
    own="10.1.0.1",
    interface="eth1",
)
BOTH = evolve(render(rack(PLAIN, OTHER), {PLAIN.vlan: PRIMARY, OTHER.vlan: SOLO}).plan, hosts=ONE)


def stop(held: Held) -> Standing:
    """Order a stop of everything."""
    return orders.stop(held.standing, None, NOON, None, "ann")


def stop_one(held: Held) -> Standing:
    """Order a stop of one VLAN of two."""
    return orders.stop(held.standing, PLAIN.vlan, NOON, None, "ann")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Give a server that serves two VLANs and one host."""
    room = room_in(tmp_path, [])
    now(room.server.resume())
    room.apply(BOTH)
    room.stand.calls.clear()
    yield room
    now(room.server.release())


def test_hosts_stay_while_any_vlan_is_served(room: Room) -> None:
    """A stop of one VLAN, and its end, are no change of hosts."""
    for order in (stop_one, resume, solo):
        assert now(room.server.order(order)).hosts == fingerprint(ONE)
        assert room.folder.hosts.read_text() == stanzas(ONE)


def test_other_hosts_are_of_the_plan_and_of_what_orders_leave_of_it(room: Room) -> None:
    """The running server is told; the VLAN that is stopped stays stopped."""
    now(room.server.order(stop_one))
    room.stand.calls.clear()
    report = now(room.server.change_hosts(NEXT, ONE + TWO))
    assert room.stand.calls == [
        "Add(host=Host(mac='02:00:00:00:00:02', addresses=('10.1.0.6',), name=''))"
    ]
    assert (report.hosts, report.generation) == (fingerprint(ONE + TWO), NEXT)
    assert [service.vlan for service in report.services] == [OTHER.vlan]
    assert room.folder.plan() == evolve(BOTH, generation=NEXT, hosts=ONE + TWO)
    assert room.folder.standing().told == 1


def test_a_stopped_rack_has_other_hosts_when_it_serves_again(room: Room) -> None:
    """Meanwhile it knows none."""
    now(room.server.order(stop))
    assert room.server.report.hosts == ""
    room.stand.calls.clear()
    assert now(room.server.change_hosts(NEXT, TWO)).hosts == ""
    assert room.stand.calls == ["check"]
    now(room.server.order(resume))
    now(room.server.apply(evolve(BOTH, generation=NEXT, hosts=TWO, acts=2)))
    assert room.server.report.hosts == fingerprint(TWO)
    assert room.folder.hosts.read_text() == stanzas(TWO)


def test_an_order_that_leaves_the_server_alone_does_so_with_unsure_hosts_too(room: Room) -> None:
    """They are no matter of the person's: a region sees to them."""
    now(room.server.order(stop_one))
    room.server.disclose()
    room.stand.deaf = True
    assert now(room.server.change_hosts(NEXT, TWO)).hosts == UNSURE
    room.stand.calls.clear()
    report = now(room.server.order(resume))
    assert room.stand.calls == []
    assert (report.hosts, report.acts) == (UNSURE, 2)
