"""What reporting costs dhcpd for each lease: `python -m benchmarks.dhcp_leases ROUNDS`.

To be run in a network namespace of its own (`unshare -n`). perfdhcp is at the other end of a wire
and has clients come anew, as fast as it is told. In each round it asks two dhcpds, one after the
other: ours as rackd runs it, with the statements of the lease log, its log and leases file followed
and spooled and its pairs looked at each second; and a bare one, with the same text but for those
statements. Prints JSON, {figure: [values]}.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from maasha.dhcp.daemon import Dhcpd
from maasha.dhcp.facts import Member, Off, RackFacts, VlanFacts
from maasha.dhcp.feed import LeaseFeed
from maasha.dhcp.folder import Folder
from maasha.dhcp.following import LeasesFile, LogFiles
from maasha.dhcp.lease_log import STATEMENTS
from maasha.dhcp.proc import find
from maasha.dhcp.render import render
from maasha.dhcp.server import DhcpServer
from maasha.dhcp.spool import Spool
from maasha.model.cluster import RackKey
from maasha.model.dhcp import SOLO, DhcpPlan
from maasha.model.network import IPRange, RangeType, Subnet, SubnetId, VlanId
from maasha.model.options import Snippet, SnippetId
from maasha.model.stamp import Stamp

RACK, VLAN = RackKey(1), VlanId(1)
HERE, THERE = IPv4Address("10.2.0.1"), IPv4Address("10.2.0.2")
CLIENTS = 6000
RATE, SECONDS = 1000, 4
"""Exchanges a second, and for how long, in each half of a round."""
NO_PING = Snippet(SnippetId(1), "no-ping", "ping-check false;")
"""Else each new lease waits for a second whether somebody answers at its address."""
READY = "ready"
PATIENCE = 30.0
"""Seconds until a server must be there."""
ACKS = re.compile(r"Statistics for: REQUEST-ACK.*?received packets: (\d+)", re.DOTALL)
Values = defaultdict[str, list[float]]


def plan() -> DhcpPlan:
    """Give a rack alone with 8,000 addresses for leases."""
    pool = IPRange(RangeType.DYNAMIC, IPv4Address("10.2.1.0"), IPv4Address("10.2.32.255"))
    subnet = Subnet(SubnetId(1), IPv4Network("10.2.0.0/16"), None, (), (pool,))
    vlan = VlanFacts(VLAN, 600, 1500, (subnet,), "eth0", Off(), (Member(RACK, HERE),))
    facts = RackFacts(RACK, Stamp(1, 1), "c2VjcmV0c2VjcmV0", (vlan,), (NO_PING,))
    return render(facts, {VLAN: SOLO}).plan


def piped(argv: Sequence[str]) -> Any:
    """Start a program to talk with; gives a Popen whose pipes are there."""
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def ours(directory: Path) -> Iterator[int]:
    """Have a rack's own parts run dhcpd; gives its pid."""
    argv = [sys.executable, "-m", "benchmarks.dhcp_leases", "serve", str(directory)]
    with piped(argv) as rack:
        if rack.stdout.readline().strip() != READY:
            raise RuntimeError("no dhcpd")
        (pid,) = find(("-cf", str(directory / "dhcpd.conf")))
        yield pid
        rack.stdin.close()


@contextmanager
def bare(directory: Path) -> Iterator[int]:
    """Run dhcpd as by hand, without the lease log; gives its pid."""
    config, leases = directory / "dhcpd.conf", directory / "dhcpd.leases"
    config.write_text(plan().config.replace(STATEMENTS, ""))
    leases.touch()
    argv = ["dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", str(config), "-lf", str(leases), "eth0"]
    log = directory / "dhcpd.log"
    with log.open("ab") as words, subprocess.Popen(argv, stderr=words) as server:
        end = time.monotonic() + PATIENCE
        while "Server starting service" not in log.read_text():
            if time.monotonic() > end:
                raise RuntimeError(log.read_text())
            time.sleep(0.02)
        yield server.pid
        server.terminate()


