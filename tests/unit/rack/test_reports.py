"""The owner gets DHCP state, leases, interfaces and sightings: each until taken, then news."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import cast

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from maasha.dhcp.feed import POLL_INTERVAL
from maasha.dhcp.server import DhcpServer
from maasha.model.lease import TroubleKind
from maasha.model.network import Interface
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.probing.probing import Probing
from maasha.rack.reports import (
    FOUND_AGAIN,
    HEALTH_INTERVAL,
    INTERFACE_INTERVAL,
    LEASE_INTERVAL,
    RETOLD,
    SIGHTING_REST,
    STATE_INTERVAL,
    Reports,
)
from maasha.rpc.errors import LinkLost, NotOwner, Unavailable
from maasha.rpc.remote import RemoteRegion
from tests.unit.dhcp.feeds import make_feed
from tests.unit.rack.lookout.segment import Host, Segment
from tests.unit.rack.probing.street import PROBE, Street
from tests.unit.rack.probing.street import DhcpServer as Foreign
from tests.unit.rack.stand_ins import Region, Server
from tests.unit.rpc.parts import value_of

LEASE = """lease 10.0.0.{} {{
  cltt 4 2026/01/01 00:00:00;
  binding state active;
  hardware ethernet 52:54:00:00:00:{};
}}
"""
ETH0 = Interface("eth0", "52:54:00:00:00:01")


class Rack:
    """Reports of a rack; `owner` is the far end of the owner's link, None while there is none."""

    def __init__(self, folder: Path) -> None:
        self.segment = Segment()
        self.clock: Clock = self.segment.clock
        self.lookout = Lookout(
            Host(self.segment, 1).scene,
            frozenset,
            lambda: self.reports.sighted(),  # noqa: PLW0108  made below
        )
        self.street = Street(self.segment)
        self.probing = Probing(
            self.street.instruments(),
            lambda: self.reports.found(),  # noqa: PLW0108  made below
        )
        self.owner: Region | None = Region()
        self.server = Server()
        self.interfaces: tuple[Interface, ...] = (ETH0,)
        self.path = folder / "dhcpd.leases"
        self.set_by = 0.0
        self.feed = make_feed(self.clock, folder, self._notify, self._now)
        self.reports = Reports(
            self.clock,
            lambda: cast(RemoteRegion | None, self.owner),
            cast(DhcpServer, self.server),
            self.feed,
            self._look,
            self.lookout,
            self._now,
            self.probing,
        )
        self.feed.start()
        self.reports.startService()

    @property
    def region(self) -> Region:
        """The owner that is there."""
        assert self.owner is not None
        return self.owner

    def lease(self, *numbers: int) -> None:
        """Let dhcpd write leases."""
        with self.path.open("a") as file:
            file.writelines(LEASE.format(number, number) for number in numbers)
        self.clock.advance(POLL_INTERVAL)

    def leased(self) -> list[int]:
        """Give the last bytes of the addresses that the owner took, in order."""
        batches = (report.leases for report in self.region.leases)
        return [int(str(lease.ip).rpartition(".")[2]) for batch in batches for lease in batch]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.seconds() + self.set_by, UTC)

    def _notify(self) -> None:
        self.reports.leases_changed()

    async def _look(self) -> tuple[Interface, ...]:
        return self.interfaces


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack that has an owner and has told it what there is."""
    return Rack(tmp_path)


def test_everything_is_told_at_once(rack: Rack) -> None:
    """Nothing waits for an interval."""
    rack.lease(5)
    assert rack.region.reports == [rack.server.report]
    assert rack.region.interfaces == [(ETH0,)]
    assert rack.leased() == [5]


def test_nothing_is_told_twice(rack: Rack) -> None:
    """An owner that has taken it all hears nothing more."""
    rack.lease(5)
    calls = rack.region.calls
    rack.clock.pump([1.0] * 30)
    assert rack.region.calls == calls


def test_news_are_told(rack: Rack) -> None:
    """Another state at once, other interfaces with the next look, other leases as they come."""
    rack.server.report = evolve(rack.server.report, problem="dhcpd ended")
    rack.reports.changed()
    assert [report.problem for report in rack.region.reports] == ["", "dhcpd ended"]
    rack.interfaces = ()
    rack.clock.advance(INTERFACE_INTERVAL)
    assert rack.region.interfaces == [(ETH0,), ()]
    rack.lease(5)
    rack.lease(6)
    assert rack.leased() == [5, 6]


def watch(rack: Rack) -> None:
    """Let the rack look out for another one that is there, and does so too."""
    here, there = Host(rack.segment, 1), Host(rack.segment, 2)
    other = Lookout(there.scene, frozenset, lambda: None)
    for lookout, order in ((rack.lookout, here.watch(there)), (other, there.watch(here))):
        lookout.startService()
        value_of(Deferred.fromCoroutine(lookout.watch((order,))))


def test_what_comes_into_sight_is_told_at_once(rack: Rack) -> None:
    """Then now and then, with its age; nothing is told while nothing is watched."""
    rack.segment.go(20)
    assert rack.region.sightings == []
    watch(rack)
    rack.segment.go(4)
    (sighting,) = rack.region.sightings[-1]
    assert sighting.probed is not None
    assert sighting.reached is not None
    told = len(rack.region.sightings)
    assert told <= 4
    rack.segment.go(2 * RETOLD + 1)
    assert len(rack.region.sightings) == told + 2


def test_changes_gather(rack: Rack) -> None:
    """Each report tells all that is known: a hundred changes in a moment are two of them."""
    watch(rack)
    rack.segment.go(10)
    told = len(rack.region.sightings)
    for _ in range(100):
        rack.reports.owned(restored=False)  # all is news to another owner
        rack.reports.sighted()
        rack.segment.go(SIGHTING_REST / 100)
    rack.segment.go(SIGHTING_REST)
    assert told < len(rack.region.sightings) <= told + 3


def test_sightings_wait_for_a_region_that_is_away(rack: Rack) -> None:
    """They are told when it takes them, and all to another owner."""
    rack.region.error = Unavailable("no database", 5.0)
    watch(rack)
    rack.segment.go(4)
    assert rack.region.sightings == []
    rack.region.error = None
    rack.segment.go(3)
    told = len(rack.region.sightings)
    assert told
    rack.reports.owned(restored=False)
    rack.segment.go(2)
    assert len(rack.region.sightings) == told + 1


def test_what_is_found_is_told_at_once(rack: Rack) -> None:
    """Then each minute, with its age, and all to another owner; nothing while nothing is probed."""
    rack.probing.startService()
    rack.segment.go(70)
    assert rack.region.findings == []
    server = Foreign(rack.segment, IPv4Address("10.0.0.7"))
    rack.probing.probe([PROBE])
    rack.segment.go(13)
    (finding,) = rack.region.findings[-1]
    assert [each.mac for each in finding.servers] == [server.mac]
    told = len(rack.region.findings)
    rack.segment.go(FOUND_AGAIN * 2)
    assert told < len(rack.region.findings) <= told + 3
    told = len(rack.region.findings)
    rack.reports.owned(restored=False)
    rack.segment.go(3)
    assert len(rack.region.findings) == told + 1


def test_what_did_not_arrive_is_told_again(rack: Rack) -> None:
    """Each kind by itself, until it is acknowledged."""
    rack.region.error = LinkLost("cut")
    rack.server.report = evolve(rack.server.report, problem="new")
    rack.interfaces = ()
    rack.lease(5)
    rack.clock.pump([1.0] * 11)
    assert rack.leased() == []
    rack.region.error = None
    rack.clock.advance(STATE_INTERVAL)
    rack.clock.advance(INTERFACE_INTERVAL)
    assert rack.leased() == [5]
    assert rack.region.reports[-1].problem == "new"
    assert rack.region.interfaces[-1] == ()


def test_nothing_is_told_to_nobody(rack: Rack) -> None:
    """Without owner leases wait in dhcpd's own file."""
    rack.owner = None
    rack.lease(5)
    rack.clock.pump([1.0] * 30)
    rack.owner = Region()
    rack.clock.advance(LEASE_INTERVAL)
    assert rack.leased() == [5]


