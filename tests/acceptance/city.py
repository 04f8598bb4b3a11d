"""Two regions with two workers each and very many racks, with calls on all links all the time."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from attrs import define, field, frozen

from lab import CommandFailed, Host, HostProcess, Lab, until
from lab.cluster import (
    API_PORT,
    BIN,
    Cluster,
    cli_environment,
    login,
    make_instance,
    start_database,
    start_region,
)
from tests.acceptance import traffic
from tests.acceptance.storm import PROCESSES, Call, boot, run, told
from tests.acceptance.town import BAND
from tests.acceptance.watching import RPC_PORTS, log_of

REGIONS, WORKERS, LINKS = 2, 2, 2
RATE = 500.0
"""Calls a second: half of them the racks', half of them the regions'."""
PREFERRED = ("nice", "-n", "-10")
"""Of the racks: they are a thousand hosts, and here they have less than the regions do."""
OK = 200
LOOK = 0.3
"""Seconds between looks."""
PATIENCE = 600.0
"""Seconds: a safety bound, for the machine may be slow and shared; figures are printed."""

ALIVE = "heartbeat > clock_timestamp() - interval '8 seconds' and endpoints <> '[]'"
LOADS = f"""
select worker.id, count(link.id) from worker left join link on worker_id = worker.id
where {ALIVE} group by worker.id
"""
WHOLE = f"""
select rack_id from link join worker on worker.id = worker_id join rack on rack.id = rack_id
where {ALIVE} group by rack_id having count(*) = {LINKS} and count(distinct region_id) = {LINKS}
and count(*) filter (where worker.id = owner) = 1
"""
EVEN = f"""
select (select count(*) from ({WHOLE}) one), (select array_agg(links) from
    (select count as links from ({LOADS}) load) each)
"""
"""How many racks have all their links, on different regions, and one owner; the workers' loads."""


@frozen
class Racks:
    """How all racks are; seconds of the monotonic clock, None where one of them is not so."""

    linked: float | None
    """Since when each has all its links."""
    owned: float | None
    """Since when each has an owner to which it is linked."""
    calls: tuple[float, ...]
    """The seconds of each call that a rack made since the last look, and that was answered."""
    failed: Mapping[str, int]
    """Those that were not, by why."""
    answered: int
    """Calls of regions that racks have answered."""


@frozen
class Span:
    """What went on from one moment to another."""

    calls: tuple[float, ...]
    failed: Mapping[str, int]
    answered: int
    unanswered: tuple[str, ...]
    """What regions logged of their calls that failed."""
    api: tuple[Call, ...]

    @property
    def api_failed(self) -> tuple[Call, ...]:
        """Those calls of the API that were not answered as they were to be."""
        return tuple(call for call in self.api if call.status != OK)

    @property
    def api_p99(self) -> float:
        """The seconds that 99 of 100 calls of the API took at most, those without an answer too."""
        return p99(call.seconds for call in self.api)


