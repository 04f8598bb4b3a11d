"""Whoever reaches the port of the racks harms nobody: the racks' links, calls and joins go on.

What counts is what the region makes of an attack. That of the machine, which the attacker's host
and all other tests share here, is kept out: region, database and racks have real-time priority.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from attrs import define, field

from lab import Host, HostProcess, Lab, until
from lab.cluster import (
    OUTSIDER,
    REGION,
    Cluster,
    boot,
    configure_region,
    login,
    make_instance,
    start_database,
    start_region,
)
from lab.testing import require
from tests.acceptance.attacker import KINDS
from tests.acceptance.figures import Figures

pytestmark = pytest.mark.root

PORT = "5250"
SECONDS = 6.0
"""Of each attack; calls are measured in the middle of it."""
SOURCES = 16
"""Addresses that each kind of attack has to itself."""
LONGEST_CALL = 0.25
"""Seconds that 99 of 100 calls may take, or twice as long as without an attack. A safety bound: the
machine's other work counts too; the figures are printed."""
LONGEST_JOIN = 10.0
MORE_MEMORY = 64 * 1024
"""KiB."""
PREFERRED = ("chrt", "--rr", "1")
RETURN = 40.0
"""Seconds in which all racks behind one address are back: a safety bound, 4 to 9 s were seen."""


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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Give a region with one worker, and a host of racks."""
    require()
    lab = Lab("attacks", tmp_path_factory.mktemp("cluster"))
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

    def run(self, sources: list[str], newcomer: str) -> tuple[dict[str, Any], dict[str, Any], int]:
        """Attack; gives how calls and a new rack fared, and how many connections it took."""
        attacker = self.site.attack(self.kind, sources)
        time.sleep(SECONDS / 4)
        self.site.order(do="call", seconds=SECONDS / 2)
        self.site.order(do="join", source=newcomer)
        joined, called = sorted((self.site.answer(), self.site.answer()), key=len)
        return called, joined, int(attacker.stdout.readline())


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_harms_nobody(site: Field, kind: str, figures: Figures) -> None:
    """Calls are answered, a new rack joins, memory is bounded, and the log stays readable."""
    attack = Attack(site, kind)
    sources = addresses(site.cluster.outsider, 100 + attack.number * SOURCES, SOURCES)
    since, began = len(site.log()), time.monotonic()
    with Memory(site.worker()) as memory:
        before = memory.now()
        calm = attack.rehearse()
        called, joined, opened = attack.run(sources, f"10.100.0.{31 + attack.number}")
    figures.count(f"attack: {kind}, connections", opened)
    figures.milliseconds(f"attack: {kind}, calls p99 before", calm["p99"])
    figures.milliseconds(f"attack: {kind}, calls p99", called["p99"])
    figures.milliseconds(f"attack: {kind}, a new rack joins", joined["seconds"])
    figures.count(f"attack: {kind}, KiB more", memory.most - before)
    assert called["failed"] == calm["failed"] == []
    assert called["p99"] <= max(2 * calm["p99"], LONGEST_CALL)
    assert joined["seconds"] <= LONGEST_JOIN
    assert opened >= SOURCES * 10
    assert memory.most - before <= MORE_MEMORY
    assert site.worker() == memory.pid
    lines = lines_by_source(site.log()[since:])
    minutes = 1 + int((time.monotonic() - began) / 60)
    assert set(lines) == set(sources)
    assert max(lines.values()) <= minutes


def lines_by_source(text: str) -> Counter[str]:
    """Count the lines about each address of the outsider's."""
    found = re.findall(r"(?:from|refused a rack at) (10\.100\.0\.\d+)", text)
    return Counter(address for address in found if int(address.rpartition(".")[2]) >= 100)


def test_racks_behind_one_address_are_back_soon(site: Field, figures: Figures) -> None:
    """500 of them, also just after a restart, when the new worker knows nobody yet."""
    site.order(do="fleet", count=500)
    figures.seconds("500 racks of one address: linked for the first time", site.answer()["seconds"])
    site.order(do="return")
    assert site.answer() == {"ready": True}
    old = site.worker()
    site.cluster.region.signal(old, signal.SIGKILL)
    until(lambda: site.workers() not in ((), (old,)), "the next worker", timeout=RETURN)
    prefer(site.cluster.region, 3)
    back = site.answer()
    figures.seconds("500 racks of one address: worker SIGKILLed -> all linked", back["seconds"])
    figures.count("500 racks of one address: most tries of one", back["most_tries"])
    assert back["seconds"] <= RETURN


assert int(OUTSIDER.rpartition(".")[2]) < 100
