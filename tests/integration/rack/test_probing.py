"""Real DHCP servers and name servers are found by asking, and our own dhcpds are left in peace."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from lab import DHCPClients, Host, Lab, Network, mac, until
from lab.testing import require
from maasha.dhcp.facts import Member, Off, RackFacts, VlanFacts
from maasha.dhcp.probe_client import probe_client
from maasha.dhcp.render import render
from maasha.model.cluster import RackKey
from maasha.model.codec import from_json, to_json
from maasha.model.dhcp import Duty, Role
from maasha.model.network import IPRange, RangeType, Subnet, SubnetId, VlanId
from maasha.model.probe import Finding, Probe
from maasha.model.stamp import Stamp
from tests.integration.rack.scout import Findings

pytestmark = pytest.mark.root

VLAN = VlanId(5)
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0MTIz"
CLIENT = mac(0x020000000101)
WITHIN = 40.0
"""Seconds in which all is found, on a slow machine too; a probe takes one."""
RACKS = {RackKey(1): IPv4Address("10.0.0.1"), RackKey(2): IPv4Address("10.0.0.2")}
LEASE = re.compile(r"^lease (\S+) \{.*?binding state (\w+);", re.DOTALL | re.MULTILINE)
NAME_SERVER = ["python", "-m", "twisted", "dns", "--port", "53", "--hosts-file", "/etc/hosts"]
FOREIGN = """
authoritative;
ping-check false;
subnet 10.0.0.0 netmask 255.255.255.0 {{ range {first} {last}; }}
"""


class Scout:
    """A rack that probes."""

    def __init__(self, host: Host) -> None:
        self.host = host
        program = ["python", "-m", "tests.integration.rack.scout"]
        self._process = host.converse(program, log=host.directory / "scout.log")

    def probe(self, *resolvers: str, address: str = "10.0.0.1") -> None:
        """Order it to."""
        asked = tuple(map(IPv4Address, resolvers))
        order = Probe(VLAN, "eth0", probe_client(SECRET), IPv4Address(address), asked)
        assert self._ask(f"probe {to_json((order,))}") == "done"

    @property
    def found(self) -> Finding:
        """What it knows."""
        (finding,) = from_json(Findings, self._ask("see"))
        return finding

    @property
    def servers(self) -> dict[str, str]:
        """The stations of the DHCP servers that it knows, by their addresses."""
        return {str(each.server): each.mac for each in self.found.servers}

    @property
    def often(self) -> int:
        """How many probes have begun."""
        return int(self._ask("often"))

    def answering(self) -> set[str]:
        """Give the name servers that answered when they were asked last."""
        return {str(each.address) for each in self.found.resolvers if each.asked == each.answered}

    def silent(self) -> set[str]:
        """Give those that did not."""
        return {str(each.address) for each in self.found.resolvers} - self.answering()

    def _ask(self, line: str) -> str:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


class Dhcpd:
    """A real dhcpd on a host, with a configuration of its own."""

    def __init__(self, host: Host, config: str) -> None:
        self.host = host
        self.leases = host.directory / "dhcpd.leases"
        self.log = host.directory / "dhcpd.log"
        file = host.directory / "dhcpd.conf"
        file.write_text(config)
        self.leases.touch()
        command = ["dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", file, "-lf", self.leases, "eth0"]
        self.process = host.popen([str(word) for word in command], log=self.log)
        until(
            lambda: "Server starting service" in self.log.read_text(), "dhcpd runs", timeout=WITHIN
        )


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Give an empty lab."""
    require()
    with Lab("probing", tmp_path) as made:
        yield made


@pytest.fixture
def lan(lab: Lab) -> Network:
    """Give a network."""
    return lab.network("lan", "10.0.0.0/24")


Place = Callable[..., Host]


@pytest.fixture
def place(lab: Lab, lan: Network) -> Place:
    """Give a way to place hosts on the network."""
    return lambda name, number: lab.host(name, {lan: f"10.0.0.{number}"})


def station(host: Host) -> str:
    """Give the MAC address of a host."""
    return host.run(["cat", "/sys/class/net/eth0/address"]).stdout.strip()


