"""What a VLAN's DHCP tells clients, what people add to it, and a VLAN behind a relay."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest

from lab import DHCPClients, Host, Lease, Patience, mac, until
from lab.cluster import LARGE_LAN, Cluster
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

FAR = "10.7.0.0/24"
ROUTER, HERE = "10.7.0.1", "10.1.0.9"
PATIENCE = Patience(total=15.0, resend=1.0)
DOMAIN, NTP, CLASS, ARCHITECTURE = 15, 42, 60, 93
UEFI_HTTP, UEFI, PXE = b"\x00\x10", b"\x00\x07", b"\x00\x00"


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the large LAN that tells clients what they may ask for."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.131")
    told = ("ntp_servers=10.1.0.7 10.1.0.8", "search_list=lab.example.org example.org")
    cluster.maasha("subnet", "update", LARGE_LAN, *told)
    answer = cluster.update_vlan(
        LARGE_LAN,
        "primary_rack=rack1",
        "secondary_rack=rack2",
        "boot_files=uefi-http-amd64=http://{rack}:8000/a.efi uefi-amd64=b.efi default=c.0",
        "dhcp_on=true",
    )
    assert answer["dhcp_status"] == "running", answer
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


@pytest.fixture
def clients(pair: Cluster) -> Iterator[DHCPClients]:
    """Give clients on the large LAN."""
    with DHCPClients(pair.clients, "eth1") as own:
        yield own


def booted(clients: DHCPClients, number: int, architecture: bytes) -> Lease:
    """Get an address as a machine of an architecture does."""
    options = ((CLASS, b"HTTPClient:Arch"), (ARCHITECTURE, architecture))
    return clients.acquire(mac(0x020000300000 + number), PATIENCE, options=options)


def test_what_clients_are_told(pair: Cluster, clients: DHCPClients) -> None:
    """Each machine boots what is meant for it, from the rack that answered it."""
    assert pair.vlan(LARGE_LAN)["boot_files"]["default"] == "c.0"
    http, uefi, pxe = (
        booted(clients, number, architecture)
        for number, architecture in enumerate((UEFI_HTTP, UEFI, PXE))
    )
    assert http.boot_file == f"http://{http.server}:8000/a.efi"
    assert http.option(CLASS) == b"HTTPClient"
    assert (uefi.boot_file, pxe.boot_file) == ("b.efi", "c.0")
    assert uefi.next_server == uefi.server
    assert uefi.option(DOMAIN) == b"lab.example.org"
    assert uefi.option(NTP) == IPv4Address("10.1.0.7").packed + IPv4Address("10.1.0.8").packed


def test_a_snippet_is_told_too(pair: Cluster, clients: DHCPClients) -> None:
    """One that dhcpd takes holds for its subnet, and goes when it is deleted."""
    subnet = next(net for net in pair.maasha("subnets", "read") if net["cidr"] == LARGE_LAN)
    made = pair.maasha(
        "dhcpsnippets",
        "create",
        "name=domain",
        'value=option domain-name "snippet.example";',
        f"subnet={subnet['id']}",
    )
    assert made["refusal"] == ""
    assert booted(clients, 10, PXE).option(DOMAIN) == b"snippet.example"
    pair.maasha("dhcpsnippet", "delete", "domain")
    until(
        lambda: booted(clients, 11, PXE).option(DOMAIN) == b"lab.example.org",
        "the domain of the subnet",
        timeout=30.0,
    )


def test_a_snippet_that_dhcpd_refuses(pair: Cluster, clients: DHCPClients) -> None:
    """It is left out with dhcpd's words and the numbered line; all else is served as it was."""
    made = pair.maasha(
        "dhcpsnippets", "create", "name=bad", "value=# a word\noption no-such-option 1;"
    )
    assert "no-such-option" in made["refusal"], made
    assert ">" in made["refusal"]
    assert pair.vlan(LARGE_LAN)["dhcp_status"] == "running"
    assert any(alarm["type"] == "dhcp.snippet-refused" for alarm in alarms(pair))
    assert booted(clients, 20, PXE).option(DOMAIN) == b"lab.example.org"
    mended = pair.maasha("dhcpsnippet", "update", "bad", "value=min-lease-time 30;")
    assert mended["refusal"] == ""
    assert not any(alarm["type"] == "dhcp.snippet-refused" for alarm in alarms(pair))
    for rack in pair.racks:
        assert "min-lease-time 30;" in Dhcpd(rack).config


def alarms(cluster: Cluster) -> list[dict[str, Any]]:
    """Give the open alarms."""
    events = cluster.maasha("events", "read")["events"]
    over = {event["clears"] for event in events}
    return [event for event in events if event["level"] == "ALARM" and event["id"] not in over]


def relay(cluster: Cluster) -> Host:
    """Make a network without a rack, with a router that passes on what clients broadcast."""
    far = cluster.lab.network("far", FAR)
    router = cluster.lab.host("router", {far: ROUTER, cluster.large: HERE})
    router.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    for rack in cluster.racks:
        rack.run(["ip", "route", "add", FAR, "via", HERE])
    servers = [str(cluster.large.address(rack)) for rack in cluster.racks]
    router.popen(
        ["dhcrelay", "-4", "-d", "--no-pid", "-id", "eth0", "-iu", "eth1", *servers],
        log=router.directory / "dhcrelay.log",
    )
    return cluster.lab.host("farclients", {far: None})


def test_a_relayed_vlan(pair: Cluster, figures: Figures) -> None:
    """Both peers serve it: with the primary dead the secondary goes on, for old and new clients."""
    fabric = pair.vlan(LARGE_LAN)["fabric_id"]
    made = pair.maasha("vlans", "create", str(fabric), "vid=70", "name=far")
    pair.maasha("subnets", "create", f"cidr={FAR}", f"vlan={made['id']}", f"gateway_ip={ROUTER}")
    pair.maasha("ipranges", "create", "type=dynamic", "start_ip=10.7.0.50", "end_ip=10.7.0.99")
    where = (str(fabric), "70")
    answer = pair.maasha("vlan", "update", *where, f"relay_vlan={pair.vlan(LARGE_LAN)['id']}")
    assert answer["dhcp_status"] == "running", answer
    for rack in pair.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    with DHCPClients(relay(pair)) as clients:
        first = clients.acquire(mac(0x020000400001), PATIENCE)
        assert str(first.ip).startswith("10.7.0.")
        assert str(first.server) == "10.1.0.1"
        assert first.option(3) == IPv4Address(ROUTER).packed
        pair.rack1.signal("dhcpd", signal.SIGSTOP)
        try:
            second = clients.acquire(mac(0x020000400002), PATIENCE, secs=5)
        finally:
            pair.rack1.signal("dhcpd", signal.SIGCONT)
        assert str(second.server) == "10.1.0.2"
        assert second.ip != first.ip
        figures.seconds("relayed, primary stopped -> ACK for a new client", second.latency)
    leases = {entry["ip"] for entry in pair.maasha("leases", "read")}
    assert {str(first.ip), str(second.ip)} <= leases, json.dumps(sorted(leases))
