"""A reserved address is its client's from both racks, at once and for good."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from attrs import frozen

from lab import DHCPClients, Kind, Sniffer, mac, until
from lab.cluster import LARGE_LAN, Cluster
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

CLIENT = mac(0x525400000001)
SERVERS = {IPv4Address("10.1.0.1"), IPv4Address("10.1.0.2")}


@frozen
class Ears:
    """A client, and who offers it what."""

    clients: DHCPClients
    sniffer: Sniffer

    def offers(self, servers: set[IPv4Address]) -> set[IPv4Address]:
        """Ask once, and wait until these servers have offered; gives which addresses."""
        since = time.monotonic()
        lease = self.clients.acquire(CLIENT)
        found: dict[IPv4Address, IPv4Address] = {}

        def all_there() -> bool:
            for one in self.sniffer.messages():
                if one.kind is Kind.OFFER and one.chaddr == CLIENT and one.monotonic >= since:
                    found[one.server] = one.ip
            return found.keys() >= servers

        until(all_there, f"offers of {servers}", timeout=10.0, interval=0.05)
        assert lease.ip in found.values()
        return set(found.values())


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.0.199")
    answer = cluster.update_vlan(
        LARGE_LAN, "primary_rack=rack1", "secondary_rack=rack2", "dhcp_on=true"
    )
    assert answer["dhcp_status"] == "running"
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


@pytest.fixture(scope="module")
def ears(pair: Cluster) -> Iterator[Ears]:
    """Hear the large LAN, and ask on it."""
    with Sniffer(pair.large) as sniffer, DHCPClients(pair.clients, "eth1") as clients:
        yield Ears(clients, sniffer)


def pids(cluster: Cluster) -> list[int]:
    """Give the racks' dhcpds."""
    return [Dhcpd(rack).snapshot().pid for rack in cluster.racks]


def test_a_reserved_address(pair: Cluster, ears: Ears, figures: Figures) -> None:
    """Both racks offer it as soon as the command is answered, and the next one after a change.

    Neither dhcpd is restarted for it; one that is killed begins with what was wanted last.
    """
    before = pids(pair)
    began = time.monotonic()
    made = pair.maasha("reserved-ips", "create", "ip=10.1.1.5", f"mac_address={CLIENT}")
    figures.seconds("reserved-ips create, with the CLI's own start", time.monotonic() - began)
    assert made["subnet"]["vlan"]["dhcp_status"] == "running"
    assert ears.offers(SERVERS) == {IPv4Address("10.1.1.5")}
    changed = pair.maasha("reserved-ip", "update", str(made["id"]), "ip=10.1.1.6", "hostname=web")
    assert changed["subnet"]["vlan"]["dhcp_status"] == "running"
    assert ears.offers(SERVERS) == {IPv4Address("10.1.1.6")}
    assert pids(pair) == before
    pair.rack1.signal("dhcpd", signal.SIGKILL)
    assert ears.offers({IPv4Address("10.1.0.2")}) == {IPv4Address("10.1.1.6")}
    until(lambda: Dhcpd(pair.rack1).state() == NORMAL, "rack1's next dhcpd", timeout=20.0)
    assert ears.offers(SERVERS) == {IPv4Address("10.1.1.6")}
    pair.maasha("reserved-ip", "delete", str(made["id"]))

    def gone() -> bool:
        return all("mac-" not in (Dhcpd(r).folder / "hosts.conf").read_text() for r in pair.racks)

    until(gone, "the racks to forget the host", timeout=10.0)
    assert ears.offers({IPv4Address("10.1.0.1")}) < {IPv4Address(f"10.1.0.{n}") for n in range(256)}
