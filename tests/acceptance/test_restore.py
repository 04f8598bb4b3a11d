"""A restored database is obeyed, and old orders are not: the incarnation rises."""

from __future__ import annotations

import pytest

from lab import until
from lab.cluster import SMALL_LAN, Cluster
from tests.acceptance.dhcpd import Dhcpd
from tests.acceptance.watching import answers, owner_of, wait_linked

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def solo(cluster: Cluster) -> Cluster:
    """Give the cluster with rack1 serving the small LAN alone."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    answer = cluster.update_vlan(SMALL_LAN, "primary_rack=rack1", "dhcp_on=true")
    assert answer["dhcp_status"] == "running"
    return cluster


def as_postgres(cluster: Cluster, program: str, *arguments: str, text: str = "") -> str:
    """Run a program of PostgreSQL as its superuser."""
    database = cluster.database
    argv = [str(database.programs / program), "-h", str(database.data), *arguments]
    return cluster.db.run(argv, user=database.user, text=text, timeout=60.0).stdout


def epoch(cluster: Cluster, rack: str) -> tuple[int, int]:
    """Give the epoch of a rack's owner."""
    ((incarnation, counter),) = cluster.sql(
        f"select owner_incarnation, owner_counter from rack where hostname = '{rack}'"
    )
    return int(incarnation), int(counter)


def test_racks_obey_a_restored_region(solo: Cluster) -> None:
    """Counters that fell back are still newer, so no rack refuses commands; DHCP never stops."""
    dump = as_postgres(solo, "pg_dump", "maasha")
    for seconds in (300, 400, 500):
        assert solo.update_vlan(SMALL_LAN, f"lease_time={seconds}")["dhcp_status"] == "running"
    obeyed = epoch(solo, "rack1")
    solo.runner(solo.region).stop("regiond")
    as_postgres(solo, "dropdb", "--force", "maasha")
    as_postgres(solo, "createdb", "--owner", "maasha", "maasha")
    as_postgres(solo, "psql", "-q", "-v", "ON_ERROR_STOP=1", "maasha", text=dump)
    solo.runner(solo.region).start("regiond")
    until(lambda: answers(solo), "the API to answer", timeout=40.0, interval=0.3)
    wait_linked(solo, "rack1")
    until(lambda: owner_of(solo, "rack1"), "an owner of rack1", timeout=30.0)
    assert epoch(solo, "rack1") > obeyed
    assert solo.update_vlan(SMALL_LAN, "lease_time=700")["dhcp_status"] == "running"
    assert "default-lease-time 700;" in Dhcpd(solo.rack1).config
