"""All regions and the database are gone for a minute: DHCP goes on, nothing is lost."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from attrs import define, field

from lab import (
    MAC,
    DHCPClients,
    Host,
    Kind,
    Lease,
    NoLease,
    Patience,
    Process,
    Sniffer,
    mac,
    until,
)
from lab.cluster import LARGE_LAN, Cluster
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.watching import answers, kill_rackd

pytestmark = pytest.mark.root

OUTAGE = 60.0
"""Seconds at least; on a busy machine until enough has happened."""
LEASE_TIME = 20
"""Seconds; leases that nobody renews end during the outage."""
LEAST = 50
"""Grants, releases and expiries, each at least, during the outage."""
PATIENCE = Patience(total=15.0, resend=1.0)
REPLICATED = 2.5
"""Seconds after which both peers know a lease: they tell each other within two."""
GROUP = 12
"""Clients that come at the same time."""


@define
class History:
    """What the clients know of their leases; `ended` has those that were given back or ran out."""

    counts: Counter[str] = field(factory=Counter)
    held: dict[MAC, Lease] = field(factory=dict)

    def grant(self, lease: Lease) -> None:
        """Note an ACK."""
        self.counts["grants"] += 1
        self.held[lease.chaddr] = lease

    def release(self, lease: Lease) -> None:
        """Note that a lease was given back."""
        self.counts["releases"] += 1
        del self.held[lease.chaddr]

    def expire(self) -> None:
        """Note the leases that have run out."""
        now = time.monotonic()
        for lease in tuple(self.held.values()):
            if lease.monotonic + lease.seconds <= now:
                self.counts["expiries"] += 1
                del self.held[lease.chaddr]


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN and short leases."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.131")
    answer = cluster.update_vlan(
        LARGE_LAN,
        "primary_rack=rack1",
        "secondary_rack=rack2",
        f"lease_time={LEASE_TIME}",
        "dhcp_on=true",
    )
    assert answer["dhcp_status"] == "running"
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


@pytest.fixture
def clients(pair: Cluster) -> Iterator[DHCPClients]:
    """Give clients on the large LAN."""
    with DHCPClients(pair.clients, "eth1") as own:
        yield own


def put_out(cluster: Cluster) -> None:
    """SIGKILL all processes of the region and of PostgreSQL; their runners leave them dead."""
    for host, service in ((cluster.region, "regiond"), (cluster.db, "postgres")):
        for process in daemons(cluster, service):
            process.id.signal(signal.SIGKILL)
        cluster.runner(host).stop(service)
        until(lambda: not daemons(cluster, service), f"no {service} left", timeout=15.0)  # noqa: B023  waited for at once


def daemons(cluster: Cluster, service: str) -> tuple[Process, ...]:
    """Give the processes of a daemon."""
    if service == "postgres":
        return cluster.db.processes("postgres")
    return (
        *cluster.region.processes("maasha-regiond"),
        *cluster.region.processes("maasha.daemon.worker"),
    )


def bring_back(cluster: Cluster) -> None:
    """Start both again."""
    cluster.runner(cluster.db).start("postgres")
    cluster.runner(cluster.region).start("regiond")


def live_through(clients: DHCPClients, history: History, seconds: float) -> None:
    """Come and go: a group at a time gets addresses, half gives them back, half lets them end."""
    end, number, chance = time.monotonic() + seconds, 0x020000100000, Random(5)
    while time.monotonic() < end:
        group = [mac(number + offset) for offset in range(GROUP)]
        number += GROUP
        for outcome in clients.acquire_all(group, PATIENCE).values():
            if isinstance(outcome, NoLease):
                raise outcome
            history.grant(outcome)
            if chance.random() < 0.5:
                clients.release(outcome)
                history.release(outcome)
        history.expire()
        for lease in chance.sample(sorted(history.held.values(), key=str), 2):
            history.grant(clients.renew(lease, PATIENCE))


def active(cluster: Cluster) -> dict[str, str]:
    """Give the addresses that the API shows as leased, and to whom."""
    leases = cluster.maasha("leases", "read")
    return {entry["ip"]: entry["mac"] for entry in leases if entry["state"] == "active"}


def replace_rackd(rack: Host) -> None:
    """SIGKILL rackd, and wait for the one that takes its place."""
    (old,) = rack.processes("maasha-rackd")
    kill_rackd(rack)
    until(
        lambda: any(process.id != old.id for process in rack.processes("maasha-rackd")),
        "another rackd",
        timeout=40,
    )


def test_a_request_is_confirmed_by_the_server_that_it_names(
    pair: Cluster, clients: DHCPClients
) -> None:
    """Its partner knows the lease as well, and stays silent: renewals to that would be in vain."""
    known = [mac(0x020000200000 + number) for number in range(4 * GROUP)]
    with Sniffer(pair.large) as sniffer:
        clients.acquire_all(known, PATIENCE)
        time.sleep(REPLICATED)
        clients.acquire_all(known, PATIENCE)
        until(lambda: len(set(confirmed(sniffer))) == 2 * len(known), "all ACKs", timeout=10.0)
    assert set(Counter(confirmed(sniffer)).values()) == {1}
    for lease in clients.history[-len(known) :]:
        clients.release(lease)


def confirmed(sniffer: Sniffer) -> list[int]:
    """Give the exchange of each ACK."""
    return [heard.xid for heard in sniffer.messages() if heard.kind is Kind.ACK]


def test_dhcp_goes_on_without_any_region(
    pair: Cluster, clients: DHCPClients, figures: Figures
) -> None:
    """Racks need no region to serve, not even to start again; nothing they did is lost."""
    history = History()
    put_out(pair)
    began = time.monotonic()
    live_through(clients, history, OUTAGE / 3)
    server = Dhcpd(pair.rack1).snapshot()
    replace_rackd(pair.rack1)
    live_through(clients, history, OUTAGE / 3)
    assert Dhcpd(pair.rack1).snapshot() == server
    live_through(clients, history, OUTAGE - (time.monotonic() - began))
    while min(history.counts[what] for what in ("grants", "releases", "expiries")) < LEAST:
        assert time.monotonic() - began < 2 * OUTAGE
        live_through(clients, history, 1.0)
    assert Dhcpd(pair.rack1).snapshot() == server
    lasted = time.monotonic() - began
    for what, count in history.counts.items():
        figures.count(f"without any region for {lasted:.0f} s: {what}", count)
    bring_back(pair)
    back = time.monotonic()

    def right() -> bool:
        """Compare all of the table with what the clients know, at one moment."""
        history.expire()
        known = {str(lease.ip): lease.chaddr for lease in history.held.values()}
        return answers(pair) and active(pair) == known

    live_through(clients, history, 5.0)
    until(right, "the region's table to be right", timeout=60.0, interval=0.3)
    figures.seconds("database and region started again -> table right", time.monotonic() - back)
