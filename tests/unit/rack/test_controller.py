"""The rack controller's parts tell each other what they have to know, in the right order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, ensureDeferred

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.server import DhcpServer
from maasha.model.cluster import Endpoint, EventLoop, Ownership, RackKey
from maasha.model.dhcp import DhcpReport
from maasha.model.network import Interface
from maasha.model.probe import Finding
from maasha.model.sighting import Sighting
from maasha.model.stamp import NEVER, Stamp
from maasha.rack.controller import REGISTRATION_INTERVAL, Controller, Surroundings
from maasha.rack.dialling import Dialler
from maasha.rack.links import MAINTAIN_INTERVAL
from maasha.rack.memory import Memory
from maasha.rack.search import Search
from maasha.rpc.errors import Deleted, Unavailable
from tests.unit.dhcp.feeds import make_feed
from tests.unit.rack.lookout.segment import VLAN, Host, Segment
from tests.unit.rack.net import ELSEWHERE, Net, until, worker
from tests.unit.rack.probing.street import PROBE, Street
from tests.unit.rack.stand_ins import Server
from tests.unit.rpc.parts import INSTANCE, SECRET, WELCOME, WORKER, Door, Listener, value_of

ONE, TWO = Endpoint("10.0.0.1", 5250), Endpoint("10.0.0.2", 5250)
LOOPS = (worker("a:pid=1", "10.0.0.1:5250"), worker("b:pid=2", "10.0.0.2:5250"))
EPOCH = Stamp(1, 5)


class Dhcp(Server):
    """A DHCP server that comes up when `ready` fires and notes its plan's last owner."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: Deferred[None] = Deferred()
        self.changed: Callable[[DhcpReport], None] = lambda _: None

    async def resume(self) -> DhcpReport:
        """Come up."""
        await self.ready
        return self.report


