"""A region of one worker with racks and attackers around it: what tests and benchmarks measure.

What counts is what the region makes of an attack. That of the machine, which the attacker's host
and all else share here, is kept out: region, database and racks have real-time priority.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from attrs import define, field

from lab import Host, HostProcess, Lab, until
from lab.cluster import (
    REGION,
    Cluster,
    boot,
    configure_region,
    login,
    make_instance,
    start_database,
    start_region,
)
from tests.acceptance.attacker import KINDS

PORT = "5250"
SECONDS = 6.0
"""Of each attack; calls are measured in the middle of it."""
SOURCES = 16
"""Addresses that each kind of attack has to itself."""
PREFERRED = ("chrt", "--rr", "1")


@define
class Memory:
    """Watches the resident memory of a process, in KiB."""

    pid: int
    most: int = 0
    over: Event = field(factory=Event)

    def __enter__(self) -> Memory:
        Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()

    def now(self) -> int:
        """Look."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1])

    def _watch(self) -> None:
        while not self.over.wait(0.1):
            self.most = max(self.most, self.now())


@define
class Field:
    """A region of one worker, racks on a host, and somebody else on another."""

    cluster: Cluster
    racks: HostProcess

    def order(self, **order: Any) -> None:
        """Tell the racks what to do."""
        self.racks.stdin.write(json.dumps(order) + "\n")
        self.racks.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Hear what became of it."""
        answer: dict[str, Any] = json.loads(self.racks.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def workers(self) -> tuple[int, ...]:
        """Give the process ids of the region's workers."""
        return tuple(one.pid for one in self.cluster.region.processes("maasha.daemon.worker"))

    def worker(self) -> int:
        """Give that of the only one."""
        (pid,) = self.workers()
        return pid

    def strangers(self) -> int:
        """Count the attackers' connections on the port of the racks (proc_net_tcp(5))."""
        table = self.cluster.region.run(["cat", "/proc/net/tcp6"]).stdout
        lines = (line.split() for line in table.splitlines()[1:])
        pairs = [(local[-4:], int(remote[30:32], 16)) for _, local, remote, *_ in lines]
        return sum(port == f"{int(PORT):04X}" and host >= 100 for port, host in pairs)

    def log(self) -> str:
        """Give what the region has logged."""
        return (self.cluster.region.directory / "regiond.log").read_text()

    def attack(self, kind: str, sources: list[str]) -> HostProcess:
        """Begin, with the CPU that nobody else wants: the attacker's host is another machine."""
        outsider = self.cluster.outsider
        program = ["-m", "tests.acceptance.attacker", kind, REGION, PORT, str(SECONDS), *sources]
        argv = ["chrt", "--idle", "0", sys.executable, *program]
        return outsider.converse(argv, log=outsider.directory / "attack.log")


def addresses(host: Host, first: int, count: int) -> list[str]:
    """Give a host more addresses on the management network."""
    given = [f"10.100.0.{number}" for number in range(first, first + count)]
    host.ip(*(f"addr add {address}/24 dev eth0" for address in given))
    return given


@contextmanager
def besieged(directory: Path) -> Iterator[Field]:
    """Give a region with one worker, and a host of racks, until the block ends."""
    lab = Lab("attacks", directory)
    try:
        cluster = boot(lab)
        start_database(cluster)
        for statement in ("alter system set synchronous_commit = off", "select pg_reload_conf()"):
            cluster.database.execute(statement, "postgres")  # the disk's time is not the region's
        make_instance(cluster)
        configure_region(cluster, cluster.region, num_workers=1)
        start_region(cluster.region)
        login(cluster, cluster.region)
        until(lambda: listening(cluster), "the port of the racks", timeout=20.0)
        prefer(cluster.db, 2)
        prefer(cluster.region, 3)
        secret = (cluster.region.directory / "region" / "secret").read_text().strip()
        host = lab.host("field", {cluster.management: "10.100.0.30"})
        addresses(host, 31, len(KINDS))
        argv = [*PREFERRED, sys.executable, "-m", "tests.acceptance.fleet", REGION, PORT, secret]
        yield Field(cluster, host.converse(argv, log=host.directory / "fleet.log"))
    finally:
        lab.close()


def fleet_gathers(site: Field, count: int) -> dict[str, Any]:
    """Link many racks of one address that the region has never seen; gives how they fared."""
    site.order(do="fleet", count=count)
    return site.answer()


def fleet_returns(site: Field, patience: float) -> dict[str, Any]:
    """Kill the worker and give how the fleet fared; the new worker knows nobody yet.

    `patience` is in seconds.
    """
    site.order(do="return")
    assert site.answer() == {"ready": True}
    old = site.worker()
    site.cluster.region.signal(old, signal.SIGKILL)
    until(lambda: site.workers() not in ((), (old,)), "the next worker", timeout=patience)
    prefer(site.cluster.region, 3)
    return site.answer()


def prefer(host: Host, priority: int) -> None:
    """Give all that a host runs the CPU before anybody else, but not what these processes fork.

    Among equals the kernel changes every 100 ms only (sched(7)), so each host has its own priority.
    """
    how = ("--all-tasks", "--reset-on-fork", "--rr", "--pid", str(priority))
    for process in host.processes():
        subprocess.run(["chrt", *how, str(process.pid)], check=True, timeout=10)


def listening(cluster: Cluster) -> bool:
    """Whether the worker takes racks."""
    program = f"import socket; socket.create_connection(('{REGION}', {PORT}), 1)"
    return cluster.outsider.run([sys.executable, "-c", program], check=False).returncode == 0


@define
class Attack:
    """One kind of attack, with addresses of its own for the attacker and for a new rack."""

    site: Field
    kind: str

    @property
    def number(self) -> int:
        """Its place among all kinds."""
        return list(KINDS).index(self.kind)

    def rehearse(self) -> dict[str, Any]:
        """Measure how long calls take when nobody does harm any more."""
        until(lambda: self.site.strangers() == 0, "the attackers' connections to end", timeout=20.0)
        self.site.order(do="call", seconds=SECONDS / 2)
        return self.site.answer()

    def sources(self) -> list[str]:
        """Give the attacker its addresses; once, they stay."""
        return addresses(self.site.cluster.outsider, 100 + self.number * SOURCES, SOURCES)

    def run(self, sources: list[str]) -> tuple[dict[str, Any], dict[str, Any], int]:
        """Attack; gives how calls and a new rack fared, and how many connections it took."""
        newcomer = f"10.100.0.{31 + self.number}"
        attacker = self.site.attack(self.kind, sources)
        time.sleep(SECONDS / 4)
        self.site.order(do="call", seconds=SECONDS / 2)
        self.site.order(do="join", source=newcomer)
        joined, called = sorted((self.site.answer(), self.site.answer()), key=len)
        return called, joined, int(attacker.stdout.readline())
