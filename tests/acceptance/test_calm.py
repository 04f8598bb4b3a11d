"""In a hard time nobody is taken for dead: no link ends, nothing moves, no role changes.

Two regions with two workers each, and six racks behind 260 ms and 1 % of loss, on a machine that is
busy to 95 %; each master, worker and rackd in turn stands still for 1.2 s. MAASHA_SOAK says for how
many seconds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import partial

import pytest

from lab import Host, ProcessId, until
from lab.cluster import BIN, SMALL_LAN, STATE, Cluster, cli_environment, start
from lab.testing import require
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.hardship import ONE_WAY, PAUSE, Pauses, busy_processors, long_lines
from tests.acceptance.quiet import LEADER
from tests.acceptance.town import answered
from tests.acceptance.watching import log_of

pytestmark = pytest.mark.root

REGIONS, WORKERS, RACKS, CONNECTIONS = 2, 2, 6, 2
SETTINGS = {"num_workers": WORKERS, "balance_stay": 5, "balance_hold": 5}
"""Restless: what could move would do so soon."""
SECONDS = float(os.environ.get("MAASHA_SOAK", "55"))
SEED = 5
ROUND_TRIP = 0.9 * 2 * ONE_WAY
"""Seconds at least, as a smoothed mean; it begins with what was measured on the short line."""
AT_LEAST = 90
"""Percent of the processors that are in use all the time; 95 are aimed at."""
LINKS = [str(BIN / "maasha-rack"), "--config", str(STATE / "rackd.conf"), "links", "--json"]

STANDING = {
    "workers": "select id, region_id, slot, pid, epoch_counter, leaving from worker",
    "links": "select id, rack_id, worker_id, moved from link",
    "racks": "select id, deleted, owner, owner_counter, wanted_counter, running_counter,"
    " failed_counter, problem, refusal, serving, commanded from rack",
    "VLANs": "select id, dhcp_on, primary_rack, secondary_rack, pairing from vlan",
    "roles": "select vlan_id, rack_id, asked, running, state, partner, problem from service",
    "moves": "select id, rack_id, source_name, target_name, reason from link_move",
    "events": "select id, who, subject, kind, severity, detail from event",
    "leader": LEADER,
}
"""What tells of anybody given up, moved, or given another role; the history has all alarms."""

Standing = dict[str, set[tuple[str, ...]]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give it, even, with a pair of racks that serve DHCP."""
    require()
    folder = tmp_path_factory.mktemp("calm")
    started = start("calm", folder, regions=REGIONS, racks=RACKS, settings=SETTINGS)
    try:
        enable_dhcp(started)
        until(lambda: is_settled(started), "an even cluster", timeout=150.0, interval=0.5)
        yield started
    finally:
        started.lab.close()


def enable_dhcp(cluster: Cluster) -> None:
    """Make rack1 and rack2 a failover pair."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    pair = "primary_rack=rack1", "secondary_rack=rack2"
    assert cluster.update_vlan(SMALL_LAN, *pair, "dhcp_on=true")["dhcp_status"] == "running"
    for rack in (cluster.rack1, cluster.rack2):
        Dhcpd(rack).wait_state(NORMAL, timeout=60.0)


def is_settled(cluster: Cluster) -> bool:
    """Whether every rack has its links, and the leader sees nothing to do."""
    racks, placement = cluster.status()["racks"], cluster.maasha("placement", "read")
    linked = all(len(rack["connections"]) == CONNECTIONS and rack["owner"] for rack in racks)
    acting = placement["plan"]["actions"] or placement["under_way"]
    return linked and len(racks) == RACKS and not acting


def standing(cluster: Cluster) -> Standing:
    """Give who is there, and in which role."""
    return {what: set(cluster.sql(question)) for what, question in STANDING.items()}


def changes(cluster: Cluster, before: Standing) -> Standing:
    """Give the rows that have come or gone; the emptier the better."""
    now = standing(cluster)
    return {what: rows ^ now[what] for what, rows in before.items() if rows != now[what]}


def processes(cluster: Cluster) -> list[ProcessId]:
    """Give each master, each worker and each rackd."""
    wanted = [(host, "maasha-regiond") for host in cluster.regions]
    wanted += [(host, "maasha.daemon.worker") for host in cluster.regions]
    wanted += [(host, "maasha-rackd") for host in cluster.racks]
    found = [one.id for host, program in wanted for one in host.processes(program)]
    assert len(found) == REGIONS * (1 + WORKERS) + RACKS
    return found


def logged(cluster: Cluster) -> dict[str, int]:
    """Give how long each daemon's log is."""
    return {name: len(log_of(host, daemon)) for name, host, daemon in daemons(cluster)}


