"""What people say of roles, on real racks: only "on", that a plan is done, that a rack is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from typing import Any

import pytest

from lab import DHCPClients, mac, until
from lab.cluster import BIN, LARGE_LAN, SMALL_LAN, Cluster, cli_environment
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.watching import connections, events

pytestmark = pytest.mark.root

CHOSEN = 60.0
"""Seconds until the leader has chosen; a new one looks on for 15."""
SETTLED = 60.0
"""Seconds for a change that takes several steps, each of them confirmed by a rack."""
RANGES = (("10.0.0.50", "10.0.0.99"), ("10.1.0.100", "10.1.3.131"))
LANS = (SMALL_LAN, LARGE_LAN)


@pytest.fixture(scope="module")
def ranges(cluster: Cluster) -> Cluster:
    """Give the cluster with a dynamic range on each LAN."""
    for start, end in RANGES:
        cluster.maasha("ipranges", "create", "type=dynamic", f"start_ip={start}", f"end_ip={end}")
    return cluster


def command(cluster: Cluster, words: str, timeout: float = 30.0) -> tuple[int, str, str]:
    """Run `maasha` on the region; gives status, output and remarks."""
    argv = [str(BIN / "maasha"), *words.split()]
    done = cluster.region.run(argv, env=cli_environment(), check=False, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def system_id(cluster: Cluster, hostname: str) -> str:
    """Give a rack's system id."""
    racks = cluster.maasha("rack-controllers", "read")
    return next(str(rack["system_id"]) for rack in racks if rack["hostname"] == hostname)


def wait_running(cluster: Cluster, cidr: str) -> Mapping[str, Any]:
    """Wait until a VLAN is served as it is to be, and give it."""
    until(
        lambda: cluster.vlan(cidr)["dhcp_status"] == "running",
        f"DHCP on {cidr}",
        timeout=CHOSEN + SETTLED,
        interval=0.5,
    )
    return cluster.vlan(cidr)


def served(cluster: Cluster, number: int) -> str:
    """Have a new client of the small LAN served; gives by whom."""
    with DHCPClients(cluster.clients) as clients:
        return str(clients.acquire(mac(number)).server)


def test_on_is_all_it_takes(ranges: Cluster) -> None:
    """A primary is chosen for each VLAN, another one for the second."""
    primaries = set()
    for cidr in LANS:
        ranges.update_vlan(cidr, "dhcp_on=true")
        vlan = wait_running(ranges, cidr)
        assert vlan["primary_rack_by"] == "automatic"
        primaries.add(vlan["primary_rack"])
    assert primaries == {system_id(ranges, rack.name) for rack in ranges.racks}


def test_a_plan_is_carried_out(ranges: Cluster, figures: Figures) -> None:
    """Both VLANs have the same primary; on request one pair changes places, and is normal again."""
    for cidr in LANS:
        ranges.update_vlan(cidr, "primary_rack=rack1", "secondary_rack=rack2")
        wait_running(ranges, cidr)
        ranges.update_vlan(cidr, "ha_auto=true")
    status, shown, _ = command(ranges, "dhcp roles --plan")
    assert (status, shown.count("rack1 is the primary of 2 VLANs, rack2 of 0")) == (0, 1), shown
    began = time.monotonic()
    status, shown, told = command(ranges, "dhcp roles --plan --apply", timeout=330.0)
    figures.seconds("a pair changes places on request", time.monotonic() - began)
    assert status == 0, shown + told
    assert "1 of 1 changed" in told
    assert {ranges.vlan(cidr)["primary_rack"] for cidr in LANS} == {
        system_id(ranges, rack.name) for rack in ranges.racks
    }
    for rack in ranges.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    assert command(ranges, "dhcp roles --plan")[1] == "[]\n"


def test_a_rack_is_drained(ranges: Cluster, figures: Figures) -> None:
    """Its peer serves its VLANs alone, and it itself none; it keeps its places and serves again."""
    before = [ranges.vlan(cidr) for cidr in LANS]
    began = time.monotonic()
    status, shown, told = command(ranges, "drain rack rack1 --wait --timeout 2m", timeout=150.0)
    figures.seconds("a rack is drained: its peer serves alone", time.monotonic() - began)
    assert status == 0, shown + told
    until(lambda: not Dhcpd(ranges.rack1).processes(), "no dhcpd on rack1", timeout=SETTLED)
    assert "failover peer" not in Dhcpd(ranges.rack2).config
    for cidr, was in zip(LANS, before, strict=True):
        now = wait_running(ranges, cidr)
        assert (now["primary_rack"], now["secondary_rack"]) == (
            was["primary_rack"],
            was["secondary_rack"],
        )
    assert served(ranges, 0x020000000011) == "10.0.0.2"
    began = time.monotonic()
    assert command(ranges, "drain rack rack1 --undo")[0] == 0
    for cidr in LANS:
        wait_running(ranges, cidr)
    for rack in ranges.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=40.0)
    figures.seconds("the drain of a rack is undone: its pairs are normal", time.monotonic() - began)


def test_a_rack_is_lost(ranges: Cluster, figures: Figures) -> None:
    """As long as it is linked it is not; then its peer serves alone, on every VLAN, at once."""
    gone = f"rack-controller declare-lost {system_id(ranges, 'rack1')}"
    status, shown, _ = command(ranges, gone)
    assert (status, "rack rack1 is linked" in shown) == (2, True), shown
    ranges.runner(ranges.rack1).stop("rackd")
    ranges.rack1.signal("dhcpd", signal.SIGKILL)
    until(lambda: not connections(ranges)["rack1"], "rack1 to have no link", timeout=30.0)
    began = time.monotonic()
    status, shown, told = command(ranges, gone)
    assert status == 0, shown + told
    alone = Dhcpd(ranges.rack2)
    until(lambda: "failover peer" not in alone.config, "rack2 alone", timeout=SETTLED, interval=0.2)
    figures.seconds("rack declared lost -> its peer serves alone", time.monotonic() - began)
    for cidr in LANS:
        vlan = wait_running(ranges, cidr)
        assert (vlan["primary_rack"], vlan["secondary_rack"]) == (system_id(ranges, "rack2"), None)
        assert (vlan["primary_rack_by"], vlan["secondary_rack_by"]) == ("automatic",) * 2
    assert served(ranges, 0x020000000001) == "10.0.0.2"


def test_it_comes_back(ranges: Cluster) -> None:
    """It is taken in and serves nothing that another rack serves now."""
    ranges.runner(ranges.rack1).start("rackd")
    until(lambda: events(ranges, "rack.found"), "rack1 to be found", timeout=60.0)
    racks = ranges.maasha("rack-controllers", "read")
    assert [rack["lost"] for rack in racks] == [None, None]
    for cidr in LANS:
        assert wait_running(ranges, cidr)["primary_rack"] == system_id(ranges, "rack2")
    assert served(ranges, 0x020000000002) in ("10.0.0.1", "10.0.0.2")
