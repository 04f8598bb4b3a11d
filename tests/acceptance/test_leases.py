"""The region knows every lease: soon in normal service, and after a day without it as well.

MAASHA_SOAK in the environment (`make soak`) makes it 24 hours at 50 leases a second; else one hour.
"""

from __future__ import annotations

import os
import time
from ipaddress import IPv4Address

import pytest

from lab import DHCPClients, NoLease, Patience, mac, until
from lab.cluster import LARGE_LAN, Cluster
from maasha.model.lease import Lease
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.spooling import RATE, days_end, write
from tests.acceptance.watching import wait_linked

pytestmark = pytest.mark.root

WHOLE = "MAASHA_SOAK" in os.environ
HOURS = 24 if WHOLE else 1
ADDRESSES = 65_536 if WHOLE else 15_000
REPLAY = 1200.0
"""Seconds until everything that was spooled must be in the table."""
SECONDS = 8.0
"""How long clients come for."""
GROUP = 150
"""Clients that come at the same time."""
MOST = 450
"""Clients, for more than which the LAN's range has no room on one server and the other."""
LATEST = 2.0
"""Seconds after the ACK within which 99 of 100 leases must be in the table."""
PATIENCE = Patience(total=15.0, resend=1.0)


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.250")
    answer = cluster.update_vlan(
        LARGE_LAN, "primary_rack=rack1", "secondary_rack=rack2", "dhcp_on=true"
    )
    assert answer["dhcp_status"] == "running"
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


def test_leases_are_reported_soon(pair: Cluster, figures: Figures) -> None:
    """From a client's ACK to the region's table, with clients coming as fast as they can."""
    granted: dict[str, float] = {}
    wall, began = time.time() - time.monotonic(), time.monotonic()
    with DHCPClients(pair.clients, "eth1") as clients:
        end, number = began + SECONDS, 0x020000200000
        while time.monotonic() < end and len(granted) + GROUP <= MOST:
            group = [mac(number + offset) for offset in range(GROUP)]
            number += GROUP
            for outcome in clients.acquire_all(group, PATIENCE).values():
                assert not isinstance(outcome, NoLease), outcome
                granted[str(outcome.ip)] = wall + outcome.monotonic
    seconds, reported = time.monotonic() - began, dict[str, float]()

    def all_there() -> bool:
        rows = pair.sql(
            "select host(ip), min(extract(epoch from reported)) from lease"
            " where state = 'active' group by ip"
        )
        reported.update({ip: float(at) for ip, at in rows})
        return granted.keys() <= reported.keys()

    until(all_there, "every lease in the table", timeout=30.0, interval=0.2)
    lags = sorted(reported[ip] - at for ip, at in granted.items())
    latest = lags[len(lags) * 99 // 100]
    figures.count("leases granted a second", round(len(lags) / seconds))
    figures.distribution("ACK -> in the region's table", lags)
    figures.seconds("ACK -> in the region's table, p99", latest)
    assert latest <= LATEST


def told(cluster: Cluster, rack: str) -> dict[IPv4Address, tuple[str, ...]]:
    """Give what the region knows of a rack's words."""
    rows = cluster.sql(
        "select host(ip), state, mac, extract(epoch from ends)::bigint, name, fixed from lease"
        f" join rack on rack.id = rack_id where rack.hostname = '{rack}'"
    )
    return {IPv4Address(ip): tuple(rest) for ip, *rest in rows}


def shown(lease: Lease) -> tuple[str, ...]:
    """Give a lease as `told` does."""
    assert lease.ends is not None
    ends, fixed = str(int(lease.ends.timestamp())), "t" if lease.fixed else "f"
    return lease.state.value, lease.mac, ends, lease.hostname, fixed


def test_what_was_spooled_is_reported(pair: Cluster, figures: Figures) -> None:
    """Coalesced to the newest word on each address, every one of them right."""
    rack, day = pair.rack1, days_end(HOURS * 3600 * RATE, ADDRESSES)
    server = Dhcpd(rack).snapshot()
    pair.runner(rack).stop("rackd")
    began = time.monotonic()
    size = write(day, Dhcpd(rack).folder / "spool")
    what = f"{day.words} leases of {ADDRESSES} addresses in {HOURS} h"
    figures.seconds(f"{what}: spooled", time.monotonic() - began)
    figures.count(f"{what}: bytes of the spool", size)
    expected = {ip: shown(lease) for ip, lease in day.last().items()}
    assert len(expected) == ADDRESSES
    began = time.monotonic()
    pair.runner(rack).start("rackd")
    wait_linked(pair, rack.name)
    count = f"select count(*) from lease where ip >= '{min(expected)}'"

    def all_there() -> bool:
        if pair.sql(count) != ((str(ADDRESSES),),):
            return False
        known = told(pair, rack.name)
        return all(known[ip] == words for ip, words in expected.items())

    until(all_there, "every address's last state", timeout=REPLAY, interval=0.5)
    figures.seconds(f"{what}: replayed after the start of rackd", time.monotonic() - began)
    span = "select extract(epoch from max(reported) - min(reported)) from lease"
    ((seconds,),) = pair.sql(f"{span} where ip >= '{min(expected)}'")
    figures.count(f"{what}: leases taken up a second", round(ADDRESSES / float(seconds)))
    assert Dhcpd(rack).snapshot() == server
    alarms = pair.sql("select kind from event where severity = 'alarm' and kind like '%spool%'")
    assert alarms == ()


def test_a_damaged_spool_is_an_alarm_until_all_is_told_anew(
    pair: Cluster, figures: Figures
) -> None:
    """A bit turns while rackd is away: the region hears of it, and in the end has all right."""
    rack = pair.rack2
    pair.runner(rack).stop("rackd")
    before = told(pair, rack.name)
    segment = max((Dhcpd(rack).folder / "spool").glob("*.leases"))
    raw = bytearray(segment.read_bytes())
    raw[-5] ^= 1  # of the newest word
    segment.write_bytes(raw)
    began = time.monotonic()
    pair.runner(rack).start("rackd")
    alarm = "select id, detail from event where kind = 'dhcp.spool-damaged' and severity = 'alarm'"
    until(lambda: pair.sql(alarm) != (), "an alarm", timeout=60.0, interval=0.2)
    figures.seconds("start on a damaged spool -> alarm", time.monotonic() - began)
    ((number, detail),) = pair.sql(alarm)
    assert "the lease spool is damaged" in detail
    over = f"select id from event where clears = {number}"
    until(lambda: pair.sql(over) != (), "its end", timeout=60.0, interval=0.2)
    figures.seconds("start on a damaged spool -> told anew, alarm over", time.monotonic() - began)
    assert told(pair, rack.name) == before
