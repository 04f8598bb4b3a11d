"""A region that loses the database and nothing else: its links and its API live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from lab import Host, until
from lab.cluster import DATABASE, Cluster
from tests.acceptance.town import RACKS, REGIONS, WORKERS, are_even, loads, places, working
from tests.acceptance.watching import NO_ANSWER, log_of

RULES = f"""
table inet blind {{
    chain input {{ type filter hook input priority 0; ip saddr {DATABASE} drop; }}
    chain output {{ type filter hook output priority 0; ip daddr {DATABASE} drop; }}
}}
"""
OWNERS = """
select rack.hostname, region.hostname from rack join worker on worker.id = owner
join region on region.id = region_id
where deleted is null and heartbeat > clock_timestamp() - interval '8 seconds'
"""


@contextmanager
def blind(region: Host) -> Iterator[None]:
    """Lose every packet between a region and the database, without a sign to either."""
    region.run(["nft", "-f", "-"], text=RULES)
    try:
        yield
    finally:
        region.run(["nft", "delete", "table", "inet", "blind"])


def others_act(cluster: Cluster, region: Host) -> bool:
    """Whether a region has no worker any more, and the others act for all racks, evenly.

    Each rack has a link to one of the others at least, and their workers have their links evenly.
    """
    try:
        owners, counts, found = cluster.sql(OWNERS), loads(cluster), places(cluster)
        alive = {name for name, _ in working(cluster)}
    except NO_ANSWER:
        return False
    return (
        len(counts) == (REGIONS - 1) * WORKERS
        and region.name not in alive
        and len(owners) == len({place.rack for place in found}) == RACKS
        and region.name not in [owner for _, owner in owners]
        and are_even(counts)
    )


def racks_of(cluster: Cluster, region: Host) -> list[str]:
    """Name the racks that a region's workers act for."""
    return sorted(rack for rack, owner in cluster.sql(OWNERS) if owner == region.name)


def wait_obeyed(cluster: Cluster, racks: Iterable[str], since: Mapping[str, int]) -> None:
    """Wait until racks have said that they obey others; `since`: how long regions' logs were."""

    def said() -> str:
        return "".join(log_of(one, "regiond")[since[one.name] :] for one in cluster.regions)

    def all_obey() -> bool:
        told = said()
        return all(f" {rack} obeys, epoch " in told for rack in racks)

    until(all_obey, "all racks to obey", timeout=60.0, interval=0.2)


def speaks(cluster: Cluster, region: Host) -> bool:
    """Whether a region answers a call that needs no database, with a figure of each worker."""
    argv = ["curl", "-sf", "--max-time", "20", f"{cluster.url(region)}metrics"]
    try:
        found = cluster.outsider.run(argv, timeout=30.0).stdout
    except NO_ANSWER:
        return False
    return all(f'worker="{slot}"' in found for slot in range(WORKERS))
