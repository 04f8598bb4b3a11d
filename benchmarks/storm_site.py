"""A region, its database, many racks and a caller of the API, each on a host of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from attrs import define

from benchmarks.storm_racks import FIRST_ADDRESS
from lab import Host, HostProcess, Lab, until
from lab.cluster import (
    API_PORT,
    DATABASE,
    MANAGEMENT,
    REGION,
    URL,
    WORKERS,
    Cluster,
    make_instance,
    login,
    start_database,
    start_region,
)
from lab.postgres import Postgres
from lab.process import Process

RACKS = "10.100.0.30"
"""The router in front of all racks: for a region, a thousand neighbours are one."""
CALLER = "10.100.0.40"
PROCESSES = 2
"""Of racks."""
FIRST_PORT = 5250


@define(eq=False)
class Site:
    """What runs."""

    cluster: Cluster
    racks: list[HostProcess]
    caller: HostProcess

    def all_racks(self, event: str) -> list[dict[str, Any]]:
        """Wait until every process tells of it; gives what they tell."""
        return [_next(process, event) for process in self.racks]

    def ready(self) -> float:
        """Wait until the region takes racks again; gives when."""
        return float(json.loads(self.caller.stdout.readline())["ready"])

    def calls(self) -> list[tuple[str, float, float, int]]:
        """Give the calls since the last look: path, when begun, seconds, status."""
        self.caller.stdin.write("\n")
        self.caller.stdin.flush()
        while True:
            told = json.loads(self.caller.stdout.readline())
            if isinstance(told, list):
                return [(path, begun, took, status) for path, begun, took, status in told]

    def cpu(self) -> dict[str, float]:
        """Give the CPU seconds that the processes of each host have had."""
        return {name: sum(map(_cpu, host.processes())) for name, host in self.cluster.lab.hosts.items()}

    def kill_region(self) -> None:
        """End all processes of the region at once, without a word; its runner starts it again."""
        self.cluster.region.signal("maasha", signal.SIGKILL)


def _cpu(process: Process) -> float:
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _next(process: HostProcess, event: str) -> dict[str, Any]:
    while True:
        told: dict[str, Any] = json.loads(process.stdout.readline())
        if told["event"] == event:
            return told


@contextmanager
def site(folder: Path, count: int) -> Iterator[Site]:
    """Start everything; the racks begin to join."""
    lab = Lab("storm", folder)
    try:
        cluster = _boot(lab, count)
        start_database(cluster)
        make_instance(cluster)
        start_region(cluster.region)
        login(cluster, cluster.region)
        ports = str(FIRST_PORT), str(FIRST_PORT + WORKERS - 1)
        caller = _run(
            lab.hosts["caller"], "storm_caller", REGION, str(API_PORT), cluster.api_key, *ports
        )
        secret = (cluster.region.directory / "region" / "secret").read_text().strip()
        share = count // PROCESSES
        racks = [
            _run(lab.hosts["racks"], "storm_racks", URL, secret, str(number * share), str(share))
            for number in range(PROCESSES)
        ]
        yield Site(cluster, racks, caller)
    finally:
        lab.close()


def _boot(lab: Lab, count: int) -> Cluster:
    mgmt = lab.network("mgmt", MANAGEMENT)
    cluster = Cluster(lab, Postgres(lab.host("db", {mgmt: DATABASE})))
    region = lab.host("region", {mgmt: REGION})
    racks = lab.host("racks", {mgmt: RACKS})
    lab.host("caller", {mgmt: CALLER})
    region.ip(f"route add {FIRST_ADDRESS}/16 via {RACKS}".replace(str(FIRST_ADDRESS), "10.101.0.0"))
    racks.ip(*(f"addr add {FIRST_ADDRESS + number}/32 dev lo" for number in range(count)))
    return cluster


def _run(host: Host, module: str, *words: str) -> HostProcess:
    argv = [sys.executable, "-m", f"benchmarks.{module}", *words]
    return host.converse(argv, log=host.directory / f"{module}.log")