def daemons(cluster: Cluster) -> Iterator[tuple[str, Host, str]]:
    """Give names, hosts and daemons."""
    yield from ((host.name, host, "regiond") for host in cluster.regions)
    yield from ((host.name, host, "rackd") for host in cluster.racks)


def said(cluster: Cluster, since: dict[str, int]) -> list[str]:
    """Give what the daemons have logged since."""
    return [
        f"{name}: {line}"
        for name, host, daemon in daemons(cluster)
        for line in log_of(host, daemon)[since[name] :].splitlines()
    ]


def notable(cluster: Cluster, since: dict[str, int]) -> str:
    """Give what they have logged, without suspicions and the requests of the API."""
    usual = " is suspect", " is healthy"
    lines = [line for line in said(cluster, since) if not line.endswith(usual)]
    return "\n".join(line for line in lines if "twisted.python.log#" not in line)


def resent(cluster: Cluster) -> int:
    """Count the segments that racks and regions have sent again; /proc/net/snmp."""
    hosts = (*cluster.racks, *cluster.regions)
    tables = [host.run(["grep", "^Tcp:", "/proc/net/snmp"]).stdout.splitlines() for host in hosts]
    return sum(
        int(dict(zip(names.split(), values.split(), strict=True))["RetransSegs"])
        for names, values in tables
    )


def round_trips(cluster: Cluster) -> list[float]:
    """Give the round trip of each link as its rack has it, in seconds."""
    texts = [rack.run(LINKS, env=cli_environment(), timeout=60.0).stdout for rack in cluster.racks]
    links = [json.loads(line) for text in texts for line in text.splitlines()]
    return [link["round_trip"] or 0.0 for link in links]


def test_nobody_is_taken_for_dead(cluster: Cluster, figures: Figures) -> None:
    """Nor is anything moved; every link answers in the end, in the time that the line takes."""
    before, since, sent = standing(cluster), logged(cluster), resent(cluster)
    cables = [cluster.management.cable(rack) for rack in cluster.racks]
    pauses = Pauses(processes(cluster), SEED)
    with long_lines(cables, SEED) as lines, busy_processors(cluster.outsider):
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            pauses.go_round()
            assert changes(cluster, before) == {}, notable(cluster, since)
        for rack in cluster.racks:
            until(partial(answered, rack), f"both links of {rack.name}", timeout=60.0)
        trips, lost = round_trips(cluster), [line.lost() for line in lines]
    again = resent(cluster) - sent
    figures.count("hard time: percent of the processors in use", percent(pauses.busy))
    figures.count(f"hard time: pauses of {PAUSE:g} s", len(pauses.lengths))
    figures.seconds("hard time: longest of them, as measured", max(pauses.lengths))
    figures.distribution("hard time: round trips of links", trips)
    figures.lines.append(f"hard time: frames lost on each line: {lost}")
    figures.count("hard time: segments sent again", again)
    suspicions = [line for line in said(cluster, since) if line.endswith(" is suspect")]
    figures.count("hard time: suspicions, which are no harm", len(suspicions))
    assert changes(cluster, before) == {}, notable(cluster, since)
    assert len(trips) == RACKS * CONNECTIONS
    assert min(trips) >= ROUND_TRIP
    assert min(lost) > 0
    assert again > 0
    assert percent(pauses.busy) >= AT_LEAST


def percent(shares: list[float]) -> int:
    """Give the mean share."""
    return round(100 * sum(shares) / len(shares))
