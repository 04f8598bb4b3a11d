"""The manual's commands, as they are written there, turn DHCP on and make it highly available."""

from __future__ import annotations

import time
from ipaddress import IPv4Address

import pytest

from lab import Dhclient, DHCPClients, mac, until
from lab.cluster import Cluster, cli_environment
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

DYNAMIC = range(int(IPv4Address("10.0.0.50")), int(IPv4Address("10.0.0.99")) + 1)
"""The addresses of the page's dynamic range."""


@pytest.fixture(scope="module")
def enabled(cluster: Cluster, cli_block: str) -> Cluster:
    """Give the cluster after the page's block was run on rack1, word for word."""
    script = f'maas() {{ maasha "$@"; }}\n{cli_block}'
    argv = ["bash", "-euo", "pipefail", "-c", script]
    cluster.rack1.run(argv, env=cli_environment(), timeout=60.0)
    return cluster


@pytest.fixture(scope="module")
def paired(enabled: Cluster) -> Cluster:
    """Give the cluster with the second rack as the VLAN's secondary."""
    answer = enabled.update_vlan("10.0.0.0/24", "secondary_rack=rack2")
    assert answer["dhcp_status"] == "running"
    return enabled


def test_a_client_gets_a_lease_after_the_block(enabled: Cluster) -> None:
    """The page's own commands are all it takes."""
    with DHCPClients(enabled.clients) as clients:
        lease = clients.acquire(mac(0x020000000001))
    assert int(lease.ip) in DYNAMIC
    assert lease.server == IPv4Address("10.0.0.1")


def test_the_pair_has_the_blocks_of_the_page(
    paired: Cluster, failover_blocks: tuple[str, str]
) -> None:
    """Both files' blocks are the page's, but for the VLAN's name and the racks' addresses."""
    blocks = [Dhcpd(rack).block() for rack in paired.racks]
    vlan = paired.vlan("10.0.0.0/24")["id"]
    for written, wanted in zip(blocks, failover_blocks, strict=True):
        name = written.split('"')[1]
        assert name.startswith(f"failover-vlan-{vlan}-")
        substituted = (
            wanted.replace("failover-partner", name)
            .replace("dhcp-primary.example.com", "10.0.0.1")
            .replace("dhcp-secondary.example.com", "10.0.0.2")
        )
        assert words(written) == words(substituted)


def words(block: str) -> list[list[str]]:
    """Give a block line by line without its indentation."""
    return [line.split() for line in block.splitlines()]


def test_the_running_servers_read_those_files(paired: Cluster) -> None:
    """The command lines in /proc name the files, inside their hosts."""
    for rack in paired.racks:
        (process,) = Dhcpd(rack).processes()
        command = rack.run(["sh", "-c", "tr '\\0' ' ' < /proc/$(pidof dhcpd)/cmdline"]).stdout
        assert "-cf /run/lab/rack/dhcp/dhcpd.conf" in command
        assert "-lf /run/lab/rack/dhcp/dhcpd.leases" in command
        assert command.split() == list(process.argv)


def test_both_servers_are_normal(paired: Cluster, figures: Figures) -> None:
    """OMAPI, asked without maasha, says normal on both; so does the region."""
    began = time.monotonic()
    for rack in paired.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=10.0)
    figures.seconds("pair made -> OMAPI says normal on both", time.monotonic() - began)

    def shown() -> bool:
        (vlan,) = [v for v in paired.status()["vlans"] if v["primary"] == "rack1"]
        return [entry["state"] for entry in vlan["states"]] == ["normal", "normal"]

    until(shown, "the region to show both as normal", timeout=10.0)


def test_a_lease_is_known_everywhere(paired: Cluster, figures: Figures) -> None:
    """Dhclient's lease is in the region's table within 2 s of its ACK, in both files in 10 s."""
    client = Dhclient(paired.clients, "eth0")
    client.start()
    bound = client.wait_bound()
    ip = str(bound.ip)

    def age() -> float:
        return time.time() - bound.at.timestamp()

    def in_table() -> bool:
        return bool(paired.sql(f"select 1 from lease where ip = '{ip}' and state = 'active'"))

    until(in_table, "the lease in the region's table", timeout=10.0, interval=0.02)
    table = age()
    for rack in paired.racks:
        dhcpd = Dhcpd(rack)
        until(lambda: dhcpd.knows_active(ip), f"the lease on {rack.name}", timeout=10.0)  # noqa: B023  waited for at once
    files = age()
    client.stop()
    figures.seconds("dhclient's ACK -> region's table", table)
    figures.seconds("dhclient's ACK -> both leases files", files)
    assert table <= 2.0
    assert files <= 10.0
