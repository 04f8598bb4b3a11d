"""Adding a rack is HA: it becomes the secondary without a hand, and nobody goes unserved for it.

Unserved is a client whose DISCOVERs, sent each second, have no OFFER before it gives up, or whose
whole exchange nobody answers. A single DISCOVER may be lost, as on any network: they are counted.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from lab import Host, Lab, Sniffer, until
from lab.cluster import (
    LARGE_LAN,
    SMALL_LAN,
    WORKERS,
    Cluster,
    boot,
    login,
    make_instance,
    start_database,
    start_rack,
    start_region,
)
from lab.testing import require
from maasha.balancer.roles import TERMS, Lack
from tests.acceptance.churn import PATIENCE, ROUND, Churn
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.offers import offered
from tests.acceptance.watching import answers, events, log_of, remains

pytestmark = pytest.mark.root

BAR = 30.0
"""Seconds from the registration of the second rack to a pair that is normal on both sides."""
SLOW = 4 * BAR
"""A safety bound: machines differ, and other tests have their share of this one."""
LONGEST_SILENCE = 5.0
"""Seconds without any ACK while somebody asks; as long as when a person makes the pair."""
LOOK = 12.0
"""Seconds in which the leader has looked again."""
LONG_LOOK = TERMS.fresh + 15.0
"""Seconds after which nothing that a rack ever said is evidence of anything any more."""
SINGLE = 1.0
"""Seconds after which a client repeats a DISCOVER."""
HOLD = 20
"""Seconds for which no role is changed after a gap; the shipped ones are 120. A new leader looks on
for 15."""
GAP = """
select hold ->> 'until' from leader, jsonb_array_elements(outlook -> 'role_holds') hold
where hold ->> 'cause' = 'database-was-away'
"""
ON_SMALL = f"(select 'vlan:' || vlan_id from subnet where cidr = '{SMALL_LAN}')"
APPOINTED = "rack2 becomes the secondary: it and rack1 reach each other"
BARRED = """
table inet barred {
    chain input { type filter hook input priority 0; ip daddr 10.0.0.2 tcp dport 647 drop; }
}
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster in which rack1 serves the large LAN, and rack2 is not registered yet."""
    require()
    with Lab("second", tmp_path_factory.mktemp("second")) as lab:
        cluster = boot(lab)
        start_database(cluster)
        make_instance(cluster, balance_hold_roles=HOLD)
        start_region(cluster.region)
        start_rack(cluster, cluster.rack1)
        login(cluster, cluster.region)
        until(lambda: racks_linked(cluster) == 1, "rack1 to be linked", timeout=60.0)
        cluster.maasha(
            "ipranges", "create", "type=dynamic", "start_ip=10.1.0.100", "end_ip=10.1.3.131"
        )
        answer = cluster.update_vlan(LARGE_LAN, "primary_rack=rack1", "dhcp_on=true")
        assert answer["dhcp_status"] == "running"
        yield cluster


@pytest.fixture(scope="module")
def crowd(alone: Cluster) -> Iterator[Churn]:
    """Have 48 clients come and go; each has been served before the first test."""
    with Churn(alone.clients, "eth1", 0x020000030000, seed=5) as running:
        running.wait_all_served(0.0, timeout=60.0)
        yield running


@pytest.fixture(scope="module")
def sniffer(alone: Cluster) -> Iterator[Sniffer]:
    """Hear all DHCP messages on the large LAN."""
    with Sniffer(alone.large) as listening:
        yield listening


def racks_linked(cluster: Cluster) -> int:
    """Count the racks that have links and an owner."""
    racks = cluster.status()["racks"]
    return sum(bool(rack["connections"] and rack["owner"]) for rack in racks)


def parts(cluster: Cluster, cidr: str) -> tuple[str, ...]:
    """Give primary and secondary of a LAN's VLAN, each with who chose it."""
    ((primary, primary_by, secondary, secondary_by),) = cluster.sql(
        "select p.hostname, primary_by, s.hostname, secondary_by from vlan"
        " join subnet on subnet.vlan_id = vlan.id"
        " left join rack p on p.id = primary_rack left join rack s on s.id = secondary_rack"
        f" where cidr = '{cidr}'"
    )
    return primary, primary_by, secondary, secondary_by


