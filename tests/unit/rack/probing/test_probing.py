"""VLANs are asked now and then, as the region says; what is found is known at once."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from attrs import evolve
from twisted.internet.defer import maybeDeferred
from twisted.logger import globalLogPublisher

from maasha.model.network import VlanId
from maasha.model.probe import Probe, ResolverSeen
from maasha.rack.probing.instruments import PACE
from maasha.rack.probing.knowledge import MISSES, Outline
from maasha.rack.probing.probing import VALID, Probing
from maasha.rack.probing.spot import ASKED, TICK
from tests.unit.rack.lookout.segment import VLAN
from tests.unit.rack.probing.street import MAC, OWN, PROBE, DhcpServer, Street
from tests.unit.rpc.parts import Listener

FOREIGN = IPv4Address("10.0.0.7")
DNS, OTHER = IPv4Address("10.0.1.53"), IPv4Address("10.0.2.53")
ONCE = TICK + PACE.window
"""Seconds in which a first probe ends."""


class Rack:
    """Probes of a rack, and how often there was news."""

    def __init__(self) -> None:
        self.street = Street()
        self.news = 0
        self.probing = Probing(self.street.instruments(), self.changed)
        self.probing.startService()

    def changed(self) -> None:
        """Count it."""
        self.news += 1

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.street.segment.go(seconds)

    def again(self, *probes: Probe, seconds: float) -> None:
        """Let time pass while the region renews its order."""
        for _ in range(round(seconds / 60)):
            self.probing.probe(probes)
            self.go(60)

    @property
    def outline(self) -> Outline:
        """What is known of the VLAN."""
        return self.probing.outlines[VLAN]

    @property
    def servers(self) -> list[str]:
        """The DHCP servers that are known."""
        (finding,) = self.probing.findings
        return [str(each.server) for each in finding.servers]


@pytest.fixture
def rack() -> Rack:
    """Give one without orders."""
    return Rack()


def test_a_server_is_found(rack: Rack) -> None:
    """With its station, as soon as it makes an offer, and that is news."""
    server = DhcpServer(rack.street.segment, FOREIGN, late=3.0)
    rack.probing.probe([PROBE])
    rack.go(TICK + 3.5)
    assert rack.servers == [str(FOREIGN)]
    rack.go(ONCE)
    (finding,) = rack.probing.findings
    (seen,) = finding.servers
    assert (seen.server, seen.mac) == (FOREIGN, server.mac)
    assert not finding.settled
    assert rack.news == 1
    assert len(server.asked) == ASKED
    assert len({message.xid for message in server.asked}) == 1


def test_a_server_that_goes_is_forgotten(rack: Rack) -> None:
    """After some probes, which come soon while there is one."""
    server = DhcpServer(rack.street.segment, FOREIGN)
    rack.again(PROBE, seconds=300)
    assert rack.servers == [str(FOREIGN)]
    server.answers = False
    rack.again(PROBE, seconds=60)
    assert rack.servers == [str(FOREIGN)]
    rack.again(PROBE, seconds=(MISSES + 1) * PACE.eager)
    assert rack.servers == []
    assert rack.outline.settled


def test_where_there_is_none_probes_are_rare(rack: Rack) -> None:
    """A few at first, then one in ten minutes."""
    server = DhcpServer(rack.street.segment, FOREIGN, answers=False)
    rack.again(PROBE, seconds=600)
    assert rack.outline == Outline(settled=True)
    at_first = len(server.asked)
    assert at_first == MISSES * ASKED
    rack.again(PROBE, seconds=3600)
    assert at_first + 5 * ASKED <= len(server.asked) <= at_first + 6 * ASKED


def test_chance_makes_them_come_early(rack: Rack) -> None:
    """By a quarter at most."""
    rack.street.chance = 1.0
    server = DhcpServer(rack.street.segment, FOREIGN, answers=False)
    rack.again(PROBE, seconds=600)
    at_first = len(server.asked)
    rack.again(PROBE, seconds=3600)
    assert len(server.asked) - at_first == pytest.approx(ASKED * 3600 / 460, abs=ASKED)


def test_no_station_stays_open(rack: Rack) -> None:
    """Frames are heard only while an offer may come, and none when the order ends."""
    rack.probing.probe([PROBE])
    rack.go(ONCE / 2)
    assert rack.street.segment.stations
    rack.go(ONCE)
    assert rack.street.segment.stations == []
    rack.go(PACE.eager - TICK)
    assert rack.street.segment.stations
    rack.probing.probe([])
    rack.go(0)
    assert rack.street.segment.stations == []
    assert rack.probing.findings == ()


def test_name_servers_are_asked_from_our_address(rack: Rack) -> None:
    """Each minute; those that do not answer are known too."""
    rack.street.resolvers = {DNS}
    rack.probing.probe([evolve(PROBE, resolvers=(DNS, OTHER))])
    rack.go(ONCE)
    assert rack.street.asked == [(OWN, DNS), (OWN, OTHER)]
    assert rack.outline.answering == {DNS}
    (finding,) = rack.probing.findings
    one, other = finding.resolvers
    assert (one.address, other) == (DNS, ResolverSeen(OTHER, one.asked, None))
    assert one.asked == one.answered
    rack.again(evolve(PROBE, resolvers=(DNS, OTHER)), seconds=600)
    assert 18 <= len(rack.street.asked) <= 22
    rack.street.resolvers = set()
    rack.again(evolve(PROBE, resolvers=(DNS, OTHER)), seconds=120)
    assert rack.outline.answering == frozenset()


def test_without_an_address_nobody_is_asked(rack: Rack) -> None:
    """DHCP servers are looked for all the same."""
    server = DhcpServer(rack.street.segment, FOREIGN)
    rack.probing.probe([evolve(PROBE, address=None, resolvers=(DNS,))])
    rack.go(ONCE)
    assert rack.street.asked == []
    assert server.asked


def test_an_address_that_is_not_ours_says_nothing(rack: Rack) -> None:
    """It is the interface that is at fault, and not the name server."""
    rack.street.unasked = OSError("Cannot assign requested address")
    rack.probing.probe([evolve(PROBE, resolvers=(DNS,))])
    rack.go(ONCE)
    (finding,) = rack.probing.findings
    assert finding.resolvers == ()


def test_what_is_known_outlasts_other_name_servers(rack: Rack) -> None:
    """New ones are asked at once; those that are no more are forgotten, even if asked just now."""
    DhcpServer(rack.street.segment, FOREIGN)
    rack.street.resolvers = {DNS, OTHER}
    rack.probing.probe([evolve(PROBE, resolvers=(DNS,))])
    rack.go(ONCE)
    rack.probing.probe([evolve(PROBE, resolvers=(DNS, OTHER))])
    rack.go(2 * TICK)
    assert rack.servers == [str(FOREIGN)]
    assert rack.outline.answering == {DNS, OTHER}
    rack.probing.probe([evolve(PROBE, resolvers=(OTHER,))])
    assert rack.outline.answering == {OTHER}
    rack.street.patience = 5.0
    rack.probing.probe([evolve(PROBE, resolvers=(DNS, OTHER))])
    rack.go(2 * TICK)
    rack.probing.probe([evolve(PROBE, resolvers=(OTHER,))])
    rack.go(10)
    assert rack.outline.asked == {OTHER}


def test_another_interface_begins_anew(rack: Rack) -> None:
    """What was seen on the old one says nothing of it."""
    DhcpServer(rack.street.segment, FOREIGN)
    rack.probing.probe([PROBE])
    rack.go(ONCE)
    rack.probing.probe([evolve(PROBE, client="02:00:00:00:00:aa")])
    assert rack.servers == []
    assert rack.outline == Outline()


@pytest.fixture
def log() -> Iterator[Listener]:
    """Give what is logged."""
    made = Listener()
    globalLogPublisher.addObserver(made)
    yield made
    globalLogPublisher.removeObserver(made)


def test_an_interface_that_is_not_there_says_nothing(rack: Rack, log: Listener) -> None:
    """Nothing is known, and that is one line until there is one."""
    rack.street.segment.unopened = OSError("No such device")
    rack.again(PROBE, seconds=300)
    assert rack.outline == Outline()
    assert [line for line in log.lines if "No such device" in line] == [
        "VLAN 5: no DHCP servers are looked for on eth1: No such device"
    ]
    rack.street.segment.unopened = None
    rack.again(PROBE, seconds=300)
    assert rack.outline.settled


def test_an_interface_that_goes_says_nothing(rack: Rack) -> None:
    """Before the question or after it: a server that was there still counts."""
    DhcpServer(rack.street.segment, FOREIGN)
    rack.again(PROBE, seconds=60)
    rack.street.segment.down = True
    rack.again(PROBE, seconds=300)
    rack.street.segment.down = False
    assert rack.servers == [str(FOREIGN)]
    while not (opened := [each for each in rack.street.segment.stations if each.mac == MAC]):
        rack.go(TICK)
    opened[0].lost(OSError("gone"))
    rack.go(ONCE)
    assert rack.servers == [str(FOREIGN)]


def test_a_vlan_that_cannot_be_probed_harms_no_other(rack: Rack) -> None:
    """Each has its own times, and its own failures."""
    DhcpServer(rack.street.segment, FOREIGN)
    broken = evolve(PROBE, vlan=VlanId(6), client="not a station")
    rack.probing.probe([broken, PROBE])
    rack.go(ONCE)
    assert rack.outline.servers


def test_an_order_that_is_not_renewed_ends(rack: Rack) -> None:
    """The region is gone, or has forgotten that it asked."""
    rack.probing.probe([PROBE])
    rack.go(VALID + 2 * TICK)
    assert rack.probing.findings == ()
    stopped = maybeDeferred(rack.probing.stopService)
    rack.go(1)
    assert stopped.called
