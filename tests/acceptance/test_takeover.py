"""A rack's host is off: its peer has half of the free addresses, and all once it takes over."""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from lab import DHCPClients, Errand, Lease, NoLease, Patience, Sniffer, Wish, mac, until
from lab.cluster import BIN, SMALL_LAN, Cluster, cli_environment
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.hearing import wait_heard

pytestmark = pytest.mark.root

POOL = 24
EARLY = 4
"""Clients that have leases before the fault."""
PATIENCE = Patience(total=20.0, resend=0.5)
IN_VAIN = Patience(total=2.5, resend=0.5)
"""For a client that is to get nothing."""
QUICK = Patience(total=20.0, resend=0.02)
MANUAL_SAYS, INTERRUPTED_AGAIN = "1", "3"
"""What dhcpd(8) calls partner-down; to OMAPI it is startup, and partner-down is 4."""


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    """Give the cluster with a pair on the small LAN and two dozen addresses."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.73")
    answer = cluster.update_vlan(
        SMALL_LAN, "primary_rack=rack1", "secondary_rack=rack2", "dhcp_on=true"
    )
    assert answer["dhcp_status"] == "running"
    assert any("half of the 24 free addresses" in words for words in answer["advice"])
    for rack in cluster.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=20.0)
    return cluster


@pytest.fixture(scope="module")
def sniffer(pair: Cluster) -> Iterator[Sniffer]:
    """Hear every DHCP message on the LAN."""
    with Sniffer(pair.lan) as listening:
        yield listening


@pytest.fixture(scope="module")
def clients(pair: Cluster, sniffer: Sniffer) -> Iterator[DHCPClients]:  # noqa: ARG001  hears all
    """Give clients that keep their addresses through all tests."""
    with DHCPClients(pair.clients) as own:
        yield own


@pytest.fixture(scope="module")
def held() -> list[Lease]:
    """Keep the leases of these clients."""
    return []


@cache
def vlan_id(cluster: Cluster) -> str:
    """Give the VLAN's id."""
    return str(cluster.vlan(SMALL_LAN)["id"])


def status(cluster: Cluster) -> Mapping[str, Any]:
    """Give what `dhcp-status/` says of the VLAN."""
    return dict(cluster.maasha("dhcp-status", "read", f"vlan={vlan_id(cluster)}")[0])


def shown(cluster: Cluster, rack: str) -> Mapping[str, Any]:
    """Give one rack's part of it."""
    return dict(next(one for one in status(cluster)["racks"] if one["rack"] == rack))


def alarms(cluster: Cluster) -> set[str]:
    """Give the kinds of the VLAN's open alarms."""
    return {alarm["kind"] for alarm in status(cluster)["alarms"]}


def wait_counted(cluster: Cluster, rack: str, active: int) -> Mapping[str, Any]:
    """Wait until the region has counted so many active leases, and give the counts."""

    def counted() -> bool:
        pools = shown(cluster, rack)["pools"]
        return pools is not None and pools["active"] == active

    until(counted, f"{active} active leases counted for {rack}", timeout=30.0, interval=0.5)
    return dict(shown(cluster, rack)["pools"])


def turn_off(cluster: Cluster) -> None:
    """SIGKILL every process of rack1 but the host itself: runner, rackd, dhcpd."""
    rack = cluster.rack1
    for process in rack.processes():
        if process.id != rack.anchor:
            process.id.signal(signal.SIGKILL)


def newcomers(clients: DHCPClients, first: int, count: int, patience: Patience) -> list[Lease]:
    """Have new clients ask, and give the leases of those that got one."""
    chaddrs = [mac(0x020000010000 + first + number) for number in range(count)]
    outcomes = clients.acquire_all(chaddrs, patience).values()
    return [each for each in outcomes if isinstance(each, Lease)]


def wait_shown(cluster: Cluster, state: str) -> None:
    """Wait until the API shows rack2 in a state."""
    what = f"the API to show {state}"
    until(lambda: shown(cluster, "rack2")["state"] == state, what, timeout=20.0, interval=0.05)


def set_state(cluster: Cluster, number: str) -> None:
    """Set the state of rack2's failover peer as with omshell."""
    config = Dhcpd(cluster.rack2).config
    (name,) = re.findall(r'^failover peer "(.*)" {$', config, re.MULTILINE)
    (key,) = re.findall(r'^ +secret "(.*)";$', config, re.MULTILINE)
    cluster.rack2.run([sys.executable, "-m", "tests.acceptance.omapi_set", name, key, number])


def take_over(cluster: Cluster) -> tuple[int, str]:
    """Run the command for the VLAN with rack1 off; gives its exit status and words."""
    argv = [str(BIN / "maasha"), "dhcp", "takeover", vlan_id(cluster), "--off", "rack1"]
    done = cluster.region.run(argv, env=cli_environment(), check=False, timeout=40.0)
    return done.returncode, done.stdout + done.stderr


def longest_silence(clients: DHCPClients, lease: Lease, busy: threading.Thread) -> float:
    """Have a client rebind without pause while something goes on; gives the longest gap."""
    answered = [time.monotonic()]
    busy.start()
    while busy.is_alive() or len(answered) < 3:
        answered.append(clients.rebind(lease, QUICK).monotonic)
    return max(later - before for before, later in pairwise(answered))


