"""One rack's dhcpd with 10,000 hosts in 200 subnets: `python -m benchmarks.dhcp_apply ROUNDS`.

To be run in a network namespace of its own (`unshare -n`), where dhcpd listens on a veth. Prints
JSON, {figure: [values]}: a change of one host over OMAPI, and the naive way in the same round, for
which everything is written anew and dhcpd restarted.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.python.threadpool import ThreadPool

from maasha.dhcp.daemon import Dhcpd
from maasha.dhcp.facts import Member, Off, RackFacts, VlanFacts
from maasha.dhcp.folder import Folder
from maasha.dhcp.hosts import UNSURE
from maasha.dhcp.render import render
from maasha.dhcp.server import DhcpServer
from maasha.model.cluster import RackKey
from maasha.model.dhcp import SOLO, DhcpPlan
from maasha.model.network import IPRange, RangeType, Subnet, SubnetId, VlanId
from maasha.model.stamp import Stamp

SUBNETS, EACH = 200, 50
RACK, VLAN, ADDRESS = RackKey(1), VlanId(1), IPv4Address("10.2.0.1")
Values = defaultdict[str, list[float]]


def facts(changed: int = -1) -> RackFacts:
    """Give the facts of one VLAN with all subnets; one host has another address, if `changed`."""
    subnets, hosts = [], []
    for number in range(SUBNETS):
        base = IPv4Address("10.2.0.0") + 256 * number
        pool = IPRange(RangeType.DYNAMIC, base + 200, base + 249)
        cidr = IPv4Network(f"{base}/24")
        subnets.append(Subnet(SubnetId(number), cidr, base + 254, (), (pool,)))
        for host in range(EACH):
            place = number * EACH + host
            address = base + (150 if place == changed else 100 + host)
            mac = f"52:54:00:00:{place >> 8:02x}:{place & 255:02x}"
            hosts.append(f"{mac} {address} web{place}\n")
    vlan = VlanFacts(VLAN, 600, 1500, tuple(subnets), "eth0", Off(), (Member(RACK, ADDRESS),))
    return RackFacts(RACK, Stamp(1, 1), "c2VjcmV0c2VjcmV0", (vlan,), hosts="".join(sorted(hosts)))


def plan_of(known: RackFacts) -> DhcpPlan:
    """Render the plan."""
    rendered = render(known, {VLAN: SOLO})
    if rendered.problems:
        raise RuntimeError(rendered.problems)
    return rendered.plan


async def measure(server: DhcpServer, rounds: int) -> Values:
    """Apply everything from nothing, then change one host in both ways, in each round."""
    values: Values = defaultdict(list)
    await server.resume()
    for number in range(rounds):
        began = time.perf_counter()
        plan = plan_of(facts())
        values["10,000 hosts in 200 subnets: rendered, s"].append(time.perf_counter() - began)
        await server.withdraw()
        began = time.perf_counter()
        await server.apply(plan_of(facts()))
        values["10,000 hosts in 200 subnets: rendered, checked, applied, s"].append(
            time.perf_counter() - began
        )
        plan = plan_of(facts(changed=number))
        began = time.perf_counter()
        report = await server.change_hosts(Stamp(1, 2), plan.hosts)
        told = time.perf_counter() - began
        if report.hosts == UNSURE:
            raise RuntimeError("dhcpd did not take the host")
        again = plan_of(facts(changed=number + 1))
        began = time.perf_counter()
        await server.apply(evolve(again, generation=Stamp(1, 3)))
        restarted = time.perf_counter() - began
        values["one host on one rack, ms"].append(told * 1000)
        values["one host on one rack by rewrite and restart, ms"].append(restarted * 1000)
        values["one host on one rack, of rewrite and restart"].append(told / restarted)
    return values


def main(rounds: str) -> None:
    """Measure, and leave nothing running."""
    for command in (
        "link set lo up",
        "link add eth0 type veth peer name eth1",
        f"addr add {ADDRESS}/24 dev eth0",
        "link set eth0 up",
        "link set eth1 up",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    reactor: Any = EPollReactor()
    installReactor(reactor)
    pool = ThreadPool(0, 2)
    pool.start()
    with tempfile.TemporaryDirectory() as directory:
        folder = Folder(Path(directory), lambda: str(uuid4()))
        daemon = Dhcpd(reactor, pool, folder)
        server = DhcpServer(reactor, folder, daemon, lambda _: None, random.random)
        found: list[object] = []

        async def work() -> None:
            try:
                values = await measure(server, int(rounds))
                sys.stdout.write(json.dumps(values))
            finally:
                await server.withdraw()
                await server.release()

        def done(result: object) -> None:
            found.append(result)
            reactor.stop()

        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(work()).addBoth(done))
        reactor.run()
    pool.stop()
    if found[0] is not None:
        raise SystemExit(str(found[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
