"""People take DHCP into their own hands where no region is, and regions come back to that."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from lab import DHCPClients, Lease, Patience, mac, until
from lab.cluster import BIN, LARGE_LAN, Cluster, cli_environment
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.test_outage import daemons
from tests.acceptance.watching import answers, events, wait_linked

pytestmark = pytest.mark.root

POOL = 20
PATIENCE = Patience(total=15.0, resend=1.0)
IN_VAIN = Patience(total=4.0, resend=1.0)


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN and a small pool."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.0.119")
    racks = ("primary_rack=rack1", "secondary_rack=rack2", "dhcp_on=true")
    assert cluster.update_vlan(LARGE_LAN, *racks)["dhcp_status"] == "running"
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


@pytest.fixture
def clients(pair: Cluster) -> Iterator[DHCPClients]:
    """Give clients on the large LAN."""
    with DHCPClients(pair.clients, "eth1") as own:
        yield own


def on_rack1(cluster: Cluster, *words: str) -> str:
    """Run `maasha-rack dhcp` on rack1."""
    argv = [str(BIN / "maasha-rack"), "dhcp", *words]
    return cluster.rack1.run(argv, env=cli_environment(), timeout=60.0).stdout


def fill(
    clients: DHCPClients, first: int, count: int, patience: Patience = PATIENCE
) -> list[Lease]:
    """Have new clients get addresses."""
    found = clients.acquire_all([mac(first + n) for n in range(count)], patience).values()
    return [lease for lease in found if isinstance(lease, Lease)]


def duty(cluster: Cluster, rack: str) -> str:
    """Give what the region has on record that a rack runs for the VLAN."""
    rows = cluster.sql(
        "select running ->> 'duty' from service join rack on rack.id = rack_id "
        f"where hostname = '{rack}'"
    )
    return rows[0][0] if rows else ""


def test_a_rack_serves_alone_until_a_person_ends_it(
    pair: Cluster, clients: DHCPClients, figures: Figures
) -> None:
    """No region puts the pair back by itself, and when it does no address has two holders."""
    vlan: Any = pair.vlan(LARGE_LAN)
    system_id = str(vlan["primary_rack"])
    for process in daemons(pair, "regiond"):
        process.id.signal(signal.SIGKILL)
    pair.runner(pair.region).stop("regiond")
    pair.runner(pair.rack2).stop("rackd")
    pair.rack2.signal("/usr/sbin/dhcpd", signal.SIGKILL)
    until(lambda: not Dhcpd(pair.rack2).processes(), "dhcpd to be gone", timeout=10.0)
    said = on_rack1(pair, "solo", str(vlan["id"]), "--peer-is-off")
    assert "served here alone, all its addresses" in said
    assert "no region is reached" in on_rack1(pair, "status")
    held = fill(clients, 0x020000200000, POOL)
    assert len({lease.ip for lease in held}) == POOL
    figures.count("addresses of a pool of 20 that a rack gave out alone", len(held))
    server = Dhcpd(pair.rack1).snapshot()
    pair.runner(pair.region).start("regiond")
    pair.runner(pair.rack2).start("rackd")
    until(lambda: answers(pair), "the region", timeout=60.0, interval=0.5)
    for name in ("rack1", "rack2"):
        wait_linked(pair, name)
    until(lambda: duty(pair, "rack2") == "off", "the peer to be stopped", timeout=30.0)
    until(lambda: not Dhcpd(pair.rack2).processes(), "its dhcpd to be stopped", timeout=10.0)
    assert duty(pair, "rack1") == "solo"
    until(lambda: events(pair, "dhcp.act"), "the act in the history", timeout=20.0)
    (act,) = events(pair, "dhcp.act")
    assert act.startswith(f"dhcp solo VLAN {vlan['id']}")
    (order,) = pair.maasha("rack-controller", "read", system_id)["dhcp_orders"]
    assert (order["order"], order["vlan"]) == ("solo", vlan["id"])
    assert Dhcpd(pair.rack1).snapshot() == server
    pair.maasha("rack-controller", "resume-dhcp", system_id)
    for rack in pair.racks:
        until(lambda: Dhcpd(rack).processes(), "its dhcpd", timeout=30.0)  # noqa: B023  waited for at once
        Dhcpd(rack).wait_state(NORMAL, timeout=60.0)
    assert (len(fill(clients, 0x020000300000, 2, IN_VAIN)), len(events(pair, "dhcp.act"))) == (0, 1)
    again = clients.renew(held[0], PATIENCE)
    assert again.ip == held[0].ip
