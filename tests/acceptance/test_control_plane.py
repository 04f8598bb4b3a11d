"""Masters, workers and rows may vanish: links stay or come back, and DHCP never notices."""

from __future__ import annotations

import re
import signal
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from lab import Process, until
from lab.cluster import BIN, SMALL_LAN, URL, WORKERS, Cluster, cli_environment
from tests.acceptance.dhcpd import Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.watching import (
    answers,
    connections,
    established,
    kill_rackd,
    live_workers,
    owner_of,
)

pytestmark = pytest.mark.root

MOST_CONNECTIONS = 40
"""Database connections of a region, the manual's figure."""
MOST_TRANSACTIONS = 60
"""Per second at rest; 4 workers with a heartbeat, a ping and three slow ticks each take some 15."""
BOTH_LINKED = {"rack1": 2, "rack2": 2}


@pytest.fixture(scope="module")
def solo(cluster: Cluster) -> Cluster:
    """Give the cluster with rack1 serving the small LAN alone."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    answer = cluster.update_vlan(SMALL_LAN, "primary_rack=rack1", "secondary_rack=", "dhcp_on=true")
    assert answer["dhcp_status"] == "running"
    return cluster


def workers(cluster: Cluster) -> tuple[Process, ...]:
    """Give the region's worker processes."""
    return cluster.region.processes("maasha.daemon.worker")


def wait_whole(cluster: Cluster) -> None:
    """Wait until the API answers, all workers run and both racks have both links."""
    until(lambda: answers(cluster), "the API to answer", timeout=40.0, interval=0.2)
    until(lambda: live_workers(cluster) == WORKERS, "all workers", timeout=40.0, interval=0.2)
    until(lambda: connections(cluster) == BOTH_LINKED, "links", timeout=40.0, interval=0.2)


def test_a_region_keeps_to_its_database_connections(solo: Cluster, figures: Figures) -> None:
    """All processes of a region together hold at most 40."""
    ((count,),) = solo.sql("select count(*) from pg_stat_activity where usename = 'maasha'")
    figures.count("database connections of a region with 4 workers", int(count))
    assert 0 < int(count) <= MOST_CONNECTIONS


def test_an_operator_sees_how_connections_fare(solo: Cluster, figures: Figures) -> None:
    """The API and the command line show each connection's round trips, once they are noted."""

    def noted() -> list[float]:
        racks = solo.maasha("rack-controllers", "read")
        trips = [link["round_trip_ms"] for rack in racks for link in rack["connections"]]
        return trips if len(trips) == 4 and None not in trips else []

    trips = until(noted, "round trips of all connections", timeout=30.0, interval=0.5)
    figures.milliseconds("round trip over a link, the longest", max(trips) / 1000)
    assert 0 < max(trips) < 1000
    argv = [str(BIN / "maasha"), "status"]
    shown = solo.region.run(argv, env=cli_environment()).stdout
    assert len(re.findall(r"region/\d \d+(?:\.\d+)?±\d+(?:\.\d+)? ms", shown)) == 4


def test_prometheus_learns_of_all_workers_from_any(solo: Cluster, figures: Figures) -> None:
    """Whoever may reach the port, without a login; each answer has the links of all workers."""

    def scrape() -> list[Sample]:
        found = solo.outsider.run(["curl", "-sf", f"{URL}metrics"]).stdout
        return [each for family in text_string_to_metric_families(found) for each in family.samples]

    def each(samples: list[Sample], name: str) -> list[float]:
        return [sample.value for sample in samples if sample.name == name]

    wait_whole(solo)
    began = time.monotonic()
    samples = scrape()
    figures.milliseconds("scrape of 4 workers' metrics", time.monotonic() - began)
    figures.count("samples of 4 workers", len(samples))
    slots = {sample.labels["worker"] for sample in samples}
    assert slots == {str(slot) for slot in range(WORKERS)}
    assert each(samples, "maasha_worker_up") == [1.0] * WORKERS
    assert sum(each(samples, "maasha_links")) == sum(BOTH_LINKED.values())
    assert sum(each(samples, "maasha_racks_owned")) == len(BOTH_LINKED)
    assert sum(each(samples, "maasha_worker_leads")) == 1
    assert sum(each(samples, "maasha_rpc_calls_total")) > 0
    assert len(each(samples, "process_cpu_seconds_total")) == WORKERS

    def even() -> bool:
        return each(scrape(), "maasha_evenness_ratio") == [1.0]

    until(even, "the leader to tell that all are even", timeout=40.0, interval=1.0)