@define(eq=False)
class City:
    """What runs."""

    cluster: Cluster
    count: int
    racks: Sequence[HostProcess]
    caller: HostProcess
    _calls: list[float] = field(factory=list)
    _failed: Counter[str] = field(factory=Counter)
    _answered: int = 0
    _logged: dict[str, int] = field(factory=dict)

    def look(self) -> Racks:
        """Ask the racks how they are."""
        for process in self.racks:
            process.stdin.write("\n")
            process.stdin.flush()
        states = [told(process, "state") for process in self.racks]
        linked, owned = ([state[what] for state in states] for what in ("linked", "owned"))
        calls = tuple(call for state in states for call in state["calls"])
        failed: Counter[str] = sum((Counter(state["failed"]) for state in states), Counter())
        answered = sum(state["answered"] for state in states)
        self._calls.extend(calls)
        self._failed.update(failed)
        self._answered += answered
        last = [None if None in each else max(each) for each in (linked, owned)]
        return Racks(last[0], last[1], calls, failed, answered)

    def begin(self) -> None:
        """Begin a span."""
        self.look()
        self._api()
        self._calls, self._failed, self._answered = [], Counter(), 0
        self._logged = {
            region.name: len(log_of(region, "regiond")) for region in self.cluster.regions
        }

    def end(self) -> Span:
        """Give all since `begin`."""
        self.look()
        return Span(
            tuple(self._calls),
            dict(self._failed),
            self._answered,
            tuple(self._complaints()),
            tuple(self._api()),
        )

    def _complaints(self) -> Iterator[str]:
        for region in self.cluster.regions:
            for line in log_of(region, "regiond")[self._logged[region.name] :].splitlines():
                if traffic.FAILED in line:
                    yield f"{region.name}: {line}"

    def _api(self) -> list[Call]:
        """Give the calls of the API that ended since the last look."""
        self.caller.stdin.write("\n")
        self.caller.stdin.flush()
        while True:
            heard = json.loads(self.caller.stdout.readline())
            if "calls" in heard:
                return [Call(*each) for each in heard["calls"]]

    def served(self, since: float) -> float | None:
        """Give when the last rack got an owner, where one was without after `since`, else None."""
        owned = self.look().owned
        return owned if owned is not None and owned > since else None

    def is_even(self, workers: int = REGIONS * WORKERS) -> bool:
        """Whether all racks have all links, on so many workers within the band."""
        try:
            ((whole, found),) = self.cluster.sql(EVEN)
        except CommandFailed:
            return False
        loads = [int(load) for load in found.strip("{}").split(",") if load]
        mean = sum(loads) / len(loads) if loads else 0.0
        within = bool(loads) and max(loads) <= BAND * mean and min(loads) >= mean / BAND
        linked = self.look().linked is not None
        return linked and int(whole) == self.count and len(loads) == workers and within

    def wait_even(self, what: str) -> float:
        """Wait until all is even; gives when it was."""
        until(self.is_even, f"an even city: {what}", timeout=PATIENCE, interval=LOOK)
        return time.monotonic()

    def command(self, host: Host, *words: str) -> None:
        """Run `maasha WORDS` on a host."""
        argv = [str(BIN / "maasha"), *words]
        host.run(argv, env=cli_environment(), timeout=PATIENCE)


def p99(seconds: Iterator[float] | Sequence[float]) -> float:
    """Give what 99 of 100 take at most; 0 for none."""
    took = sorted(seconds)
    return took[ceil(len(took) * 0.99) - 1] if took else 0.0


@contextmanager
def city(folder: Path, count: int, settings: Mapping[str, object]) -> Iterator[City]:
    """Start everything; when the block begins all racks have their links, and all is even."""
    lab = Lab("city", folder)
    try:
        cluster = boot(lab, count, REGIONS)
        start_database(cluster)
        make_instance(cluster, num_workers=WORKERS, **settings)
        pause = count * LINKS / (RATE / 2)
        for region in cluster.regions:
            start_region(region, traffic.install(region.directory / "site", pause))
        for region in cluster.regions:
            login(cluster, region)
        racks = _start_racks(cluster, count)
        ports = RPC_PORTS[0], RPC_PORTS[WORKERS - 1]
        hosts = ",".join(str(cluster.management.address(region)) for region in cluster.regions)
        words = hosts, API_PORT, cluster.api_key, *ports
        caller = run(lab.hosts["caller"], "storm_caller", *map(str, words))
        made = City(cluster, count, racks, caller)
        made.wait_even("at the beginning")
        yield made
    finally:
        lab.close()


def _start_racks(cluster: Cluster, count: int) -> list[HostProcess]:
    """Start all racks; they have joined, and have an owner each, when it ends."""
    secret = (cluster.region.directory / "region" / "secret").read_text().strip()
    urls = ",".join(cluster.url(region) for region in cluster.regions)
    share, rate = count // PROCESSES, RATE / 2 / PROCESSES
    host = cluster.lab.hosts["racks"]
    words = [(urls, secret, number * share, share, LINKS, rate) for number in range(PROCESSES)]
    racks = [run(host, "storm_racks", *map(str, each), rank=PREFERRED) for each in words]
    for process in racks:
        told(process, "linked")
    return racks
