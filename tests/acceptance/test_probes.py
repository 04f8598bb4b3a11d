"""Another's DHCP server is shown before ours runs, and warned of when it does."""

from __future__ import annotations

import time

import pytest

from lab import Host, until
from lab.cluster import SMALL_LAN, Cluster
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

FOREIGN = "10.0.0.66"
CONFIG = """
authoritative;
ping-check false;
subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.200 10.0.0.210; }
"""
RANGE = ("type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")


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


def alarms(cluster: Cluster) -> list[str]:
    """Give the open alarms about others' servers."""
    return [each["detail"] for each in cluster.status()["alarms"] if each["kind"] == "dhcp.foreign"]


def test_anothers_server(cluster: Cluster, foreign: Host, figures: Figures) -> None:
    """It is found while DHCP is off, and is an alarm and a warning as soon as it is on."""
    began = time.monotonic()
    until(
        lambda: cluster.vlan(SMALL_LAN)["external_dhcp"] == FOREIGN,
        f"the server on {foreign.name} to be shown",
        timeout=150.0,
        interval=1.0,
    )
    figures.seconds("another's DHCP server is shown, after it began", time.monotonic() - began)
    assert alarms(cluster) == []
    cluster.maasha("ipranges", "create", *RANGE)
    racks = "primary_rack=rack1", "secondary_rack=rack2"
    answer = cluster.update_vlan(SMALL_LAN, "dhcp_on=true", *racks)
    assert answer["dhcp_status"] == "running"
    assert FOREIGN in answer["dhcp_warning"]
    (alarm,) = alarms(cluster)
    assert FOREIGN in alarm