def test_another_owner_gets_state_and_interfaces_anew(rack: Rack) -> None:
    """It has what its database has of leases; those that were taken are not sent again."""
    rack.lease(5)
    rack.owner = Region()
    rack.reports.owned(restored=False)
    assert rack.region.reports == [rack.server.report]
    rack.clock.advance(INTERFACE_INTERVAL)
    assert rack.region.interfaces == [(ETH0,)]
    assert rack.leased() == []


def test_an_owner_of_a_restored_database_gets_all_leases_anew(rack: Rack) -> None:
    """A new incarnation may have lost what was acknowledged before."""
    rack.lease(5, 6)
    rack.owner = Region()
    rack.reports.owned(restored=True)
    assert rack.leased() == [5, 6]


def test_a_region_without_database_is_left_alone_as_long_as_it_says(rack: Rack) -> None:
    """A thousand racks do not knock every second meanwhile."""
    rack.region.error = Unavailable("no database", 20.0)
    rack.lease(5)
    calls = rack.region.calls
    rack.reports.leases_changed()
    rack.lease(6)
    assert rack.region.calls == calls
    rack.region.error = None
    rack.clock.pump([LEASE_INTERVAL] * 19)
    assert rack.leased() == []
    rack.clock.pump([LEASE_INTERVAL] * 2)
    assert rack.leased() == [5, 6]


