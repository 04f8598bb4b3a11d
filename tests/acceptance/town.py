"""Three regions with two workers each, and twelve racks: where all links are, and how they are."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field, frozen

from lab import Host, until
from lab.cluster import BIN, STATE, Cluster, cli_environment, start
from tests.acceptance.watching import NO_ANSWER, RPC_PORTS

REGIONS, WORKERS, RACKS, CONNECTIONS = 3, 2, 12, 2
BAND = 1.25
"""Times the mean, and down to the mean over it."""
STAY, HOLD = 5, 5
"""Seconds; the shipped ones are 120 and 15."""
SETTINGS = {"num_workers": WORKERS, "balance_stay": STAY, "balance_hold": HOLD}

PLACES = """
select rack.hostname, region.hostname, slot, pid, coalesce(worker.id = owner, false)
from link join rack on rack.id = rack_id join worker on worker.id = worker_id
join region on region.id = region_id
where heartbeat > clock_timestamp() - interval '8 seconds' order by 1, 2, 3
"""
WORKING = """
select region.hostname, slot from worker join region on region.id = region_id
where heartbeat > clock_timestamp() - interval '8 seconds' and endpoints <> '[]' order by 1, 2
"""
PROCESS = re.compile(r"pid=(\d+)")
RACK = [str(BIN / "maasha-rack"), "--config", str(STATE / "rackd.conf")]


@frozen
class Place:
    """A link as the database has it."""

    rack: str
    region: str
    slot: int
    pid: int
    owner: bool


def places(cluster: Cluster) -> list[Place]:
    """Give all links to living workers."""
    return [
        Place(rack, region, int(slot), int(pid), owner == "t")
        for rack, region, slot, pid, owner in cluster.sql(PLACES)
    ]


def working(cluster: Cluster) -> list[tuple[str, int]]:
    """Give the living workers that take racks."""
    return [(region, int(slot)) for region, slot in cluster.sql(WORKING)]


def loads(cluster: Cluster) -> list[int]:
    """Give the number of links of each living worker."""
    counts = Counter((place.region, place.slot) for place in places(cluster))
    return [counts[worker] for worker in working(cluster)]


def are_even(counts: Sequence[int]) -> bool:
    """Whether loads are within the band, or as close as whole links can be."""
    most, least = max(counts, default=0), min(counts, default=0)
    mean = sum(counts) / len(counts) if counts else 0.0
    return (most <= BAND * mean and least >= mean / BAND) or most - least < 2


def is_even(cluster: Cluster, workers: int = REGIONS * WORKERS) -> bool:
    """Whether so many workers have all links among them within the band, each rack its two.

    A rack's links are on different regions, and one of its workers acts for it. Without a database
    nobody knows.
    """
    try:
        found, counts = places(cluster), loads(cluster)
    except NO_ANSWER:
        return False
    by_rack: defaultdict[str, list[Place]] = defaultdict(list)
    for place in found:
        by_rack[place.rack].append(place)
    whole = len(by_rack) == RACKS and all(
        len(links) == len({place.region for place in links}) == CONNECTIONS
        and sum(place.owner for place in links) == 1
        for links in by_rack.values()
    )
    return whole and len(counts) == workers and are_even(counts)


@define
class Surplus:
    """What was seen to be too much; each number of workers has another share for each of them."""

    above: dict[int, int] = field(factory=dict)
    """By the number of workers, the most links that some had above their even share."""
    together: int = 0
    """The most racks that had two links on one region."""

    def look(self, cluster: Cluster) -> None:
        """Look again; without a database nobody knows."""
        try:
            found, counts = places(cluster), loads(cluster)
        except NO_ANSWER:
            return
        share = -(-RACKS * CONNECTIONS // max(1, len(counts)))
        above = sum(max(0, count - share) for count in counts)
        self.above[len(counts)] = max(above, self.above.get(len(counts), 0))
        spread = Counter((place.rack, place.region) for place in found)
        self.together = max(self.together, sum(links > 1 for links in spread.values()))

    @property
    def most(self) -> int:
        """The most links that were too many at any time."""
        return max(self.above.values(), default=0)

    @property
    def in_all(self) -> int:
        """How many moves that is a reason for."""
        return sum(self.above.values()) + self.together


def moves(cluster: Cluster) -> int:
    """Count the moves of links that were ever begun."""
    ((count,),) = cluster.sql("select count(*) from link_move")
    return int(count)


def connected(region: Host) -> Counter[int]:
    """Count a region's connections with racks by process, as its kernel sees them."""
    lines = region.run(["ss", "-Htnp", "state", "established"]).stdout.splitlines()
    found: Counter[int] = Counter()
    for line in lines:
        words = line.split()
        process = PROCESS.search(line)
        if process is not None and int(words[2].rpartition(":")[2]) in RPC_PORTS:
            found[int(process[1])] += 1
    return found


def agrees_with_the_kernel(cluster: Cluster) -> bool:
    """Whether each worker process has just the connections that the database says."""
    found = places(cluster)
    return all(
        connected(region) == Counter(place.pid for place in found if place.region == region.name)
        for region in cluster.regions
    )


def answers_everywhere(cluster: Cluster) -> bool:
    """Whether every rack has had an answer over each of its links."""
    return all(map(answered, cluster.racks))


def answered(rack: Host) -> bool:
    """Whether a rack has had an answer over each of its links."""
    try:
        done = rack.run([*RACK, "links", "--json"], env=cli_environment(), timeout=20.0)
    except NO_ANSWER:
        return False
    links = [json.loads(line) for line in done.stdout.splitlines()]
    healthy = [link for link in links if link["health"] == "healthy" and link["round_trip"]]
    return len(healthy) == len(links) == CONNECTIONS


def wait_even(cluster: Cluster, what: str, timeout: float = 150.0) -> None:
    """Wait until all is even, the kernel says the same, and every link answers."""
    until(lambda: is_even(cluster), f"an even cluster: {what}", timeout=timeout, interval=0.2)
    kernel = f"the kernel's connections: {what}"
    until(lambda: agrees_with_the_kernel(cluster), kernel, timeout=40.0, interval=0.2)
    until(lambda: answers_everywhere(cluster), f"all links: {what}", timeout=60.0, interval=0.2)


@contextmanager
def town(folder: Path) -> Iterator[Cluster]:
    """Give it, even."""
    cluster = start("town", folder, regions=REGIONS, racks=RACKS, settings=SETTINGS)
    try:
        wait_even(cluster, "at the beginning")
        yield cluster
    finally:
        cluster.lab.close()
