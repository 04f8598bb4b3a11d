"""The primary is lost without a word, in three ways: when the secondary answers clients.

A peer that ends closes its connection, and its partner knows at once (`test_primary_dies.py`). One
that stands still, or is heard no more, counts as lost after `max_response_delay`, which is made
short here; until then the secondary answers only clients that have waited for 3 s.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import DHCPClients, Errand, Lease, Patience, Wish, mac
from lab.cluster import LARGE_LAN, Cluster
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.mishaps import Mishap, happening

pytestmark = pytest.mark.root

DELAY = 10.0
"""Seconds of silence after which dhcpd holds its peer for lost; the manual has 60."""
PATIENCE = Patience(total=4 * DELAY, resend=0.5)
WAITED_DEADLINE = 10.0
"""Seconds until a client that says it waits is served: `load balance max seconds` is 3."""
SURVIVOR = "10.1.0.2"
LOSSES = (Mishap.DHCPD_STOPPED, Mishap.NOTHING_GOES_OUT, Mishap.NOTHING_COMES_IN)


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.131")
    members = ("primary_rack=rack1", "secondary_rack=rack2")
    numbers = (f"max_response_delay={DELAY:.0f}", "lease_time=120")
    answer = cluster.update_vlan(LARGE_LAN, *members, *numbers, "dhcp_on=true")
    assert answer["dhcp_status"] == "running", answer
    return cluster


@pytest.fixture
def clients(pair: Cluster) -> Iterator[DHCPClients]:
    """Give clients on the large LAN, when both peers are normal."""
    for rack in pair.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=90.0)
    with DHCPClients(pair.clients, "eth1") as own:
        yield own


@pytest.mark.parametrize("kind", LOSSES)
def test_the_primary_is_lost(
    pair: Cluster, clients: DHCPClients, figures: Figures, kind: Mishap
) -> None:
    """Those who say that they wait are served in seconds, all others when the peer is given up."""
    first = 0x020000500000 + 16 * LOSSES.index(kind)
    held = clients.acquire(mac(first), Patience(total=10.0, resend=0.5))
    assert str(held.server) == "10.1.0.1"
    with happening(pair, kind, pair.rack1):
        tickets = [
            clients.submit(Errand(Wish.ACQUIRE, mac(first + 1 + secs), PATIENCE, secs))
            for secs in (0, 5)
        ]
        outcomes = [clients.outcome(ticket) for ticket in tickets]
    for outcome, label in zip(outcomes, ("secs 0", "secs >= 3"), strict=True):
        assert isinstance(outcome, Lease), outcome
        assert str(outcome.server) == SURVIVOR
        figures.seconds(f"{kind.value} -> first ACK for a new client, {label}", outcome.latency)
    figures.lines.append(f"  (dhcpd's own bound here: {DELAY:.0f} s of silence)")
    at_once, waited = (outcome.latency for outcome in outcomes if isinstance(outcome, Lease))
    assert waited < WAITED_DEADLINE
    assert at_once <= PATIENCE.total
