"""Clients of a running pair hear of a region's name server that answers: it takes minutes."""

from __future__ import annotations

import time
from ipaddress import IPv4Address

import pytest

from lab import DHCPClients, Option, mac, until
from lab.cluster import REGION, SMALL_LAN, Cluster
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

NAME_SERVER = ["python", "-m", "twisted", "dns", "--port", "53", "--hosts-file", "/etc/hosts"]


def test_name_servers(cluster: Cluster, figures: Figures) -> None:
    """The option is in a lease as soon as the VLAN's racks run what the leader decided."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    racks = "primary_rack=rack1", "secondary_rack=rack2"
    assert cluster.update_vlan(SMALL_LAN, "dhcp_on=true", *racks)["dhcp_status"] == "running"
    region = cluster.region
    region.ip(f"route add {SMALL_LAN} via {cluster.management.address(cluster.rack1)}")
    region.popen(NAME_SERVER, log=region.directory / "dns.log")
    began = time.monotonic()
    until(
        lambda: cluster.vlan(SMALL_LAN)["region_dns"] == [REGION],
        "the name server to be told",
        timeout=400.0,
        interval=2.0,
    )
    figures.seconds("a region's name server is told to clients", time.monotonic() - began)
    until(
        lambda: cluster.vlan(SMALL_LAN)["dhcp_status"] == "running",
        "the pair to run it",
        timeout=60.0,
        interval=1.0,
    )
    with DHCPClients(cluster.clients) as clients:
        lease = clients.acquire(mac(0x020000000001))
    assert dict(lease.options)[Option.NAME_SERVER] == IPv4Address(REGION).packed
