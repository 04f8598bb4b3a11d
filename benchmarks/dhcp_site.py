"""A pair of racks that serve 200 subnets with 10,000 reserved addresses, for `benchmarks.dhcp`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from attrs import define

from lab import MAC, DHCPClients, Errand, Kind, Sniffer, Wish, mac, until
from lab.cluster import LARGE_LAN, Cluster, start
from lab.host import HostProcess
from lab.lease import Patience
from tests.acceptance.dhcpd import NORMAL, Dhcpd

SUBNETS, HOSTS = 200, 10_000
"""The racks' own subnet is the first; each has 50 hosts."""
RESERVED = """
insert into reservation (subnet_id, ip, mac, hostname)
select subnet.id, host(network(cidr))::inet + 100 + n,
    regexp_replace('5254' || lpad(to_hex(number), 8, '0'), '(..)(?!$)', '\\1:', 'g'),
    'web' || number
from (
    select *, ((row_number() over (order by cidr) - 1) * %(each)d) as first from subnet
    where vlan_id = (select vlan_id from subnet where cidr = '%(lan)s')
) subnet
cross join generate_series(0, %(each)d - 1) n
cross join lateral (select (first + n)::integer as number) numbered
"""
OFFERS = 5.0
"""Seconds until both racks must have offered."""


@define
class Site:
    """The cluster, and what calls its API and its racks."""

    cluster: Cluster
    caller: HostProcess
    clients: DHCPClients
    sniffer: Sniffer

    def call(self, method: str, path: str, **fields: object) -> dict[str, Any]:
        """Call the API; what is refused ends the benchmark."""
        wish = {"method": method, "path": path, "fields": fields}
        self.caller.stdin.write(json.dumps(wish) + "\n")
        self.caller.stdin.flush()
        answer: dict[str, Any] = json.loads(self.caller.stdout.readline())
        if answer["status"] not in (200, 204):
            raise RuntimeError(f"{method} {path}: {answer['status']} {answer['body'][:300]}")
        return answer

    def offered(self, chaddr: MAC, address: IPv4Address) -> float:
        """Ask for an address; gives when (CLOCK_MONOTONIC) both racks had offered the right one."""
        since = time.monotonic()
        errand = Errand(Wish.ACQUIRE, chaddr, Patience(OFFERS, OFFERS))
        self.clients.outcome(self.clients.submit(errand))
        found: dict[IPv4Address, float] = {}

        def both() -> bool:
            for one in self.sniffer.messages():
                right = one.kind is Kind.OFFER and one.chaddr == chaddr and one.ip == address
                if right and one.monotonic >= since:
                    found.setdefault(one.server, one.monotonic)
            return len(found) == 2

        until(both, "both racks to offer the reserved address", timeout=OFFERS)
        return max(found.values())

    def pids(self) -> list[int]:
        """Give the racks' dhcpds."""
        return [Dhcpd(rack).snapshot().pid for rack in self.cluster.racks]

    def resident(self, what: str) -> float:
        """Give the most MiB that a process with this in its command line has on a rack."""
        found = [
            process.pid
            for rack in self.cluster.racks
            for process in rack.processes()
            if what in " ".join(process.argv)
        ]
        return max(_resident(pid) for pid in found) / 1024


@contextmanager
def serving(directory: Path) -> Iterator[Site]:
    """Have a pair that serves all of it."""
    cluster = start("dhcp", directory)
    try:
        argv = [sys.executable, "-m", "benchmarks.dhcp_caller", cluster.url(cluster.region)]
        log = cluster.region.directory / "caller.log"
        caller = cluster.region.converse([*argv, cluster.api_key], log=log)
        with DHCPClients(cluster.clients, "eth1") as clients, Sniffer(cluster.large) as sniffer:
            site = Site(cluster, caller, clients, sniffer)
            _fill(site)
            yield site
        caller.end()
    finally:
        cluster.lab.close()


def _fill(site: Site) -> None:
    cluster = site.cluster
    vlan = cluster.vlan(LARGE_LAN)["id"]
    for number in range(1, SUBNETS):
        cidr = f"10.{2 + number // 100}.{number % 100}.0/24"
        site.call("POST", "subnets/", cidr=cidr, vlan=vlan)
    values = {"each": HOSTS // SUBNETS, "lan": LARGE_LAN}
    cluster.sql((RESERVED % values).strip())
    site.call("POST", "ipranges/", type="dynamic", start_ip="10.1.2.1", end_ip="10.1.2.200")
    cluster.update_vlan(LARGE_LAN, "primary_rack=rack1", "secondary_rack=rack2", "dhcp_on=true")
    until(lambda: cluster.vlan(LARGE_LAN)["dhcp_status"] == "running", "the pair", timeout=60.0)
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)


def _resident(pid: int) -> int:
    """Give VmRSS in KiB, as proc(5) has it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def client(number: int) -> MAC:
    """Give a client that has no reservation yet."""
    return mac(0x525400FF0000 + number)
