"""A region, its database, many racks and a caller of the API, and what a restart costs them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from attrs import define, frozen

from lab import Host, HostProcess, Lab
from lab.cluster import (
    API_PORT,
    DATABASE,
    MANAGEMENT,
    REGION,
    REGIONS,
    URL,
    WORKERS,
    Cluster,
    login,
    make_instance,
    start_database,
    start_region,
)
from lab.postgres import Postgres
from lab.process import Process
from tests.acceptance.storm_racks import FIRST_ADDRESS
from tests.acceptance.watching import RPC_PORTS

RACKS = "10.100.0.30"
"""The router in front of all racks: a thousand neighbours would fill the kernel's table."""
RACKS_NETWORK = "10.101.0.0/16"
CALLER = "10.100.0.40"
PROCESSES = 2
"""Of racks."""
CALM = 4.0
"""Seconds in which everything comes to rest before a storm."""
OK = 200
TICKS = os.sysconf("SC_CLK_TCK")

OWNERS = """
select count(distinct rack.id), count(*) from rack
join link on rack_id = rack.id and link.worker_id = owner
join worker on worker.id = owner and heartbeat > clock_timestamp() - interval '8 seconds'
"""
"""Racks whose owner lives and has a link to them, and how many such links that are."""
KEPT = """
select (select count(*) from rack), (select count(*) from interface), (select count(*) from subnet),
    (select incarnation from instance), (select count(*) from event where severity = 'alarm')
"""
"""What a restart of the region changes nothing of."""


@frozen
class Call:
    """A call of the API: when it began, its seconds, and its HTTP status or 0."""

    begun: float
    seconds: float
    status: int


@frozen
class Storm:
    """What it was like; seconds from when the region's first worker took racks again."""

    restart: float
    """From the end of the old region's processes until then."""
    linked: float
    """Until the last rack had its welcome, so its registration was committed."""
    owned: float
    """Until the last rack had heard from its owner."""
    first_answer: float
    """Until the first call that was begun after the end of the old region was answered."""
    calls: tuple[Call, ...]
    """Those that were begun in the time of `linked`."""
    cpu: Mapping[str, float]
    """CPU seconds of each host in that time."""
    errors: Mapping[str, int]
    """What went wrong for the racks, from their loss of the old region on."""

    @property
    def slowest(self) -> float:
        """The seconds that 99 of 100 calls took at most, those without an answer too."""
        took = sorted(call.seconds for call in self.calls)
        return took[ceil(len(took) * 0.99) - 1]

    @property
    def unanswered(self) -> int:
        """How many calls were not answered as they were to be."""
        return sum(call.status != OK for call in self.calls)


@define(eq=False)
class Site:
    """What runs."""

    cluster: Cluster
    count: int
    racks: Sequence[HostProcess]
    caller: HostProcess

    def storm(self) -> Storm:
        """Kill the region, whose runner starts it again, and wait until all racks are back."""
        time.sleep(CALM)
        self.calls()
        killed = time.monotonic()
        self.cluster.region.signal("maasha", signal.SIGKILL)
        ready = self._hear("ready")
        before = self.cpu()
        linked = [told(process, "linked") for process in self.racks]
        spent = {name: now - before.get(name, 0.0) for name, now in self.cpu().items()}
        owned = [told(process, "owned") for process in self.racks]
        time.sleep(1.0)  # the last calls end
        last, calls = max(each["last"] for each in linked), self.calls()
        errors = [each["errors"] for each in linked]
        return Storm(
            restart=ready - killed,
            linked=last - ready,
            owned=max(each["last"] for each in owned) - ready,
            first_answer=_first_answer(calls, killed) - ready,
            calls=tuple(call for call in calls if ready <= call.begun <= last),
            cpu=spent,
            errors={
                name: sum(each.get(name, 0) for each in errors) for name in set().union(*errors)
            },
        )

    def owners(self) -> tuple[int, int]:
        """Give how many racks are linked to a living owner, and how many links that are."""
        ((racks, links),) = self.cluster.sql(OWNERS)
        return int(racks), int(links)

    def kept(self) -> tuple[str, ...]:
        """Give what a restart of the region changes nothing of."""
        return self.cluster.sql(KEPT)[0]

    def calls(self) -> list[Call]:
        """Give the calls that ended since the last look."""
        self.caller.stdin.write("\n")
        self.caller.stdin.flush()
        return [Call(*each) for each in self._hear("calls")]

    def cpu(self) -> dict[str, float]:
        """Give the CPU seconds that the processes of each host have had."""
        hosts = self.cluster.lab.hosts
        return {name: sum(map(_cpu, host.processes())) for name, host in hosts.items()}

    def _hear(self, what: str) -> Any:
        """Wait until the caller tells of it."""
        while True:
            heard = json.loads(self.caller.stdout.readline())
            if what in heard:
                return heard[what]


@contextmanager
def stormy(folder: Path, count: int) -> Iterator[Site]:
    """Start everything; when the block begins all racks have joined and have an owner."""
    lab = Lab("storm", folder)
    try:
        cluster = boot(lab, count)
        start_database(cluster)
        make_instance(cluster)
        start_region(cluster.region)
        login(cluster, cluster.region)
        secret = (cluster.region.directory / "region" / "secret").read_text().strip()
        share = count // PROCESSES
        racks = [
            run(lab.hosts["racks"], "storm_racks", URL, secret, str(number * share), str(share))
            for number in range(PROCESSES)
        ]
        for process in racks:
            told(process, "owned")
        ports = RPC_PORTS[0], RPC_PORTS[WORKERS - 1]
        words = REGION, API_PORT, cluster.api_key, *ports
        caller = run(lab.hosts["caller"], "storm_caller", *map(str, words))
        yield Site(cluster, share * PROCESSES, racks, caller)
    finally:
        lab.close()


def told(racks: HostProcess, event: str) -> dict[str, Any]:
    """Wait until a process of racks tells of an event."""
    while True:
        heard: dict[str, Any] = json.loads(racks.stdout.readline())
        if heard["event"] == event:
            return heard


def boot(lab: Lab, count: int, regions: int = 1) -> Cluster:
    """Make the hosts, and addresses for so many racks."""
    mgmt = lab.network("mgmt", MANAGEMENT)
    cluster = Cluster(lab, Postgres(lab.host("db", {mgmt: DATABASE})))
    for name, address in list(REGIONS.items())[:regions]:
        lab.host(name, {mgmt: address}).ip(f"route add {RACKS_NETWORK} via {RACKS}")
    racks = lab.host("racks", {mgmt: RACKS})
    racks.ip(*(f"addr add {FIRST_ADDRESS + number}/32 dev lo" for number in range(count)))
    lab.host("caller", {mgmt: CALLER})
    return cluster


def run(host: Host, module: str, *words: str, rank: Sequence[str] = ()) -> HostProcess:
    """Start one of the programs beside this file; `rank` is what gives it its priority."""
    argv = [*rank, sys.executable, "-m", f"tests.acceptance.{module}", *words]
    return host.converse(argv, log=host.directory / f"{module}.log")


def _first_answer(calls: Sequence[Call], since: float) -> float:
    answered = [call for call in calls if call.begun > since and call.status == OK]
    return min(call.begun + call.seconds for call in answered)


def _cpu(process: Process) -> float:
    try:
        text = Path(f"/proc/{process.pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rpartition(")")[2].split()  # proc(5): utime and stime are fields 14 and 15
    return (int(fields[11]) + int(fields[12])) / TICKS
