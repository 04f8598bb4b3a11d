"""The primary dies, in two ways, among clients that come and go: the secondary serves."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from attrs import evolve

from lab import (
    MAC,
    DHCPClients,
    Errand,
    Kind,
    Lease,
    Patience,
    Sniffer,
    Wish,
    judge,
    mac,
    until,
)
from lab.cluster import LARGE_LAN, Cluster
from tests.acceptance.churn import Churn
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

CLIENTS = 48
SURVIVOR_DEADLINE = 75.0
"""Seconds until even a client with secs 0 is served after silence: max-response-delay is 60."""


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN, 800 addresses, leases of two minutes."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.131")
    answer = cluster.update_vlan(
        LARGE_LAN, "primary_rack=rack1", "secondary_rack=rack2", "lease_time=120", "dhcp_on=true"
    )
    assert answer["dhcp_status"] == "running"
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


@pytest.fixture(scope="module")
def sniffer(pair: Cluster) -> Iterator[Sniffer]:
    """Hear every DHCP message on the large LAN."""
    with Sniffer(pair.large) as listening:
        yield listening


@pytest.fixture
def crowd(
    pair: Cluster,
    sniffer: Sniffer,  # noqa: ARG001  hears the crowd from its first message on
    figures: Figures,
) -> Iterator[Churn]:
    """Have 48 clients come and go while a test runs; each must have been served at the end."""
    with Churn(pair.clients, "eth1", CLIENTS, 0x020000010000, seed=3) as running:
        until(lambda: len(running.served) >= CLIENTS, "every client to be served", timeout=60.0)
        yield running
    figures.count("  errands of the clients meanwhile", running.outcomes.total())


@pytest.fixture
def clients(pair: Cluster) -> Iterator[DHCPClients]:
    """Give the test's own clients."""
    with DHCPClients(pair.clients, "eth1") as own:
        yield own


def first_answers(
    clients: DHCPClients, figures: Figures, what: str, first: int, patience: Patience
) -> None:
    """Have a client that says it has waited, and one that does not, ask at once; note when."""
    tickets = {
        secs: clients.submit(Errand(Wish.ACQUIRE, mac(first + secs), patience, secs))
        for secs in (0, 5)
    }
    for secs, ticket in tickets.items():
        outcome = clients.outcome(ticket)
        assert isinstance(outcome, Lease), outcome
        assert str(outcome.server) == "10.1.0.2"
        label = "secs 0" if secs == 0 else "secs >= 3"
        figures.seconds(f"{what} -> first ACK for a new client, {label}", outcome.latency)


def shown_state(cluster: Cluster, rack: str) -> str:
    """Give a rack's failover state as the region shows it."""
    (vlan,) = [v for v in cluster.status()["vlans"] if v["dhcp_on"]]
    return str(next(entry["state"] for entry in vlan["states"] if entry["rack"] == rack))


def wait_shown(cluster: Cluster, rack: str, state: str, timeout: float) -> None:
    """Wait until the region shows a rack's failover state."""
    what = f"the region to show {rack} as {state}"
    until(lambda: shown_state(cluster, rack) == state, what, timeout=timeout, interval=0.2)


def alarms(cluster: Cluster) -> list[str]:
    """Give the kinds of the open alarms."""
    return [alarm["kind"] for alarm in cluster.status()["alarms"]]


def wait_both_normal(cluster: Cluster, figures: Figures, what: str, timeout: float) -> None:
    """Wait until OMAPI says normal on both racks, and the region too."""
    began = time.monotonic()
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout)
    figures.seconds(f"{what} -> both normal", time.monotonic() - began)
    for name in ("rack1", "rack2"):
        wait_shown(cluster, name, "normal", timeout=15.0)
    until(lambda: "dhcp.interrupted" not in alarms(cluster), "the alarm to clear", timeout=10.0)


def kill_everything(cluster: Cluster) -> None:
    """SIGKILL every process of rack1 but the host itself: runner, rackd, dhcpd."""
    rack = cluster.rack1
    for process in rack.processes():
        if process.id != rack.anchor:
            process.id.signal(signal.SIGKILL)


def replicated(cluster: Cluster, clients: DHCPClients, chaddr: MAC) -> Lease:
    """Give a client a lease and wait until the secondary has it on disk (dhcpd's batch: 2 s)."""
    lease = clients.acquire(chaddr)
    assert str(lease.server) == "10.1.0.1"
    secondary = Dhcpd(cluster.rack2)
    until(lambda: secondary.knows_active(str(lease.ip)), "the lease on rack2", timeout=10.0)
    return lease


def rebinds(clients: DHCPClients, lease: Lease) -> None:
    """Check that a client keeps its address, extended by the secondary."""
    again = clients.rebind(lease)
    assert again.ip == lease.ip
    assert str(again.server) == "10.1.0.2"


@pytest.mark.usefixtures("crowd")
def test_the_secondary_serves_when_the_primary_is_killed(
    pair: Cluster, clients: DHCPClients, figures: Figures
) -> None:
    """After SIGKILL new clients are served at once, and known ones keep their addresses."""
    held = replicated(pair, clients, mac(0x020000020000))
    kill_everything(pair)
    first_answers(clients, figures, "SIGKILL", 0x020000020010, Patience(30.0, 0.5))
    rebinds(clients, held)
    wait_shown(pair, "rack2", "communications-interrupted", timeout=15.0)
    assert "dhcp.interrupted" in alarms(pair)
    pair.runner(pair.rack1).launch()
    wait_both_normal(pair, figures, "processes started again", timeout=60.0)


@pytest.mark.usefixtures("crowd")
def test_the_secondary_serves_when_the_primary_is_cut_off(
    pair: Cluster, clients: DHCPClients, figures: Figures
) -> None:
    """Without a sign of the loss, clients that say they wait are served long before the others."""
    held = replicated(pair, clients, mac(0x020000030000))
    cables = [network.cable(pair.rack1) for network in pair.lab.networks.values()]
    for cable in cables:
        cable.cut()
    first_answers(clients, figures, "link cut", 0x020000030010, Patience(SURVIVOR_DEADLINE, 0.5))
    rebinds(clients, held)
    wait_shown(pair, "rack2", "communications-interrupted", timeout=SURVIVOR_DEADLINE)
    for cable in cables:
        cable.restore()
    wait_both_normal(pair, figures, "link restored", timeout=60.0)


def test_no_address_ever_had_two_holders(sniffer: Sniffer, figures: Figures) -> None:
    """The sniffer heard the whole time; a duplicate planted into its record is found."""
    heard = sniffer.messages()
    acks = [message for message in heard if message.kind is Kind.ACK]
    figures.count("ACKs that the sniffer judged", len(acks))
    assert judge(heard) == ()
    last = heard.index(acks[-1])
    stranger: MAC = mac(0x02000000DEAD)
    planted = evolve(acks[-1], chaddr=stranger, monotonic=acks[-1].monotonic + 0.001)
    assert len(judge((*heard[: last + 1], planted))) == 1