def test_another_owner_does_not_wait_for_the_pause_of_the_last(rack: Rack) -> None:
    """What one region could not take the next one takes."""
    rack.region.error = Unavailable("no database", 20.0)
    rack.lease(5)
    rack.owner = Region()
    rack.reports.owned(restored=False)
    rack.clock.advance(LEASE_INTERVAL)
    assert rack.leased() == [5]


def test_a_worker_that_is_no_longer_the_owner_is_asked_again_later(rack: Rack) -> None:
    """The rack hears of the change in a moment, or the worker of its own."""
    rack.region.error = NotOwner(None)
    rack.lease(5)
    rack.region.error = None
    rack.clock.pump([LEASE_INTERVAL] * 2)
    assert rack.leased() == [5]


def test_many_leases_go_in_batches(rack: Rack) -> None:
    """One after the other, without a pause between."""
    with rack.path.open("a") as file:
        file.writelines(
            LEASE.format(number % 250 + 1, 10).replace("10.0.0", f"10.0.{number // 250}")
            for number in range(1200)
        )
    rack.clock.advance(POLL_INTERVAL)
    rack.clock.pump([0.0] * 3)
    assert [len(report.leases) for report in rack.region.leases] == [500, 500, 200]


def test_an_owner_is_told_the_time_and_what_is_wrong(rack: Rack) -> None:
    """With every batch, at once where that changed, and else now and then."""
    rack.clock.advance(LEASE_INTERVAL)
    assert rack.region.leases == []
    rack.clock.pump([1.0] * int(HEALTH_INTERVAL))
    (report,) = rack.region.leases
    assert (report.leases, report.troubles) == ((), ())
    assert report.clock == datetime.fromtimestamp(HEALTH_INTERVAL, UTC)
    rack.set_by = 3600.0
    rack.clock.pump([1.0] * 2)
    (trouble,) = rack.region.leases[-1].troubles
    assert trouble.kind is TroubleKind.STEPPED
    assert len(rack.region.leases) == 2
    rack.reports.owned(restored=False)
    rack.clock.pump([1.0] * 2)
    assert rack.region.leases[-1].troubles == (trouble,)
    assert len(rack.region.leases) == 3


def test_a_rack_that_lost_count_tells_everything_anew(rack: Rack) -> None:
    """The region knows higher numbers than the rack's: it would take nothing under lower ones."""
    rack.region.known = 1 << 50
    rack.lease(5)
    assert [lease.sequence > 1 << 50 for lease in rack.region.leases[-1].leases] == [True]
    assert rack.leased() == [5, 5]
    rack.clock.pump([1.0] * 5)
    assert rack.leased() == [5, 5]


def test_a_region_that_lost_what_it_had_is_told_everything_anew(rack: Rack) -> None:
    """Though nothing is new: the next report says what the rack holds for acknowledged."""
    rack.lease(5)
    rack.region.lost = True
    rack.clock.pump([1.0] * int(HEALTH_INTERVAL))
    rack.region.lost = False
    rack.clock.pump([1.0] * 2)
    assert rack.leased() == [5, 5]
    rack.clock.pump([1.0] * 5)
    assert rack.leased() == [5, 5]