def why(cluster: Cluster, cidr: str) -> str:
    """Give what the API says of a VLAN's places."""
    vlan, shown = cluster.vlan(cidr)["id"], cluster.maasha("dhcp-roles", "read")["vlans"]
    (said,) = [one["why"] for one in shown if one["id"] == vlan]
    return str(said)


def is_normal(rack: Host) -> bool:
    """Whether a rack's dhcpd is a failover peer and normal."""
    dhcpd = Dhcpd(rack)
    return bool(dhcpd.processes()) and "failover peer" in dhcpd.config and dhcpd.state() == NORMAL


def test_alone(alone: Cluster, crowd: Churn) -> None:  # noqa: ARG001  comes before the second rack
    """One rack serves, and nobody is made its secondary."""
    assert parts(alone, LARGE_LAN) == ("rack1", "user:admin", "", "")


def test_a_second_rack_is_registered(
    alone: Cluster, sniffer: Sniffer, crowd: Churn, figures: Figures
) -> None:
    """No command is given, and soon a pair is normal; every client is offered a lease meanwhile."""
    began = time.monotonic()
    start_rack(alone, alone.rack2)
    what = "both dhcpd to be normal"
    until(lambda: all(map(is_normal, alone.racks)), what, timeout=SLOW, interval=0.2)
    over = time.monotonic()
    figures.seconds("a second rack registers -> the pair is normal, without a hand", over - began)
    figures.lines.append(f"  (bar: {BAR:.0f} s)")
    silence = crowd.silence(began)
    figures.seconds("  longest time without any ACK meanwhile", silence)
    crowd.wait_all_served(over, timeout=4 * ROUND)
    # not those of racks, which ask whether others' servers are there and mean none of ours
    asked = [one for one in offered(sniffer.messages(), began, over) if one.chaddr in crowd.macs]
    figures.count("  clients' acquisitions meanwhile", len(asked))
    figures.count("  DISCOVERs in these", sum(len(one.asked) for one in asked))
    late = sum(one.late(SINGLE) for one in asked)
    figures.count("  single ones of them without an OFFER within a second", late)
    assert asked
    assert not [one for one in asked if one.lost(PATIENCE.total)]
    assert over - began <= 2 * BAR
    assert silence <= LONGEST_SILENCE
    assert not [done for done in crowd.done if done.began >= began and done.unanswered]
    assert parts(alone, LARGE_LAN) == ("rack1", "user:admin", "rack2", "")
    (told,) = events(alone, "vlan.roles")
    assert told == "rack2 is the secondary: it and rack1 reach each other"


def test_it_stays_so(alone: Cluster) -> None:
    """A working pair is left alone."""
    remains(lambda: len(events(alone, "vlan.roles")) == 1, LOOK)


def test_the_port_counts(alone: Cluster) -> None:
    """A rack that hears the primary's frames, and is not reached on TCP 647, stays out of it."""
    rack2 = alone.rack2
    rack2.run(["nft", "-f", "-"], text=BARRED)
    alone.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.100", "end_ip=10.0.0.150")
    alone.update_vlan(SMALL_LAN, "primary_rack=rack1", "dhcp_on=true")
    probed = (
        "select count(*) from sighting join subnet using (vlan_id)"
        f" where cidr = '{SMALL_LAN}' and probed is not null and clock_offset is not null"
    )
    until(lambda: alone.sql(probed) == (("2",),), "frames to be exchanged", timeout=SLOW)
    assert why(alone, SMALL_LAN) == f"nobody: rack2 {Lack.PORT.value}"
    remains(lambda: parts(alone, SMALL_LAN)[2] == "", LOOK)
    assert why(alone, SMALL_LAN) == f"nobody: rack2 {Lack.PORT.value}"
    rack2.run(["nft", "delete", "table", "inet", "barred"])
    until(lambda: parts(alone, SMALL_LAN)[2] == "rack2", "rack2 to be secondary", timeout=SLOW)


def free_place(cluster: Cluster) -> None:
    """Pause, and make the second place of the small LAN free; rack2 is fit for it."""
    cluster.update_vlan(SMALL_LAN, "secondary_rack=")
    cluster.maasha("placement", "pause")
    cluster.update_vlan(SMALL_LAN, "primary_rack=rack1", "ha_auto=true")
    wait_why(cluster, "held: paused by user:admin")


