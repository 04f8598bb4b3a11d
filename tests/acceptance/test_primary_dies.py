"""The primary dies, in two ways, among clients that come and go: the secondary serves."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import pytest

from lab import (
    MAC,
    DHCPClients,
    Errand,
    Lease,
    NoLease,
    Patience,
    Sniffer,
    Wish,
    mac,
    until,
)
from lab.cluster import LARGE_LAN, Cluster
from tests.acceptance.churn import ROUND, Churn
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.hearing import acks, wait_heard

pytestmark = pytest.mark.root

SURVIVOR, SURVIVOR_DEADLINE = "10.1.0.2", 75.0
"""Seconds until even a client with secs 0 is served after silence: max-response-delay is 60."""
WAITED_DEADLINE = 10.0
"""Seconds until a client that says it waits is served, far below the above."""
REPLICATED = 2.0
"""Seconds after which the survivor knows a lease. At most 10 updates are under way between the
servers (max-unacked-updates), and dhcpd acknowledges them together, after 2 s at the latest."""


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


AT_ONCE = 5.0
"""Seconds until the survivor of a SIGKILL serves: its socket tells it of the end; 1.5 s seen."""


@pytest.fixture(scope="module")
def crowd(
    pair: Cluster,
    sniffer: Sniffer,  # noqa: ARG001  hears the crowd from its first message on
) -> Iterator[Churn]:
    """Have 48 clients come and go while the tests run; each has been served before the first."""
    with Churn(pair.clients, "eth1", 0x020000010000, seed=3) as running:
        running.wait_all_served(0.0, timeout=60.0)
        yield running


@pytest.fixture
def clients(pair: Cluster) -> Iterator[DHCPClients]:
    """Give the test's own clients."""
    with DHCPClients(pair.clients, "eth1") as own:
        yield own


def first_answers(
    clients: DHCPClients, figures: Figures, what: str, first: int, patience: Patience
) -> tuple[float, float]:
    """Have a client that says it has waited, and one that does not, ask at once; give when."""
    tickets = [
        clients.submit(Errand(Wish.ACQUIRE, mac(first + secs), patience, secs)) for secs in (0, 5)
    ]
    outcomes = [clients.outcome(ticket) for ticket in tickets]
    for outcome, label in zip(outcomes, ("secs 0", "secs >= 3"), strict=True):
        assert isinstance(outcome, Lease), outcome
        assert str(outcome.server) == SURVIVOR
        figures.seconds(f"{what} -> first ACK for a new client, {label}", outcome.latency)
    at_once, waited = (outcome.latency for outcome in outcomes if isinstance(outcome, Lease))
    return at_once, waited


def check_crowd(
    crowd: Churn, figures: Figures, what: str, before: float, fault: float, over: float
) -> None:
    """Check what the 48 clients saw: all served by the end, failures only in the fault.

    A renewal goes by unicast to the server that granted the lease, so while that is dead it is
    lost. Its client asks everybody next, as at T2, and must then get its address from the survivor.
    Others without a lease are of clients that were granted one in the instant of the fault: an
    update leaves up to 0.05 s after its ACK, and the survivor is silent to whom it does not know.
    """
    crowd.wait_all_served(over, timeout=4 * ROUND)
    figures.seconds(f"  {what}: longest time without any ACK for the crowd", crowd.silence(before))
    mine = [done for done in crowd.done if done.ended > before]
    failed = [done for done in mine if isinstance(done.outcome, NoLease)]
    lost = [done for done in failed if done.wish is Wish.RENEW and done.unanswered]
    moved = [done.held for done in lost if not crowd.following(done).kept]
    grants = [lease.monotonic for lease in crowd.grants(before)]
    figures.count(f"  {what}: errands of the crowd", len(mine))
    figures.count("    grants before the fault", sum(at < fault for at in grants))
    figures.count("    grants in the fault", sum(fault <= at < over for at in grants))
    figures.count("    grants after it", sum(at >= over for at in grants))
    figures.count("    renewals lost with the primary", len(lost))
    figures.count("    of these, not rebound to the same address", len(moved))
    figures.count("    others without a lease", len(failed) - len(lost))
    assert [done for done in failed if done.ended < fault or done.began > over] == []
    assert len({done.chaddr for done in lost}) == len(lost), "who has rebound loses no more"
    assert [held for held in moved if held and held.monotonic < fault - REPLICATED] == []
    others = [done for done in failed if done not in lost]
    known = [done.held for done in others if done.held is not None]
    assert [held for held in known if held.monotonic < fault - REPLICATED] == []
    assert len({done.chaddr for done in others}) == len(others), "who has started over is served"
    extended = [done for done in mine if done.held and isinstance(done.outcome, Lease)]
    assert [done for done in extended if not done.kept] == []


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


