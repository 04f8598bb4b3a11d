"""Whatever dies, all racks are linked and even again without a hand; then nothing moves."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from lab import Host, until
from lab.cluster import REGION2, Cluster
from lab.testing import require
from tests.acceptance.figures import Figures
from tests.acceptance.quiet import Quiet
from tests.acceptance.town import (
    CONNECTIONS,
    HOLD,
    RACKS,
    REGIONS,
    STAY,
    WORKERS,
    Surplus,
    answered,
    is_even,
    loads,
    moves,
    places,
    town,
    wait_even,
    working,
)
from tests.acceptance.watching import events, remains

pytestmark = pytest.mark.root

MAAS_NOTICES = "MAAS: a dead region after 30 to 150 s, a dead rack host never"
CUT = 60.0
"""Seconds."""
PATIENCE = 150.0
"""Seconds: a safety bound, for other tests have their share of the machine; figures are printed."""
RATE = 1
"""Moves that one donor begins in a second: a twentieth of its links, but at least one."""
SLOW = 3
"""Times the bound: a safety margin."""
LINKS = RACKS * CONNECTIONS
EACH = LINKS // (REGIONS * WORKERS)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give twelve racks on three regions."""
    require()
    with town(tmp_path_factory.mktemp("town")) as started:
        yield started


def worker_of(region: Host) -> int:
    """Give the pid of a worker."""
    return region.processes("maasha.daemon.worker")[0].pid


EvenWith = Callable[[int], None]
"""Waits until so many workers have all links evenly."""


def even_again(
    cluster: Cluster,
    figures: Figures,
    what: str,
    happen: Callable[[EvenWith], object],
    gone: bool = True,
) -> None:
    """Let something happen, and measure until all is as even as before.

    `gone`: it takes workers away, so first the others have everything, or they come back sooner.
    There are no more moves than links that were too many, for as many workers as there were then,
    and racks with two links on a region. From quiet on (no member comes or goes, no new leader
    looks on) it takes no longer than the excess at the greatest rate, and ten seconds.
    """
    before, began, seen = moves(cluster), time.monotonic(), Surplus()
    quiet = Quiet(cluster, CONNECTIONS, HOLD)

    def is_even_now(workers: int = REGIONS * WORKERS) -> bool:
        seen.look(cluster)
        quiet.look()
        return is_even(cluster, workers)

    def even_with(workers: int) -> None:
        missing = f"an even cluster of {workers} workers: {what}"
        until(lambda: is_even_now(workers), missing, timeout=PATIENCE, interval=0.2)

    is_even_now()
    happen(even_with)
    if gone:
        until(lambda: not is_even_now(), f"something to mend: {what}", timeout=20.0)
    even_with(REGIONS * WORKERS)
    ended, bound = time.monotonic(), seen.most / RATE + 10.0
    figures.seconds(f"{what} -> linked and even again", ended - began)
    after_quiet = max(0.0, ended - quiet.since)
    figures.seconds(f"{what}: of these after quiet (the rule allows {bound:g} s)", after_quiet)
    assert after_quiet <= SLOW * bound
    moved = moves(cluster) - before
    figures.count(f"{what}: moves of links", moved)
    figures.count(f"{what}: links that were too many or together", seen.in_all)
    assert moved <= seen.in_all
    wait_even(cluster, what)


def test_a_cluster_begins_even(cluster: Cluster) -> None:
    """Each worker has as many links as any other."""
    assert loads(cluster) == [EACH] * len(working(cluster))


@pytest.mark.parametrize("what", ["worker", "master"])
def test_a_process_dies(cluster: Cluster, figures: Figures, what: str) -> None:
    """SIGKILL; it is started again."""
    region = cluster.regions[1]
    program = {"worker": "maasha.daemon.worker", "master": "maasha-regiond"}[what]
    victim = region.processes(program)[0].pid
    even_again(
        cluster, figures, f"{what} SIGKILLed", lambda _: region.signal(victim, signal.SIGKILL)
    )


def test_a_region_dies_and_comes_back(cluster: Cluster, figures: Figures) -> None:
    """All of its processes."""
    region = cluster.regions[2]
    even_again(
        cluster, figures, "region SIGKILLed", lambda _: region.signal("maasha", signal.SIGKILL)
    )
    figures.lines.append(f"  ({MAAS_NOTICES})")


def test_the_database_dies(cluster: Cluster, figures: Figures) -> None:
    """The links stay, and nothing has to move when it is back."""
    before = places(cluster)
    even_again(
        cluster,
        figures,
        "PostgreSQL SIGKILLed",
        lambda _: cluster.db.signal("postgres", signal.SIGKILL),
        gone=False,
    )
    assert {(one.rack, one.region, one.slot) for one in places(cluster)} == {
        (one.rack, one.region, one.slot) for one in before
    }


def test_a_worker_is_frozen(cluster: Cluster, figures: Figures) -> None:
    """SIGSTOP: its links are dropped, its row goes; SIGCONT: it comes back and gets its share."""
    region = cluster.regions[0]
    pid = worker_of(region)

    def freeze(even_with: EvenWith) -> None:
        region.signal(pid, signal.SIGSTOP)
        even_with(REGIONS * WORKERS - 1)
        region.signal(pid, signal.SIGCONT)

    even_again(cluster, figures, "worker SIGSTOPped, SIGCONTed", freeze, gone=False)


def test_a_region_loses_the_database(cluster: Cluster, figures: Figures) -> None:
    """It is found dead by the others and fenced; its racks are theirs until it is back."""
    region = cluster.regions[1]
    cable = cluster.management.cable(region)

    def cut(even_with: EvenWith) -> None:
        cable.cut()
        try:
            even_with((REGIONS - 1) * WORKERS)
        finally:
            cable.restore()

    even_again(cluster, figures, "region cut off, restored", cut, gone=False)
    assert str(cluster.management.address(region)) == REGION2


def test_the_database_is_cut_off(cluster: Cluster, figures: Figures) -> None:
    """For a minute; nobody is declared dead for it, no link is lost, and nothing has to move."""
    wait_even(cluster, "before the cut", timeout=PATIENCE)
    before, moved, dead = places(cluster), moves(cluster), events(cluster, "worker.dead")
    cable, began = cluster.management.cable(cluster.db), time.monotonic()
    cable.cut()
    remains(lambda: all(map(answered, cluster.racks)), CUT, interval=5.0)
    cable.restore()
    restored = time.monotonic()
    wait_even(cluster, "the database is back", timeout=PATIENCE)
    figures.seconds("database cut off for a minute, restored -> even", time.monotonic() - restored)
    remains(lambda: is_even(cluster), 2 * STAY)
    assert restored - began >= CUT
    assert [(one.rack, one.pid) for one in places(cluster)] == [
        (one.rack, one.pid) for one in before
    ]
    assert (moves(cluster), events(cluster, "worker.dead")) == (moved, dead)


def test_then_nothing_moves(cluster: Cluster) -> None:
    """Three times as long as a link that was moved has to stay."""
    before = moves(cluster), places(cluster)
    remains(lambda: (moves(cluster), places(cluster)) == before, 3 * STAY)