class Rack:
    """A controller on a net in memory, with two regions to find; start it by `start`."""

    def __init__(self, folder: Path) -> None:
        self.net = Net()
        self.doors = [self.net.put_up(ONE), self.net.put_up(TWO)]
        self.memory = Memory(folder, folder / "secret")
        self.memory.register(SECRET, "first")
        self.dhcp = Dhcp()
        self.searches = 0
        self.restarts = 0
        self.segment = Segment(self.net)
        self.host = Host(self.segment, 1)
        self._folder = folder

    def start(self, *, dhcp: bool = True) -> Controller:
        """Start the process; `dhcp`: its server comes up at once."""
        if dhcp:
            self.dhcp.ready.callback(None)
        around = Surroundings(
            hostname="rack1",
            version="0.1.0",
            connections=2,
            url="http://a:5240/MAAS/",
            interfaces=self._interfaces,
            pick=lambda several: several[0],
            delay=lambda _: 1.0,
            begin_anew=self._restart,
            now=lambda: datetime.fromtimestamp(self.net.seconds(), UTC),
            scene=self.host.scene,
            instruments=Street(self.segment).instruments(),
        )
        made = Controller(
            cast(Dialler, self.net),
            self.memory,
            cast(Search, self),
            self._make_dhcp,
            lambda notify: make_feed(self.net, self._folder, notify),
            around,
        )
        made.startService()
        self.net.go()
        return made

    @property
    def links(self) -> int:
        """How many registrations the regions have seen."""
        return sum(len(door.seen) for door in self.doors)

    async def find(self) -> tuple[EventLoop, ...]:
        """Search, as `Search` does."""
        self.searches += 1
        return LOOPS

    def own(self, door: Door, epoch: Stamp = EPOCH) -> DhcpReport:
        """Let the worker behind a door act for the rack."""
        owned = ensureDeferred(door.racks[-1].own(epoch))
        self.net.go()
        return value_of(owned)

    def _make_dhcp(self, changed: Callable[[DhcpReport], None]) -> DhcpServer:
        self.dhcp.changed = changed
        return cast(DhcpServer, self.dhcp)

    async def _interfaces(self) -> tuple[Interface, ...]:
        return ()

    def _restart(self) -> None:
        self.restarts += 1


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack that was registered and has never been linked."""
    return Rack(tmp_path)


@pytest.fixture
def known(rack: Rack) -> Rack:
    """Give a rack that has been linked before."""
    rack.memory.belong(WELCOME.system_id, INSTANCE)
    return rack


def test_dhcp_is_served_before_any_region_is_looked_for(rack: Rack) -> None:
    """A rack in a dark machine room serves as it did yesterday."""
    rack.start(dhcp=False)
    rack.net.go(5)
    assert rack.searches == 0
    rack.dhcp.ready.callback(None)
    until(rack.net, lambda: rack.links > 0)


def test_a_deleted_rack_looks_for_nobody(known: Rack) -> None:
    """Until it is registered anew."""
    known.memory.retire()
    known.start(dhcp=False)
    known.net.go(5)
    assert (known.searches, known.restarts) == (0, 0)
    known.memory.register(SECRET, "second")
    until(known.net, lambda: known.restarts == 1)


def test_a_rack_that_hears_that_it_was_deleted_begins_anew(known: Rack) -> None:
    """When it has stopped and has been heard: the next process dials nobody, and says so once."""
    for door in known.doors:
        door.failure = Deleted(WELCOME.system_id)
    known.start()
    until(known.net, lambda: known.restarts > 0)
    assert known.memory.retired
    assert known.dhcp.applied[-1] == EMPTY
    assert not known.doors[0].seen[-1][0].serving


def test_a_deleted_rack_stops_what_still_serves(known: Rack) -> None:
    """Again and again, where dhcpd does not stop."""
    known.memory.retire()
    known.dhcp.refusal = PlanRefused("process 7 does not end even when killed")
    known.start(dhcp=False)
    assert known.dhcp.applied == []
    known.dhcp.refusal = None
    until(known.net, lambda: known.dhcp.applied == [EMPTY])


def test_a_rack_without_name_makes_one_link_first(rack: Rack) -> None:
    """Two at once would look like two racks of one name."""
    rack.start()
    assert rack.links == 1
    rack.net.go(MAINTAIN_INTERVAL)
    assert rack.links == 2
    (first, second) = (door.seen[0][0] for door in rack.doors)
    assert (first.system_id, second.system_id) == (None, WELCOME.system_id)


def test_a_rack_with_a_name_makes_all_its_links_at_once(known: Rack) -> None:
    """On different regions."""
    known.start()
    assert [len(door.seen) for door in known.doors] == [1, 1]


def test_a_rack_says_who_it_is(known: Rack) -> None:
    """Whom it obeyed and what it runs, so that a region that lost its memory notices."""
    known.memory.obey(EPOCH)
    known.memory.serve(INSTANCE)
    known.dhcp.report = DhcpReport(True, "d", Stamp(1, 9), lease_store="store")
    known.start()
    introduction = known.doors[0].seen[0][0]
    assert introduction.hostname == "rack1"
    assert introduction.url == "http://a:5240/MAAS/"
    assert (introduction.epoch, introduction.generation) == (EPOCH, Stamp(1, 9))
    assert introduction.lease_store == "store"


def test_a_generation_of_another_instance_is_not_told(rack: Rack) -> None:
    """Its numbers mean nothing here."""
    rack.memory.serve(ELSEWHERE)
    rack.dhcp.report = DhcpReport(True, "d", Stamp(9, 9))
    rack.start()
    assert rack.doors[0].seen[0][0].generation == NEVER


def test_a_rack_that_moved_stops_the_old_dhcp(rack: Rack, log: Listener) -> None:
    """From the moment it belongs to the new instance."""
    rack.memory.serve(ELSEWHERE)
    rack.start()
    assert rack.dhcp.applied == [EMPTY]
    assert rack.memory.served == INSTANCE
    assert f"moved to instance {INSTANCE}: the old DHCP stops" in log.lines


def test_a_dhcpd_that_does_not_stop_keeps_no_rack_from_moving(rack: Rack) -> None:
    """The region hears of it by the report."""
    rack.memory.serve(ELSEWHERE)
    rack.dhcp.refusal = PlanRefused("it hangs")
    rack.start()
    assert rack.memory.served == INSTANCE


def test_a_rack_that_stays_keeps_its_dhcp(known: Rack) -> None:
    """A new link changes nothing."""
    known.memory.serve(INSTANCE)
    known.start()
    assert known.dhcp.applied == []


def test_a_registration_makes_the_process_begin_anew(known: Rack) -> None:
    """`maasha-rack register` needs no restart by hand."""
    known.start()
    known.net.go(3 * REGISTRATION_INTERVAL)
    assert known.restarts == 0
    known.memory.register(SECRET, "second")
    until(known.net, lambda: known.restarts == 1)


def test_the_owner_gets_the_reports(known: Rack) -> None:
    """At once, and at every change; the other worker gets none."""
    known.start()
    assert known.own(known.doors[0]) == known.dhcp.report
    assert known.doors[0].desk.heard[0] == known.dhcp.report
    known.dhcp.report = evolve(known.dhcp.report, problem="dhcpd ended")
    known.dhcp.changed(known.dhcp.report)
    known.net.go()
    assert known.dhcp.report in known.doors[0].desk.heard


def test_an_owner_of_another_incarnation_gets_all_leases_anew(known: Rack) -> None:
    """Its database may have lost what was acknowledged."""
    known.memory.obey(EPOCH)
    (known._folder / "dhcpd.leases").write_text(
        "lease 10.0.0.5 {\n  binding state active;\n  hardware ethernet 52:54:00:00:00:01;\n}\n"
    )
    known.start()

    def reported() -> int:
        return sum(hasattr(word, "cursor") for word in known.doors[0].desk.heard)

    known.own(known.doors[0])
    until(known.net, lambda: reported() == 1)
    known.own(known.doors[0], EPOCH.next())
    known.net.go(2)
    assert reported() == 1
    known.own(known.doors[0], Stamp(2, 0))
    until(known.net, lambda: reported() == 2)


def test_a_lost_owner_is_replaced_over_the_other_link(known: Rack) -> None:
    """The other worker is asked, and told whom it replaces."""
    known.doors[1].desk.failure = Unavailable("no database", 1.0)
    known.start()
    known.own(known.doors[0])
    known.doors[0].racks[-1].abort("the worker died")
    known.net.go(1)
    known.doors[1].desk.failure = None
    lost = Ownership(WORKER, EPOCH)
    until(known.net, lambda: lost in known.doors[1].desk.heard)


def test_the_owner_hears_whom_the_rack_sees(known: Rack) -> None:
    """As long as it wants to know; when the rack stops its port is closed."""
    controller = known.start()
    known.own(known.doors[0])
    watches = (known.host.watch(Host(known.segment, 2)),)
    ordered = ensureDeferred(known.doors[0].racks[-1].look_out(EPOCH, watches))
    known.net.go()
    value_of(ordered)
    nothing = (Sighting(VLAN, RackKey(2)),)
    until(known.net, lambda: nothing in known.doors[0].desk.heard)
    assert known.segment.listeners
    stopped = controller.stopService()
    known.net.go(1)
    value_of(stopped)
    assert known.segment.listeners == {}


def test_the_owner_hears_what_the_rack_finds(known: Rack) -> None:
    """As soon as it knows something, from then on now and then."""
    known.start()
    known.own(known.doors[0])
    ordered = ensureDeferred(known.doors[0].racks[-1].probe_networks(EPOCH, (PROBE,)))
    known.net.go()
    value_of(ordered)
    until(known.net, lambda: (Finding(VLAN),) in known.doors[0].desk.heard)


def test_stopping_leaves_the_regions_and_lets_dhcp_serve(known: Rack) -> None:
    """A restart of rackd interrupts no client."""
    controller = known.start()
    stopped = controller.stopService()
    known.net.go(1)
    assert value_of(stopped) is None
    assert [len(door.desk.ended) for door in known.doors] == [1, 1]
    assert (known.dhcp.released, known.dhcp.applied) == (True, [])


def test_stopping_before_dhcp_is_up_is_possible(rack: Rack) -> None:
    """Nothing is begun any more then."""
    controller = rack.start(dhcp=False)
    stopped = controller.stopService()
    rack.net.go(5)
    assert value_of(stopped) is None
    assert (rack.dhcp.released, rack.searches) == (True, 0)


def test_a_start_that_fails_begins_anew(rack: Rack, log: Listener) -> None:
    """A process without links would serve nobody's wishes and look alive."""
    rack.start(dhcp=False)
    rack.dhcp.ready.errback(PlanRefused("dhcpd hangs in the kernel"))
    assert [str(error) for error in log.failures] == ["dhcpd hangs in the kernel"]
    assert rack.restarts == 1
