"""A rack that is deleted stops serving and stays away; registering it anew brings it back."""

from __future__ import annotations

import pytest

from lab import DHCPClients, mac, until
from lab.cluster import BIN, SMALL_LAN, Cluster, cli_environment, register_rack
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.watching import wait_linked, wait_logged

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the small LAN."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    answer = cluster.update_vlan(
        SMALL_LAN, "primary_rack=rack1", "secondary_rack=rack2", "dhcp_on=true"
    )
    assert answer["dhcp_status"] == "running"
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


def system_id(cluster: Cluster, hostname: str) -> str:
    """Give a rack's system id as the page's command shows it."""
    racks = cluster.maasha("rack-controllers", "read")
    return next(str(rack["system_id"]) for rack in racks if rack["hostname"] == hostname)


def test_a_change_of_the_text_restarts_one_peer_after_the_other(pair: Cluster) -> None:
    """The secondary goes first; the primary follows when both are normal again."""
    before = [Dhcpd(rack).snapshot() for rack in pair.racks]
    assert pair.update_vlan(SMALL_LAN, "lease_time=300")["dhcp_status"] == "running"
    primary, secondary = (Dhcpd(rack).snapshot() for rack in pair.racks)
    assert primary.file_hash != before[0].file_hash
    assert secondary.file_hash != before[1].file_hash
    assert secondary.started < primary.started


def test_deleting_the_primary_promotes_the_secondary(pair: Cluster) -> None:
    """The page's command is all it takes; the deleted rack's dhcpd ends, the other serves alone."""
    deleted = system_id(pair, "rack1")
    pair.maasha("rack-controller", "delete", deleted)
    until(lambda: not Dhcpd(pair.rack1).processes(), "rack1's dhcpd to end", timeout=20.0)
    until(lambda: "failover peer" not in Dhcpd(pair.rack2).config, "rack2 alone", timeout=20.0)
    with DHCPClients(pair.clients) as clients:
        lease = clients.acquire(mac(0x020000000001))
    assert str(lease.server) == "10.0.0.2"
    vlan = pair.vlan(SMALL_LAN)
    assert (vlan["primary_rack"], vlan["secondary_rack"]) == (system_id(pair, "rack2"), None)


def test_a_deleted_rack_stays_away(pair: Cluster) -> None:
    """Started again, rackd says how to bring it back, and serves nothing."""
    since = len((pair.rack1.directory / "rackd.log").read_text())
    pair.runner(pair.rack1).stop("rackd")
    pair.runner(pair.rack1).start("rackd")
    wait_logged(pair.rack1, "rackd", "was deleted from its instance", since)
    assert not Dhcpd(pair.rack1).processes()
    assert [rack["hostname"] for rack in pair.maasha("rack-controllers", "read")] == ["rack2"]


def test_registering_brings_it_back(pair: Cluster) -> None:
    """It has another name in the system and can be the secondary at once."""
    register_rack(pair, pair.rack1)
    wait_linked(pair, "rack1")
    answer = pair.update_vlan(SMALL_LAN, "secondary_rack=rack1")
    assert answer["dhcp_status"] == "running"
    for rack in pair.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)


def test_the_last_rack_of_a_vlan_is_not_deleted_by_accident(pair: Cluster) -> None:
    """The refusal names the VLAN; with DHCP off the rack may go."""
    pair.maasha("rack-controller", "delete", system_id(pair, "rack1"))
    argv = [str(BIN / "maasha"), "maas", "rack-controller", "delete", system_id(pair, "rack2")]
    done = pair.region.run(argv, env=cli_environment(), check=False, timeout=30.0)
    assert done.returncode == 2
    assert "rack2" in done.stdout
    assert Dhcpd(pair.rack2).processes()