def test_the_secondary_serves_when_the_primary_is_killed(
    pair: Cluster, clients: DHCPClients, crowd: Churn, figures: Figures
) -> None:
    """After SIGKILL new clients are served at once, and known ones keep their addresses."""
    before = time.monotonic()
    held = replicated(pair, clients, mac(0x020000020000))
    fault = time.monotonic()
    kill_everything(pair)
    answers = first_answers(clients, figures, "SIGKILL", 0x020000020010, Patience(30.0, 0.5))
    assert max(answers) <= AT_ONCE
    rebinds(clients, held)
    wait_shown(pair, "rack2", "communications-interrupted", timeout=15.0)
    assert "dhcp.interrupted" in alarms(pair)
    crowd.wait_all_served(fault, timeout=5 * ROUND, by=SURVIVOR)
    pair.runner(pair.rack1).launch()
    wait_both_normal(pair, figures, "processes started again", timeout=60.0)
    check_crowd(crowd, figures, "SIGKILL", before, fault, time.monotonic())


def test_the_secondary_serves_when_the_primary_is_cut_off(
    pair: Cluster, clients: DHCPClients, crowd: Churn, figures: Figures
) -> None:
    """Without a sign of the loss, clients that say they wait are served long before the others."""
    before = time.monotonic()
    held = replicated(pair, clients, mac(0x020000030000))
    cables = [network.cable(pair.rack1) for network in pair.lab.networks.values()]
    fault = time.monotonic()
    for cable in cables:
        cable.cut()
    patience = Patience(SURVIVOR_DEADLINE, 0.5)
    at_once, waited = first_answers(clients, figures, "link cut", 0x020000030010, patience)
    assert waited < WAITED_DEADLINE < at_once <= SURVIVOR_DEADLINE
    rebinds(clients, held)
    wait_shown(pair, "rack2", "communications-interrupted", timeout=SURVIVOR_DEADLINE)
    crowd.wait_all_served(fault, timeout=5 * ROUND, by=SURVIVOR)
    for cable in cables:
        cable.restore()
    wait_both_normal(pair, figures, "link restored", timeout=60.0)
    check_crowd(crowd, figures, "link cut", before, fault, time.monotonic())


def test_no_address_ever_had_two_holders(
    pair: Cluster, clients: DHCPClients, crowd: Churn, sniffer: Sniffer, figures: Figures
) -> None:
    """The sniffer heard every grant, and a forged one on the wire trips it."""
    lease = clients.acquire(mac(0x020000040000))
    wait_heard(sniffer, [*crowd.grants(), lease])
    figures.count("ACKs that the sniffer judged", len(acks(sniffer)))
    assert sniffer.conflicts() == ()
    stranger = mac(0x02000000DEAD)
    argv = [sys.executable, "-m", "tests.acceptance.forged_ack", "eth1", str(lease.ip), stranger]
    pair.clients.run(argv)
    until(lambda: sniffer.conflicts() != (), "the verdict", timeout=5.0, interval=0.1)
    (conflict,) = sniffer.conflicts()
    assert (conflict.first.ip, conflict.first.chaddr) == (lease.ip, lease.chaddr)
    assert conflict.second.chaddr == stranger
