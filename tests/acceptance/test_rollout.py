"""Pairs are made, changed and dissolved among clients that come and go: somebody always serves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab import DHCPClients, Host, Lease, Sniffer, mac, until
from lab.cluster import LARGE_LAN, Cluster
from tests.acceptance.churn import ROUND, Churn
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.hearing import wait_heard

pytestmark = pytest.mark.root

SETTLED = 60.0
"""Seconds for a change that takes several steps, each of them confirmed by a rack."""
LONGEST_SILENCE = 5.0
"""Seconds without any ACK while somebody asks. The servers of a new pair answer nobody until each
has told the other all its leases (state recover), and clients ask again after a second only. Seen:
1 to 2 s, and 3.0 s on a machine with five times more to do than it has processors."""


@pytest.fixture(scope="module")
def solo(cluster: Cluster) -> Cluster:
    """Give the cluster with rack1 serving the large LAN alone, 800 addresses."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.131")
    answer = cluster.update_vlan(LARGE_LAN, "primary_rack=rack1", "secondary_rack=", "dhcp_on=true")
    assert answer["dhcp_status"] == "running"
    return cluster


@pytest.fixture(scope="module")
def sniffer(solo: Cluster) -> Iterator[Sniffer]:
    """Hear every DHCP message on the large LAN."""
    with Sniffer(solo.large) as listening:
        yield listening


@pytest.fixture(scope="module")
def crowd(
    solo: Cluster,
    sniffer: Sniffer,  # noqa: ARG001  hears the crowd from its first message on
) -> Iterator[Churn]:
    """Have 48 clients come and go; each has been served before the first test."""
    with Churn(solo.clients, "eth1", 0x020000010000, seed=11) as running:
        running.wait_all_served(0.0, timeout=60.0)
        yield running


@pytest.fixture(scope="module")
def held(solo: Cluster, crowd: Churn) -> Iterator[tuple[DHCPClients, Lease]]:  # noqa: ARG001  comes among the crowd
    """Give a client with the lease that it got from rack1 at the beginning."""
    with DHCPClients(solo.clients, "eth1") as clients:
        yield clients, clients.acquire(mac(0x020000020000))


def duty(rack: Host) -> str:
    """Give the part that a rack's configuration gives it in the VLAN."""
    dhcpd = Dhcpd(rack)
    if not dhcpd.processes():
        return "off"
    if "failover peer" not in dhcpd.config:
        return "solo"
    return "primary" if "\n     primary;" in dhcpd.block() else "secondary"


def wait_duties(cluster: Cluster, *wanted: str) -> None:
    """Wait until the racks have these parts, and the region says that this is what it wants."""

    def there() -> bool:
        found = tuple(duty(rack) for rack in cluster.racks)
        return found == wanted and cluster.vlan(LARGE_LAN)["dhcp_status"] == "running"

    until(there, f"rack1 and rack2 to be {wanted}", timeout=SETTLED, interval=0.2)


def wait_normal(cluster: Cluster) -> None:
    """Wait until OMAPI says normal on both racks."""
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)


def rebinds(client: tuple[DHCPClients, Lease]) -> None:
    """Check that a client that asks everybody keeps the address it has had from the beginning."""
    clients, lease = client
    assert clients.rebind(lease).ip == lease.ip


def check_served(crowd: Churn, figures: Figures, what: str, began: float) -> None:
    """Check that the change left nobody unserved, for a moment or for good."""
    over = time.monotonic()
    figures.seconds(what, over - began)
    silence = crowd.silence(began)
    figures.seconds("  longest time without any ACK meanwhile", silence)
    crowd.wait_all_served(over, timeout=4 * ROUND)
    assert silence <= LONGEST_SILENCE


def test_a_pair_is_made(
    solo: Cluster, crowd: Churn, held: tuple[DHCPClients, Lease], figures: Figures
) -> None:
    """The rack that served alone becomes the primary, and nobody waits for that."""
    began = time.monotonic()
    solo.update_vlan(LARGE_LAN, "secondary_rack=rack2")
    wait_duties(solo, "primary", "secondary")
    wait_normal(solo)
    check_served(crowd, figures, "solo -> pair", began)
    rebinds(held)


def test_a_pair_is_dissolved(
    solo: Cluster, crowd: Churn, held: tuple[DHCPClients, Lease], figures: Figures
) -> None:
    """The secondary's dhcpd ends, the primary serves alone."""
    began = time.monotonic()
    solo.update_vlan(LARGE_LAN, "secondary_rack=")
    wait_duties(solo, "solo", "off")
    check_served(crowd, figures, "pair -> solo", began)
    rebinds(held)


def test_primary_and_secondary_change_places(
    solo: Cluster, crowd: Churn, held: tuple[DHCPClients, Lease], figures: Figures
) -> None:
    """One update exchanges the roles of a pair."""
    solo.update_vlan(LARGE_LAN, "secondary_rack=rack2")
    wait_duties(solo, "primary", "secondary")
    wait_normal(solo)
    began = time.monotonic()
    solo.update_vlan(LARGE_LAN, "primary_rack=rack2", "secondary_rack=rack1")
    wait_duties(solo, "secondary", "primary")
    wait_normal(solo)
    check_served(crowd, figures, "primary and secondary exchanged", began)
    rebinds(held)


def test_a_rack_hands_over_to_another(
    solo: Cluster, crowd: Churn, held: tuple[DHCPClients, Lease], figures: Figures
) -> None:
    """The new rack gets every lease, through a passing pair, before the old one stops."""
    solo.update_vlan(LARGE_LAN, "secondary_rack=")
    wait_duties(solo, "off", "solo")
    rebinds(held)
    began = time.monotonic()
    solo.update_vlan(LARGE_LAN, "primary_rack=rack1")
    wait_duties(solo, "solo", "off")
    check_served(crowd, figures, "handed over from rack to rack", began)
    rebinds(held)


def test_no_address_ever_had_two_holders(crowd: Churn, sniffer: Sniffer, figures: Figures) -> None:
    """The sniffer heard every grant of it."""
    wait_heard(sniffer, crowd.grants())
    figures.count("  errands of the clients during the changes", crowd.errands)
    assert sniffer.conflicts() == ()
