"""Another's DHCP server is shown before ours runs, and warned of when it does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from lab import DHCPClients, Host, Option, mac, until
from lab.cluster import REGION, Cluster, start
from lab.testing import require
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

LAN = "10.0.0.0/24"
FOREIGN = "10.0.0.66"
CONFIG = """
authoritative;
ping-check false;
subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.200 10.0.0.210; }
"""
NAME_SERVER = ["python", "-m", "twisted", "dns", "--port", "53", "--hosts-file", "/etc/hosts"]
RANGE = ("type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
SOAK = int(os.environ.get("MAASHA_SOAK", "0"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster, with another's DHCP server on the LAN of the racks."""
    require()
    made = start("probes", tmp_path_factory.mktemp("cluster"))
    yield made
    made.lab.close()


@pytest.fixture(scope="module")
def foreign(cluster: Cluster) -> Host:
    """Give the host of another's DHCP server."""
    host = cluster.lab.host("foreign", {cluster.lan: FOREIGN})
    file, leases = host.directory / "dhcpd.conf", host.directory / "dhcpd.leases"
    file.write_text(CONFIG)
    leases.touch()
    command = ["dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", str(file), "-lf", str(leases), "eth0"]
    host.popen(command, log=host.directory / "dhcpd.log")
    return host


def waited(condition: Callable[[], object], what: str, timeout: float) -> float:
    """Give the seconds until something is so."""
    began = time.monotonic()
    until(condition, what, timeout=timeout, interval=1.0)
    return time.monotonic() - began


def alarms(cluster: Cluster) -> list[str]:
    """Give the open alarms about others' servers."""
    return [each["detail"] for each in cluster.status()["alarms"] if each["kind"] == "dhcp.foreign"]


def test_anothers_server(cluster: Cluster, foreign: Host, figures: Figures) -> None:
    """It is found while DHCP is off, and is an alarm and a warning as soon as it is on."""
    assert foreign

    def shown() -> bool:
        return bool(cluster.vlan(LAN)["external_dhcp"] == FOREIGN)

    seconds = waited(shown, "the server is shown", 150.0)
    figures.seconds("another's DHCP server is shown, after it began", seconds)
    assert alarms(cluster) == []
    cluster.maasha("ipranges", "create", *RANGE)
    answer = cluster.update_vlan(LAN, "dhcp_on=true", "primary_rack=rack1", "secondary_rack=rack2")
    assert answer["dhcp_status"] == "running"
    assert FOREIGN in answer["dhcp_warning"]
    (alarm,) = alarms(cluster)
    assert FOREIGN in alarm


@pytest.mark.skipif(not SOAK, reason="clients hear of a name server within minutes: make soak")
def test_name_servers(cluster: Cluster, foreign: Host, figures: Figures) -> None:
    """Clients of a running pair hear of a region's name server that answers."""
    foreign.kill()
    cluster.region.ip(f"route add {LAN} via {cluster.management.address(cluster.rack1)}")
    log = cluster.region.directory / "dns.log"
    cluster.region.popen(NAME_SERVER, log=log)

    def told() -> bool:
        return bool(cluster.vlan(LAN)["region_dns"] == [REGION])

    seconds = waited(told, "the name server is told", 300.0)
    figures.seconds("a region's name server is told to clients, after it began", seconds)
    until(lambda: cluster.vlan(LAN)["dhcp_status"] == "running", "it runs", timeout=60.0)
    with DHCPClients(cluster.clients) as clients:
        lease = clients.acquire(mac(0x020000000001))
    assert dict(lease.options)[Option.NAME_SERVER].hex() == bytes(map(int, REGION.split("."))).hex()
    until(lambda: not alarms(cluster), "the other server is forgotten", timeout=400.0)
