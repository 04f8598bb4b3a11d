"""The owner hears what is left of each VLAN's pools: when it changes, and whoever is new."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from attrs import evolve
from twisted.internet.task import Clock

from maasha.dhcp.feed import POLL_INTERVAL
from maasha.dhcp.server import DhcpServer
from maasha.model.network import VlanId
from maasha.model.pools import PoolCount
from maasha.rack.pool_reports import INTERVAL, REST, PoolReports
from maasha.rpc.errors import LinkLost
from maasha.rpc.remote import RemoteRegion
from tests.unit.dhcp.feeds import make_feed
from tests.unit.rack.stand_ins import Region, Server

LEASE = "lease 10.0.0.{} {{\n  binding state {};\n}}\n"
FIRST, LAST = (10 << 24) + 50, (10 << 24) + 59
ALL = PoolCount(VlanId(7), 10, 10)


class Rack:
    """Pool reports of a rack with ten addresses; `owner` is None while there is none."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.path = folder / "dhcpd.leases"
        self.owner: Region | None = Region()
        self.server = Server(pools={VlanId(7): ((FIRST, LAST),)})
        feed = make_feed(self.clock, folder, lambda: None)
        reports = PoolReports(
            self.clock,
            lambda: cast(RemoteRegion | None, self.owner),
            cast(DhcpServer, self.server),
            feed,
        )
        feed.start()
        reports.startService()

    def lease(self, number: int, state: str = "active") -> None:
        """Let dhcpd write a lease, and time pass until it is counted."""
        with self.path.open("a") as file:
            file.write(LEASE.format(number, state))
        self.pass_time()

    def pass_time(self, seconds: float = INTERVAL) -> None:
        """Let time pass in steps."""
        for _ in range(int(seconds / POLL_INTERVAL) + 1):
            self.clock.advance(POLL_INTERVAL)


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack whose dhcpd has written nothing yet."""
    made = Rack(tmp_path)
    made.path.touch()
    made.pass_time()
    return made


def told(region: Region | None) -> list[tuple[PoolCount, ...]]:
    """Give what an owner took."""
    assert region is not None
    return region.pools


def test_what_changes_is_told(rack: Rack) -> None:
    """Once, and what does not is not."""
    assert told(rack.owner) == [(ALL,)]
    rack.pass_time(30.0)
    assert told(rack.owner) == [(ALL,)]
    rack.lease(50)
    assert told(rack.owner)[1:] == [(evolve(ALL, free=9, active=1, arrivals=1),)]


def test_another_owner_hears_all_of_it(rack: Rack) -> None:
    """Whoever it is; while there is none nothing is told."""
    rack.owner = None
    rack.lease(50)
    rack.owner = Region()
    rack.pass_time()
    assert told(rack.owner) == [(evolve(ALL, free=9, active=1, arrivals=1),)]


def test_an_owner_that_takes_none_is_left_alone_for_a_while(rack: Rack) -> None:
    """It may be of a version that does not know the report."""
    assert rack.owner is not None
    rack.owner.error = LinkLost("gone")
    calls = rack.owner.calls
    rack.lease(50)
    rack.pass_time(REST / 2)
    assert rack.owner.calls == calls + 1
    rack.owner.error = None
    rack.pass_time(REST)
    assert len(told(rack.owner)) == 2


def test_a_new_plan_is_counted_anew(rack: Rack) -> None:
    """A VLAN that is not served any more is not named."""
    rack.server.pools = {}
    rack.pass_time()
    assert told(rack.owner)[-1] == ()


def test_nothing_is_told_before_the_file_is_read(tmp_path: Path) -> None:
    """Counts of half a file would be wrong."""
    rack = Rack(tmp_path)
    rack.pass_time(30.0)
    assert told(rack.owner) == []
    rack.lease(50)
    assert told(rack.owner) == [(evolve(ALL, free=9, active=1),)]