def busy(pid: int) -> float:
    """Give the microseconds that a process has run for, all its threads together."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000


def ask(loader: int, pid: int) -> tuple[float, float]:
    """Have clients come; gives microseconds of dhcpd for each lease, and leases a second."""
    argv = ["perfdhcp", "-4", "-r", str(RATE), "-R", str(CLIENTS), "-p", str(SECONDS)]
    before, began = busy(pid), time.monotonic()
    done = subprocess.run(
        ["nsenter", "-t", str(loader), "-n", *argv, "-b", "mac=02:00:00:00:00:00", str(HERE)],
        capture_output=True,
        text=True,
        timeout=SECONDS + PATIENCE,
        check=False,  # 3: some were not answered in time
    )
    found = ACKS.search(done.stdout)
    if found is None or not int(found[1]):
        raise RuntimeError(done.stdout + done.stderr)
    return (busy(pid) - before) / int(found[1]), int(found[1]) / (time.monotonic() - began)


def measure(loader: int, rounds: int) -> Values:
    """Ask both in each round, each time the other one first."""
    values: Values = defaultdict(list)
    for number in range(rounds):
        costs = {}
        for kind in (ours, bare) if number % 2 else (bare, ours):
            with tempfile.TemporaryDirectory() as directory, kind(Path(directory)) as pid:
                costs[kind], rate = ask(loader, pid)
            name = "with reports" if kind is ours else "bare"
            values[f"leases/s, {name}"].append(rate)
            values[f"dhcpd's CPU for a lease, {name}, us"].append(costs[kind])
        values["dhcpd's CPU for a lease, of bare dhcpd's"].append(costs[ours] / costs[bare])
    return values


def serve(folder_path: str) -> None:
    """Run dhcpd as rackd does, its leases acknowledged at once, until standard input ends."""
    reactor: Any = EPollReactor()
    installReactor(reactor)
    pool = ThreadPool(0, 4)
    pool.start()
    folder = Folder(Path(folder_path), lambda: str(uuid4()))
    daemon = Dhcpd(reactor, pool, folder)
    server = DhcpServer(reactor, folder, daemon, lambda _: None, random.random)

    def take() -> None:
        while (report := feed.pending()) is not None:
            feed.acknowledge(report.cursor)

    feed = LeaseFeed(
        reactor,
        LeasesFile(folder.leases),
        LogFiles(folder.logs),
        Spool(folder.spool),
        partial(deferToThreadPool, reactor, pool),
        take,
        lambda: datetime.now(UTC),
    )

    async def work() -> None:
        await server.resume()
        await server.apply(plan())
        feed.start()
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        await deferToThreadPool(reactor, pool, sys.stdin.read)
        await feed.stop()
        await server.withdraw()
        await server.release()

    reactor.callWhenRunning(
        lambda: Deferred.fromCoroutine(work()).addErrback(print).addBoth(lambda _: reactor.stop())
    )
    reactor.run()
    pool.stop()


def main(rounds: str) -> None:
    """Lay a wire to another network, measure, and leave nothing running."""
    argv = ["unshare", "-n", "sh", "-c", "echo ready; exec cat"]
    with piped(argv) as other:
        other.stdout.readline()
        enter = f"nsenter -t {other.pid} -n "
        for command in (
            "ip link set lo up",
            f"ip link add eth0 type veth peer name eth0 netns {other.pid}",
            f"ip addr add {HERE}/16 dev eth0",
            "ip link set eth0 up",
            f"{enter}ip addr add {THERE}/16 dev eth0",
            f"{enter}ip link set eth0 up",
        ):
            subprocess.run(command.split(), check=True)
        sys.stdout.write(json.dumps(measure(other.pid, int(rounds))))
        other.stdin.close()


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "serve" else main(sys.argv[1])