def test_workers_leave_with_their_master(solo: Cluster, figures: Figures) -> None:
    """Two seconds after the master is killed no worker holds its port; the next master has it."""
    server, old = Dhcpd(solo.rack1).snapshot(), [worker.id for worker in workers(solo)]
    solo.region.signal("maasha-regiond", signal.SIGKILL)
    began = time.monotonic()
    until(lambda: not any(worker.alive() for worker in old), "the workers' end", timeout=10.0)
    gone = time.monotonic() - began
    figures.seconds("master SIGKILLed -> all workers gone", gone)
    assert gone <= 2.5
    wait_whole(solo)
    assert Dhcpd(solo.rack1).snapshot() == server


def test_a_worker_whose_row_is_gone_keeps_its_links(solo: Cluster) -> None:
    """It writes the row anew and wins the racks anew; no connection is broken for that."""
    wait_whole(solo)
    sessions, server = established(solo), Dhcpd(solo.rack1).snapshot()
    solo.sql("delete from worker")
    wait_whole(solo)
    until(lambda: all(owner_of(solo, rack) for rack in BOTH_LINKED), "owners", timeout=20.0)
    assert established(solo) == sessions
    assert solo.update_vlan(SMALL_LAN, "lease_time=660")["dhcp_status"] == "running"
    assert solo.update_vlan(SMALL_LAN, "lease_time=600")["dhcp_status"] == "running"
    assert Dhcpd(solo.rack1).snapshot().file_hash == server.file_hash


def test_a_frozen_worker_is_replaced(solo: Cluster, figures: Figures) -> None:
    """Its rack notices and asks another to act; when it wakes it finds its place again."""
    wait_whole(solo)
    slot, _ = before = owner_of(solo, "rack1")
    (frozen,) = [worker for worker in workers(solo) if worker.matches(f"--slot={slot}")]
    frozen.id.signal(signal.SIGSTOP)
    began = time.monotonic()
    until(lambda: owner_of(solo, "rack1") not in ((), before), "another owner", timeout=20.0)
    figures.seconds("worker SIGSTOPped -> its rack has another owner", time.monotonic() - began)
    assert solo.update_vlan(SMALL_LAN, "lease_time=670")["dhcp_status"] == "running"
    until(lambda: live_workers(solo) == WORKERS - 1, "it to be found dead", timeout=20.0)
    frozen.id.signal(signal.SIGCONT)
    wait_whole(solo)
    assert solo.update_vlan(SMALL_LAN, "lease_time=600")["dhcp_status"] == "running"


def test_racks_link_over_ipv6(solo: Cluster) -> None:
    """Regions listen on both families and publish both; a rack needs only one of them."""
    for host, last in ((solo.region, 10), (solo.rack2, 22)):
        host.ip(f"addr add fd00:100::{last}/64 dev eth0 nodad")
    solo.rack2.ip("addr del 10.100.0.22/24 dev eth0")
    config = solo.rack2.directory / "rackd.conf"
    config.write_text(config.read_text().replace("10.100.0.10", "[fd00:100::10]"))
    kill_rackd(solo.rack2)

    def over_ipv6() -> bool:
        return any("[fd00:100::22]" in pair for pair in established(solo))

    until(over_ipv6, "links over IPv6", timeout=40.0, interval=0.2)
    wait_whole(solo)


def transactions(cluster: Cluster) -> int:
    """Give how many transactions the instance's database has committed."""
    ((count,),) = cluster.sql("select xact_commit from pg_stat_database where datname = 'maasha'")
    return int(count)


def test_a_cluster_at_rest_is_at_rest(solo: Cluster, figures: Figures) -> None:
    """Heartbeats and slow ticks are all that goes on: notices do not wake each other for ever."""
    wait_whole(solo)
    seconds = 10.0
    before, began = transactions(solo), time.monotonic()
    until(lambda: time.monotonic() - began >= seconds, "ten seconds", timeout=20.0, interval=0.5)
    rate = (transactions(solo) - before) / (time.monotonic() - began)
    figures.count("transactions per second of a cluster at rest (4 workers, 2 racks)", round(rate))
    assert rate < MOST_TRANSACTIONS
