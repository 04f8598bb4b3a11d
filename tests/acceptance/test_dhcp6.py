"""DHCPv6 on two racks: halves, the death of the primary, and what its half is good for then."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Sequence
from ipaddress import IPv6Address

import pytest
from attrs import frozen

from lab import until
from lab.cluster import SMALL_LAN, Cluster
from tests.acceptance.figures import Figures
from tests.acceptance.watching import connections

pytestmark = pytest.mark.root

LEASE_TIME = 15
"""Seconds; the shortest that there is."""
FIRST, MIDDLE, LAST = (IPv6Address(f"fd06::{end}") for end in ("1000", "17ff", "1fff"))
SUBNET = "fd06::/64"
PATIENCE = 40.0
"""Seconds for what takes a report of interfaces, or a lease time."""


@frozen
class Clients:
    """DHCPv6 clients on the small LAN, each known by a number."""

    cluster: Cluster

    def obtain(self, *clients: int) -> dict[int, IPv6Address]:
        """Get an address for each; those that nobody gave one are left out."""
        return self._run("obtain", [str(client) for client in clients])

    def rebind(self, client: int, address: IPv6Address) -> dict[int, IPv6Address]:
        """Ask whoever is there to go on with an address."""
        return self._run("rebind", [f"{client}={address}"])

    def _run(self, what: str, words: Sequence[str]) -> dict[int, IPv6Address]:
        argv = [sys.executable, "-m", "lab.dhcp6_client", "eth0", what, *words]
        done = self.cluster.clients.run(argv, timeout=60.0)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return {each["client"]: IPv6Address(each["address"]) for each in found if each["address"]}


@pytest.fixture(scope="module")
def clients(cluster: Cluster) -> Clients:
    """Have both racks serve the small LAN, IPv6 too."""
    for number, rack in enumerate(cluster.racks, start=1):
        rack.ip(f"addr add fd06::{number}/64 dev eth1 nodad")

    def known() -> bool:
        return any(each["cidr"] == SUBNET for each in cluster.maasha("subnets", "read"))

    until(known, "the subnet of the new addresses", timeout=PATIENCE, interval=0.5)
    for start, end in (("10.0.0.100", "10.0.0.199"), (FIRST, LAST)):
        cluster.maasha("ipranges", "create", "type=dynamic", f"start_ip={start}", f"end_ip={end}")
    answer = cluster.update_vlan(
        SMALL_LAN,
        "primary_rack=rack1",
        "secondary_rack=rack2",
        f"lease_time={LEASE_TIME}",
        "ha_auto=false",
        "dhcp_on=true",
    )
    assert answer["dhcp_status"] == "running"
    return Clients(cluster)


def test_clients_are_served_from_both_halves(clients: Clients) -> None:
    """Whichever rack a client chooses; nobody has another's address, and the region knows all."""
    got = clients.obtain(*range(1, 11))
    assert len(set(got.values())) == 10
    assert all(FIRST <= address <= LAST for address in got.values())
    assert len([address for address in got.values() if address <= MIDDLE]) == 5

    def reported() -> bool:
        leases = clients.cluster.maasha("leases", "read")
        known = {lease["ip"]: lease["mac"] for lease in leases}
        wanted = {str(address): f"02:06:00:00:00:{client:02x}" for client, address in got.items()}
        return wanted.items() <= known.items()

    until(reported, "the leases at the region", timeout=PATIENCE, interval=0.2)


def test_the_survivor_serves_its_half_and_then_all(clients: Clients, figures: Figures) -> None:
    """Without evidence its own half alone; declared lost, all after a lease time."""
    cluster = clients.cluster
    orphans = {n: address for n, address in clients.obtain(21, 22).items() if address <= MIDDLE}
    ((orphan, address),) = orphans.items()
    cluster.runner(cluster.rack1).stop("rackd")
    for process in cluster.rack1.processes("dhcpd"):
        cluster.rack1.signal(process.pid, signal.SIGKILL)
    began = time.monotonic()
    got = clients.obtain(31, 32, 33, 34)
    assert len(got) == 4
    assert min(got.values()) > MIDDLE
    figures.seconds(
        "DHCPv6: the primary killed -> four new clients served", time.monotonic() - began
    )
    assert clients.rebind(orphan, address)[orphan] > MIDDLE
    until(lambda: not connections(cluster)["rack1"], "rack1 to have no link", timeout=PATIENCE)
    racks = cluster.maasha("rack-controllers", "read")
    (gone,) = [each["system_id"] for each in racks if each["hostname"] == "rack1"]
    cluster.maasha("rack-controller", "declare-lost", gone)
    declared = time.monotonic()
    numbers = iter(range(100, 10_000))

    def from_the_lower_half() -> bool:
        got = clients.obtain(next(numbers), next(numbers))
        return min(got.values(), default=LAST) <= MIDDLE

    until(from_the_lower_half, "an address of the lower half", timeout=PATIENCE)
    waited = time.monotonic() - declared
    figures.seconds("DHCPv6: declared lost -> the other half is handed out", waited)
    assert waited > LEASE_TIME - 5.0
