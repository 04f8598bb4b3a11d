"""Mishaps of every kind under load: no address has two holders, and no lease is lost.

`make soak` goes on for longer, by MAASHA_SOAK seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest

from lab import MAC, HostProcess, Kind, Sniffer, until
from lab.cluster import LARGE_LAN, Cluster
from lab.heard import Heard
from tests.acceptance.churn import Churn
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.hearing import acks, wait_heard
from tests.acceptance.mishaps import live_through
from tests.acceptance.watching import answers

pytestmark = pytest.mark.root

SECONDS = float(os.environ.get("MAASHA_SOAK", "90"))
SEED = int(os.environ.get("MAASHA_SEED", "6"))
LEASE_TIME = 20
"""Seconds: addresses come free, and go to others, many times over."""
LOADER = "10.1.0.10"
RATE = 20
"""Exchanges a second of perfdhcp's clients, beside those of the churn."""
CLIENTS = 300
"""Of perfdhcp."""


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN, 800 addresses and short leases."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.131")
    members = ("primary_rack=rack1", "secondary_rack=rack2")
    # a peer that falls silent is to be missed within the time of a mishap, too
    numbers = (f"lease_time={LEASE_TIME}", "max_response_delay=5")
    answer = cluster.update_vlan(LARGE_LAN, *members, *numbers, "dhcp_on=true")
    assert answer["dhcp_status"] == "running", answer
    wait_normal(cluster)
    return cluster


@pytest.fixture
def sniffer(pair: Cluster) -> Iterator[Sniffer]:
    """Hear every DHCP message on the large LAN."""
    with Sniffer(pair.large) as listening:
        yield listening


def wait_normal(cluster: Cluster) -> None:
    """Wait until both peers are normal."""
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=90.0)


def load(cluster: Cluster, seconds: float) -> HostProcess:
    """Have perfdhcp ask the primary as a relay does; what is not answered it only counts."""
    host = cluster.lab.host("loader", {cluster.large: LOADER})
    period = ("-r", str(RATE), "-R", str(CLIENTS), "-p", str(int(seconds)))
    argv = ["perfdhcp", "-4", *period, "-b", "mac=02:00:00:50:00:00", "10.1.0.1"]
    return host.popen(argv, log=host.directory / "perfdhcp.log")


def last_words(messages: tuple[Heard, ...]) -> dict[IPv4Address, MAC]:
    """Give who was granted each address last; releases are no grants."""
    granted = (heard for heard in messages if heard.kind is Kind.ACK and heard.seconds)
    ordered = sorted(granted, key=lambda heard: heard.monotonic)
    return {heard.ip: heard.chaddr for heard in ordered}


def table(cluster: Cluster) -> dict[str, Any]:
    """Give the region's word on each address."""
    return {entry["ip"]: entry for entry in cluster.maasha("leases", "read", "limit=10000")}


def test_history(pair: Cluster, sniffer: Sniffer, figures: Figures) -> None:
    """Whatever dies meanwhile, each client alone has its address, and the region knows of it."""
    began = time.monotonic()
    marks: list[str] = []

    def notice(kind: object, rack: object) -> None:
        marks.append(f"{time.monotonic() - began:6.1f} s {kind} {rack}")

    perfdhcp = load(pair, SECONDS)
    with Churn(pair.clients, "eth1", 0x020000010000, seed=SEED) as crowd:
        crowd.wait_all_served(0.0, timeout=60.0)
        counts = live_through(pair, SECONDS, SEED, notice)
        wait_normal(pair)
        crowd.wait_all_served(time.monotonic(), timeout=60.0)
    perfdhcp.end()
    wait_heard(sniffer, crowd.grants())
    for kind, count in counts.items():
        figures.count(f"mishaps: {kind.value}", count)
    figures.count("errands of the crowd", crowd.errands)
    heard = sniffer.messages()
    figures.count("ACKs heard, perfdhcp's too", len(acks(sniffer)))
    assert sniffer.conflicts() == (), marks
    words = last_words(heard)
    figures.count("addresses granted", len(words))

    def missing() -> list[str]:
        """Name the addresses of which the region does not know who was granted them last."""
        if not answers(pair):
            return ["the region"]
        known = table(pair)
        return [
            f"{ip} was granted to {chaddr}, the region says {known.get(str(ip))}"
            for ip, chaddr in words.items()
            if known.get(str(ip), {}).get("mac") != chaddr
        ]

    try:
        until(lambda: not missing(), "the region to know every lease", timeout=60.0, interval=1.0)
    except Exception as error:
        raise AssertionError("\n".join([*marks, *missing()])) from error
    figures.count("of these the region has the last word right", len(words))
