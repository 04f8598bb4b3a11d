"""A restored database is obeyed, and old orders are not: the incarnation rises."""

from __future__ import annotations

import pytest

from lab import until
from lab.cluster import SMALL_LAN, Cluster
from tests.acceptance.dhcpd import Dhcpd
from tests.acceptance.restoring import dumped, restore
from tests.acceptance.watching import owner_of, wait_linked

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def solo(cluster: Cluster) -> Cluster:
    """Give the cluster with rack1 serving the small LAN alone."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    answer = cluster.update_vlan(SMALL_LAN, "primary_rack=rack1", "secondary_rack=", "dhcp_on=true")
    assert answer["dhcp_status"] == "running"
    return cluster


def epoch(cluster: Cluster, rack: str) -> tuple[int, int]:
    """Give the epoch of a rack's owner."""
    ((incarnation, counter),) = cluster.sql(
        f"select owner_incarnation, owner_counter from rack where hostname = '{rack}'"
    )
    return int(incarnation), int(counter)


def test_racks_obey_a_restored_region(solo: Cluster) -> None:
    """Counters that fell back are still newer, so no rack refuses commands; DHCP never stops."""
    dump = dumped(solo)
    for seconds in (300, 400, 500):
        assert solo.update_vlan(SMALL_LAN, f"lease_time={seconds}")["dhcp_status"] == "running"
    obeyed = epoch(solo, "rack1")
    restore(solo, dump)
    wait_linked(solo, "rack1")
    until(lambda: owner_of(solo, "rack1"), "an owner of rack1", timeout=30.0)
    assert epoch(solo, "rack1") > obeyed
    assert solo.update_vlan(SMALL_LAN, "lease_time=700")["dhcp_status"] == "running"
    assert "default-lease-time 700;" in Dhcpd(solo.rack1).config
