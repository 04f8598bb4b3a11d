"""Two regions with two workers each and very many racks, and calls on all links of each other."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

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
from tests.acceptance.ledger import Shelf, Tally
from tests.acceptance.storm import PROCESSES, Call, boot, run, told
from tests.acceptance.town import BAND
from tests.acceptance.traffic import GO, HALT
from tests.acceptance.watching import RPC_PORTS, log_of

REGIONS, WORKERS, LINKS = 2, 2, 2
RATE = 500.0
"""Calls a second: half of them the racks', half of them the regions'."""
PREFERRED = ("nice", "-n", "-10")
"""Of the racks: they are a thousand hosts, and here they have less than the regions do."""
OK = 200
LOOK = 0.3
"""Seconds between looks."""
SETTLED = 120.0
"""Seconds for calls to come to an end: each may take 20, of the API as long at each region."""
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


@define
class Account:
    """The calls of racks, or of the API, since a span began; none was under way then."""

    begun: int = 0
    answered: list[float] = field(factory=list)
    """The seconds of each."""
    failed: Counter[str] = field(factory=Counter)
    """By why."""
    in_vain: list[float] = field(factory=list)
    """The seconds of each that failed, of the API."""

    @property
    def open(self) -> int:
        """How many have not come to an end."""
        return self.begun - len(self.answered) - self.failed.total()


@frozen
class Span:
    """What went on from one moment to another, and what came of all that was begun by then."""

    seconds: float
    """While calls were begun."""
    racks: Account
    regions: Tally
    complaints: tuple[str, ...]
    """What regions logged of their calls that failed."""
    api: Account

    @property
    def api_p99(self) -> float:
        """The seconds that 99 of 100 calls of the API took at most, those that failed too."""
        return p99([*self.api.answered, *self.api.in_vain])


@define(eq=False)
class City:
    """What runs; nobody calls but within a span."""

    cluster: Cluster
    count: int
    racks: Sequence[HostProcess]
    caller: HostProcess
    shelves: Sequence[Shelf]
    """Of the regions."""
    _of_racks: Account = field(factory=Account)
    _of_api: Account = field(factory=Account)
    _before: Tally = field(factory=Tally)
    _began: float = 0.0
    _logged: dict[str, int] = field(factory=dict)

    def look(self, word: str = "") -> Racks:
        """Ask the racks how they are, and count their calls; a word has them call or not."""
        states = [answer for answer in asked(self.racks, word) if answer["event"] == "state"]
        for state in states:
            self._of_racks.begun += state["begun"]
            self._of_racks.answered.extend(state["calls"])
            self._of_racks.failed.update(state["failed"])
        linked, owned = ([state[what] for state in states] for what in ("linked", "owned"))
        return Racks(*(None if None in each else max(each) for each in (linked, owned)))

    def begin(self) -> None:
        """Begin a span: all call."""
        self._of_racks, self._of_api, self._before = Account(), Account(), self._regions()
        self._logged = {
            region.name: len(log_of(region, "regiond")) for region in self.cluster.regions
        }
        self._began = time.monotonic()
        for shelf in self.shelves:
            shelf.go()
        self.look(GO)
        self._ask_api(GO)

    def end(self) -> Span:
        """End it: nobody calls any more, and all calls of those who live come to an end."""
        seconds = time.monotonic() - self._began
        self.rest()
        regions, complaints = self._regions() - self._before, tuple(self._complaints())
        return Span(seconds, self._of_racks, regions, complaints, self._of_api)

    def rest(self) -> None:
        """Have nobody call, and wait until all calls of those who live have come to an end."""
        for shelf in self.shelves:
            shelf.halt()
        self.look(HALT)
        self._ask_api(HALT)
        until(self._settled, "an end of every call", timeout=SETTLED, interval=LOOK)

    def _settled(self) -> bool:
        self.look()
        self._ask_api()
        ended = not self._of_racks.open and not self._of_api.open
        return ended and all(shelf.settled() for shelf in self.shelves)

    def _regions(self) -> Tally:
        return sum((shelf.tally() for shelf in self.shelves), Tally())

    def _complaints(self) -> Iterator[str]:
        for region in self.cluster.regions:
            for line in log_of(region, "regiond")[self._logged[region.name] :].splitlines():
                if traffic.FAILED in line:
                    yield f"{region.name}: {line}"

    def _ask_api(self, word: str = "") -> None:
        """Count the calls of the API; a word has them begin or not."""
        (report,) = (answer for answer in asked([self.caller], word) if "calls" in answer)
        self._of_api.begun += report["begun"]
        for call in (Call(*each) for each in report["calls"]):
            if call.status == OK:
                self._of_api.answered.append(call.seconds)
            else:
                self._of_api.failed[f"status {call.status}"] += 1
                self._of_api.in_vain.append(call.seconds)

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


def asked(processes: Sequence[HostProcess], word: str) -> Iterator[dict[str, Any]]:
    """Say a word to each, then give all that each says until it has answered."""
    for process in processes:
        process.stdin.write(f"{word}\n")
        process.stdin.flush()
    for process in processes:
        heard: dict[str, Any] = {}
        while "calls" not in heard:
            heard = json.loads(process.stdout.readline())
            yield heard


def p99(seconds: Sequence[float]) -> float:
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
        shelves = [Shelf(region.directory / "books") for region in cluster.regions]
        for region in cluster.regions:
            books = region.directory / "books"
            start_region(region, traffic.install(region.directory / "site", pause, books))
        for region in cluster.regions:
            login(cluster, region)
        racks = _start_racks(cluster, count)
        ports = RPC_PORTS[0], RPC_PORTS[WORKERS - 1]
        hosts = ",".join(str(cluster.management.address(region)) for region in cluster.regions)
        words = hosts, API_PORT, cluster.api_key, *ports
        caller = run(lab.hosts["caller"], "storm_caller", *map(str, words))
        made = City(cluster, count, racks, caller, shelves)
        made.rest()
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