def test_what_is_left_is_counted(
    pair: Cluster, clients: DHCPClients, held: list[Lease], figures: Figures
) -> None:
    """Both racks count the same, and a take-over is refused while there is nothing to take."""
    held += newcomers(clients, 0, EARLY, PATIENCE)
    for rack in ("rack1", "rack2"):
        pools = wait_counted(pair, rack, EARLY)
        figures.count(f"  {rack}: free of {POOL}", pools["free"])
        figures.count(f"  {rack}: backup of {POOL}", pools["backup"])
        assert pools["free"] + pools["backup"] == POOL - EARLY
        assert pools["total"] == POOL
    found = status(pair)
    assert (found["standing"], alarms(pair)) == ("pair", set())
    code, words = take_over(pair)
    assert code == 2, words
    assert "both linked" in words


def test_the_survivor_has_its_half_and_says_so(
    pair: Cluster, clients: DHCPClients, held: list[Lease], figures: Figures
) -> None:
    """The API shows the loss within seconds; the half is served, no more; alarms say what to do."""
    half = shown(pair, "rack2")["pools"]["backup"]
    turn_off(pair)
    began, killed = time.monotonic(), datetime.now(UTC)
    wait_shown(pair, "communications-interrupted")
    figures.seconds("SIGKILL of a peer -> somebody who polls sees it", time.monotonic() - began)
    known = datetime.fromisoformat(shown(pair, "rack2")["since"]) - killed
    figures.seconds("SIGKILL of a peer -> the region knows", known.total_seconds())
    assert status(pair)["endurance"]["addresses_left"] == half
    got = newcomers(clients, 0x100, half + 2, IN_VAIN)
    held += got
    figures.count(f"  addresses that the survivor had of {POOL - EARLY}", len(got))
    assert len(got) == half
    until(lambda: alarms(pair) >= {"dhcp.alone", "dhcp.endurance"}, "the alarms", timeout=60.0)
    figures.seconds("SIGKILL of a peer -> both alarms", time.monotonic() - began)
    assert status(pair)["endurance"]["hours"] == 0.0


def test_what_the_manual_says_stops_the_survivor(
    pair: Cluster, clients: DHCPClients, held: list[Lease]
) -> None:
    """The number of dhcpd(8) for partner-down silences it, which the API shows at once.

    Nobody takes over then without saying so: a server in that state may lack leases.
    """
    assert clients.rebind(held[0], PATIENCE).ip == held[0].ip
    set_state(pair, MANUAL_SAYS)
    silent = clients.outcome(
        clients.submit(Errand(Wish.REBIND, held[0].chaddr, IN_VAIN, lease=held[0]))
    )
    assert isinstance(silent, NoLease), "the naive way"
    wait_shown(pair, "startup")
    assert not shown(pair, "rack2")["serves"]
    code, words = take_over(pair)
    assert code == 2, words
    assert "may not know every lease" in words
    set_state(pair, INTERRUPTED_AGAIN)
    assert clients.rebind(held[0], PATIENCE).ip == held[0].ip
    wait_shown(pair, "communications-interrupted")


def test_who_takes_over_has_all_addresses(
    pair: Cluster, clients: DHCPClients, held: list[Lease], figures: Figures
) -> None:
    """The gap is a restart; the last address of the pool is handed out, none twice."""
    said: list[tuple[int, str]] = []
    command = threading.Thread(target=lambda: said.append(take_over(pair)))
    gap = longest_silence(clients, held[0], command)
    figures.seconds("take-over: longest time without an answer for a client", gap)
    assert said[0][0] == 0, said
    assert "failover" not in Dhcpd(pair.rack2).config
    held += newcomers(clients, 0x200, POOL - len(held), PATIENCE)
    assert len({lease.ip for lease in held}) == POOL
    found = status(pair)
    assert (found["standing"], found["dhcp_on"]) == ("taken-over", True)
    assert wait_counted(pair, "rack2", POOL)["free"] == 0


def test_who_comes_back_learns_everything_anew(
    pair: Cluster, clients: DHCPClients, held: list[Lease], figures: Figures
) -> None:
    """It has its place again, every lease of the one that served, and the alarms are over."""
    began = time.monotonic()
    pair.runner(pair.rack1).launch()
    until(lambda: status(pair)["standing"] == "pair", "the pair", timeout=120.0, interval=0.5)
    figures.seconds("the rack is back -> two racks serve", time.monotonic() - began)
    until(  # it was handed the VLAN through a passing pair
        lambda: pair.vlan(SMALL_LAN)["dhcp_status"] == "running", "its place", timeout=60.0
    )
    figures.seconds("the rack is back -> it has its place again", time.monotonic() - began)
    for rack in pair.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=60.0)
    assert re.findall(r"^ +primary;", Dhcpd(pair.rack1).block(), re.MULTILINE)
    for name in ("rack1", "rack2"):
        assert wait_counted(pair, name, POOL)["total"] == POOL
    until(lambda: not alarms(pair), "the alarms to be over", timeout=60.0, interval=0.5)
    for lease in held[:3]:
        assert clients.rebind(lease, PATIENCE).ip == lease.ip


def test_no_address_had_two_holders(sniffer: Sniffer, held: list[Lease]) -> None:
    """Through all of it."""
    wait_heard(sniffer, held)
    assert sniffer.conflicts() == ()
