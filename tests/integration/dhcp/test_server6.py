"""A rack's DHCPv6 server beside its DHCPv4 server, with real dhcpd and clients on a wire."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.facts6 import RackFacts6, VlanFacts6
from maasha.dhcp.family import IPV6
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.render6 import render6
from maasha.model.dhcp import SOLO, DhcpPlan
from maasha.model.lease import BindingState
from maasha.model.network import Stretch, Subnet6, SubnetId
from maasha.model.stamp import Stamp
from maasha.model.stretches import Stretches, lower_half, upper_half
from tests.asynchronous import asynchronous
from tests.integration.dhcp.rack import Rack, clean, until
from tests.integration.dhcp.servers import make_server
from tests.integration.dhcp.wire import SECRET, VLAN, Link, plan_for
from tests.unit.dhcp.feeds import make_feed
from tests.unit.dhcp.real import reactor

pytestmark = pytest.mark.root

NETWORK = IPv6Network("fd77::/64")
OWN = IPv6Address("fd77::1")
RANGE = Stretch(IPv6Address("fd77::100"), IPv6Address("fd77::13f"))
"""dhcpd tries some addresses for a client, not all: it seldom finds the last ones of a pool."""
LOWER, UPPER = lower_half((RANGE,)), upper_half((RANGE,))


def plan6(share: Stretches, counter: int = 1) -> DhcpPlan:
    """Render the plan of a rack that has this share of the range."""
    vlan = VlanFacts6(VLAN, 600, (Subnet6(SubnetId(6), NETWORK, ranges=(RANGE,)),), "eth0", OWN)
    rendered = render6(RackFacts6(Stamp(1, counter), SECRET, (vlan,)), {VLAN: share})
    assert rendered.problems == ()
    return rendered.plan


@pytest.fixture
def six(here: Rack, link: Link, tmp_path: Path) -> Iterator[Rack]:
    """Give our own end's DHCPv6 server, beside the other one; the wire has IPv6."""
    add = ("ip", "addr", "add")
    subprocess.run([*add, f"{OWN}/64", "dev", "eth0", "nodad"], check=True)
    subprocess.run(link.over_there(*add, "fd77::9/64", "dev", "eth0", "nodad"), check=True)
    folder = tmp_path / "six"
    server = make_server(reactor, folder, lambda _: None, here.pool, family=IPV6)
    rack = Rack(folder, here.pool, server, [])
    yield rack
    pytest_twisted.blockon(Deferred.fromCoroutine(clean(rack)))


async def clients(link: Link, *words: str) -> dict[int, str | None]:
    """Run clients at the other end; gives their addresses."""
    argv = link.over_there(sys.executable, "-m", "lab.dhcp6_client", "eth0", *words)
    done = await deferToThread(
        lambda: subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
    )
    found = (json.loads(line) for line in done.stdout.splitlines())
    return {entry["client"]: entry["address"] for entry in found}


def within(addresses: dict[int, str | None], share: Stretches) -> set[IPv6Address]:
    """Give the addresses; each is of the share."""
    found = {IPv6Address(address) for address in addresses.values() if address}
    assert all(any(each.start <= one <= each.end for each in share) for one in found)
    return found


@asynchronous
async def test_a_rack_hands_out_its_share_and_no_more(six: Rack, here: Rack, link: Link) -> None:
    """Clients get the share's addresses, one each, while DHCPv4 serves beside; leases are read."""
    await here.server.apply(plan_for(SOLO))
    report = await six.server.apply(plan6(LOWER))
    assert report.serving
    assert report.services[0].role.stretches == LOWER
    got = await clients(link, "obtain", *map(str, range(1, 10)))
    assert len(within(got, LOWER)) == len(got) == 9
    feed = make_feed(reactor, here.directory, lambda: None, six=six.directory)
    feed.start()
    await until(lambda: feed.pending() is not None)
    batch = feed.pending()
    await feed.stop()
    assert batch is not None
    assert {lease.mac for lease in batch.leases} == {f"02:06:00:00:00:0{n}" for n in range(1, 10)}
    assert {lease.state for lease in batch.leases} == {BindingState.ACTIVE}
    assert here.server.report.serving


@asynchronous
async def test_a_share_is_changed_and_given_up(six: Rack, link: Link) -> None:
    """A client of the part that is kept keeps its address; one of the other part gets a new one."""
    await six.server.resume()
    await six.server.apply(plan6((RANGE,)))
    got = await clients(link, "obtain", *map(str, range(1, 7)))
    assert len(within(got, (RANGE,))) == len(got) == 6
    await six.server.apply(plan6(LOWER, 2))
    for client, address in got.items():
        assert address
        kept = await clients(link, "rebind", f"{client}={address}")
        assert within(kept, LOWER)
        assert IPv6Address(address) > LOWER[0].end or kept == {client: address}
    assert within(await clients(link, "obtain", "9"), LOWER)
    await six.server.apply(EMPTY)
    assert six.pids() == []
    assert (await clients(link, "obtain", "10")) == {10: None}


@asynchronous
async def test_a_refusal_leaves_all_as_it_is(six: Rack, here: Rack, link: Link) -> None:
    """What dhcpd cannot read changes neither family; another rackd finds both servers again."""
    await here.server.apply(plan_for(SOLO))
    good = await six.server.apply(plan6(UPPER))
    pids = six.pids(), here.pids()
    bad = DhcpPlan(Stamp(1, 2), "subnet6 nonsense;\n", ("eth0",), ())
    with pytest.raises(PlanRefused, match="refuses this configuration"):
        await six.server.apply(bad)
    assert (six.pids(), here.pids()) == pids
    assert six.server.report == good
    await six.server.release()
    successor = make_server(reactor, six.directory, lambda _: None, here.pool, family=IPV6)
    assert (await successor.resume()).digest == good.digest
    assert six.pids() == pids[0]
    assert within(await clients(link, "obtain", "1"), UPPER)
    await successor.release()