def wait_why(cluster: Cluster, words: str) -> str:
    """Wait until rack2 would be the small LAN's secondary but for this; gives all that is said."""

    def said() -> str:
        found = why(cluster, SMALL_LAN)
        return found if words in found and found.endswith(f"then {APPOINTED}") else ""

    return until(said, f"rack2 to be fit, and {words!r}", timeout=SLOW, interval=0.2)


def lose_the_database(cluster: Cluster) -> None:
    """Stop PostgreSQL until every worker has missed it, and start it again."""
    database, before = cluster.runner(cluster.db), len(log_of(cluster.region, "regiond"))
    database.stop("postgres")

    def missed() -> bool:
        return log_of(cluster.region, "regiond")[before:].count("no heartbeat: ") >= WORKERS

    until(missed, "all workers to miss the database", timeout=60.0, interval=0.1)
    database.start("postgres")
    until(lambda: answers(cluster), "the API to answer", timeout=60.0, interval=0.2)


def test_after_a_gap_roles_wait(alone: Cluster, figures: Figures) -> None:
    """The database was away: who is fit for a place gets it when the hold ends, and it says so."""
    free_place(alone)
    lose_the_database(alone)
    back, given = time.monotonic(), len(events(alone, "vlan.roles"))
    alone.maasha("placement", "resume")
    told = wait_why(alone, "the database was away; what is on record may be old until ")
    ((until_then,),) = alone.sql(GAP)
    stops = alone.maasha("dhcp-roles", "read")["stops"]
    assert [stop for stop in stops if stop in told and stop.startswith("the database was away")]
    until(lambda: parts(alone, SMALL_LAN)[2] == "rack2", "rack2 to be secondary", timeout=SLOW)
    figures.seconds(f"database back -> the role that {HOLD} s hold", time.monotonic() - back)
    assert len(events(alone, "vlan.roles")) == given + 1
    ((in_time,),) = alone.sql(
        f"select at >= '{until_then}' from event where kind = 'vlan.roles'"
        f" and subject = {ON_SMALL} order by id desc limit 1"
    )
    assert in_time == "t"


def test_an_empty_place_is_kept(alone: Cluster) -> None:
    """What a person wants stays, and is told as that person's wish."""
    alone.update_vlan(SMALL_LAN, "secondary_rack=")
    assert parts(alone, SMALL_LAN) == ("rack1", "user:admin", "", "user:admin")
    remains(lambda: parts(alone, SMALL_LAN)[2] == "", LOOK)


def test_a_rack_is_lost_for_good(alone: Cluster, crowd: Churn, figures: Figures) -> None:
    """Its silence changes nothing; a person's word does, and the other has all addresses."""
    rack1, rack2 = alone.racks
    alone.runner(rack2).stop("rackd")
    rack2.signal("dhcpd", signal.SIGKILL)
    until(lambda: racks_linked(alone) == 1, "rack2 to be missed", timeout=60.0)
    remains(lambda: parts(alone, LARGE_LAN)[2] == "rack2", LONG_LOOK)
    system_id = {rack["hostname"]: rack["system_id"] for rack in alone.status()["racks"]}["rack2"]
    began = time.monotonic()
    alone.maasha("rack-controller", "declare-lost", system_id)

    def serves_alone() -> bool:
        dhcpd = Dhcpd(rack1)
        return bool(dhcpd.processes()) and "failover peer" not in dhcpd.config

    until(serves_alone, "rack1 to serve alone", timeout=SLOW, interval=0.2)
    figures.seconds("declared lost -> the other serves alone", time.monotonic() - began)
    vacated = "rack1", "user:admin", "", ""
    until(lambda: parts(alone, LARGE_LAN) == vacated, "the place to be free", timeout=SLOW)
    crowd.wait_all_served(time.monotonic(), timeout=4 * ROUND)


def test_the_lost_come_back(alone: Cluster, crowd: Churn, figures: Figures) -> None:
    """It registers, is found, and becomes the secondary again."""
    began = time.monotonic()
    alone.runner(alone.rack2).start("rackd")
    what = "both dhcpd to be normal"
    until(lambda: all(map(is_normal, alone.racks)), what, timeout=SLOW, interval=0.2)
    figures.seconds("a rack declared lost comes back -> normal", time.monotonic() - began)
    assert events(alone, "rack.found")
    crowd.wait_all_served(time.monotonic(), timeout=4 * ROUND)