def ours(rack: RackKey, duty: Duty) -> str:
    """Give our own configuration of one of a pair."""
    other = next(key for key in RACKS if key != rack)
    span = IPRange(RangeType.DYNAMIC, IPv4Address("10.0.0.100"), IPv4Address("10.0.0.149"))
    subnet = Subnet(SubnetId(1), IPv4Network("10.0.0.0/24"), ranges=(span,))
    members = tuple(Member(key, address) for key, address in RACKS.items())
    facts = VlanFacts(VLAN, 600, 1500, (subnet,), "eth0", Off(), members)
    role = Role(duty, "failover-vlan-5-1", RACKS[rack], RACKS[other])
    rendered = render(RackFacts(rack, Stamp(1, 1), SECRET, (facts,)), {VLAN: role})
    assert rendered.problems == ()
    return rendered.plan.config


def is_normal(server: Dhcpd) -> bool:
    """Whether one of a pair says that it and its partner are."""
    return "my state normal" in server.leases.read_text()


def leased(server: Dhcpd) -> set[str]:
    """Give the addresses that are or were leased, as one of a pair knows; it balances the rest."""
    last = dict(LEASE.findall(server.leases.read_text()))
    return {address for address, state in last.items() if state not in ("free", "backup")}


def test_a_foreign_server_is_found_and_forgotten(place: Place) -> None:
    """By its address and its station, one of two as well; gone when it has not answered thrice."""
    scout = Scout(place("rack1", 1))
    one = Dhcpd(place("foreign1", 8), FOREIGN.format(first="10.0.0.200", last="10.0.0.210"))
    two = Dhcpd(place("foreign2", 9), FOREIGN.format(first="10.0.0.220", last="10.0.0.230"))
    scout.probe()
    both = {"10.0.0.8": station(one.host), "10.0.0.9": station(two.host)}
    until(lambda: scout.servers == both, "both are found", timeout=WITHIN)
    one.process.end(signal.SIGKILL)
    until(lambda: "10.0.0.8" not in scout.servers, "one is forgotten", timeout=WITHIN)
    assert scout.servers == {"10.0.0.9": both["10.0.0.9"]}
    assert scout.found.settled


def test_our_own_pair_is_left_in_peace(lab: Lab, lan: Network, place: Place) -> None:
    """Both ignore who asks: no offer, no lease and no line in the log; clients are served on."""
    racks = [
        Dhcpd(place(f"rack{key}", key), ours(key, duty))
        for key, duty in zip(RACKS, (Duty.PRIMARY, Duty.SECONDARY), strict=True)
    ]
    until(lambda: all(is_normal(each) for each in racks), "the pair is normal", timeout=WITHIN)
    clients = DHCPClients(lab.host("clients", {lan: None}))
    lease = clients.acquire(CLIENT)
    held = {str(lease.ip)}
    until(lambda: all(leased(each) == held for each in racks), "both know", timeout=WITHIN)
    scout = Scout(racks[0].host)
    third = Scout(place("rack3", 3))
    scout.probe()
    third.probe(address="10.0.0.3")
    until(lambda: scout.found.settled and third.found.settled, "none is found", timeout=WITHIN)
    assert (scout.servers, third.servers) == ({}, {})
    for each in racks:
        assert leased(each) == held
        for file in (each.log, each.leases):
            assert probe_client(SECRET) not in file.read_text()
    assert clients.acquire(CLIENT).ip == lease.ip
    clients.close()
    print(f"{scout.often + third.often} probes, and the pair has one lease as before")


def test_name_servers_that_answer_are_found(place: Place) -> None:
    """One that is stopped answers no more, and one that ends refuses; each for itself."""
    scout = Scout(place("rack1", 1))
    regions = place("region1", 53), place("region2", 54)
    for region in regions:
        region.popen(NAME_SERVER, log=region.directory / "dns.log")
    one, two = regions
    addresses = {"10.0.0.53", "10.0.0.54"}
    scout.probe("10.0.0.53", "10.0.0.54", "10.0.0.55")
    until(lambda: scout.answering() == addresses, "both answer", timeout=WITHIN)
    one.signal("twisted", signal.SIGSTOP)
    until(lambda: "10.0.0.53" in scout.silent(), "one is silent", timeout=WITHIN)
    until(lambda: "10.0.0.54" in scout.answering(), "the other is not", timeout=WITHIN)
    one.signal("twisted", signal.SIGCONT)
    until(lambda: scout.answering() == addresses, "it answers again", timeout=WITHIN)
    two.signal("twisted", signal.SIGKILL)
    until(lambda: "10.0.0.54" in scout.silent(), "one has ended", timeout=WITHIN)
    assert "10.0.0.55" in scout.silent()
