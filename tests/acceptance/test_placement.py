"""Whatever dies, all racks are linked and even again without a hand; then nothing moves."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from attrs import frozen

from lab import Host, until
from lab.cluster import REGION2, Cluster
from lab.deadline import DeadlineExceeded
from lab.testing import require
from maasha.db.regions import WORKER_TTL
from tests.acceptance.blindness import blind, others_act, racks_of, speaks, wait_obeyed
from tests.acceptance.figures import Figures
from tests.acceptance.leading import Leader, leader, process_of, region_of, sessions
from tests.acceptance.quiet import Quiet
from tests.acceptance.town import (
    CONNECTIONS,
    HOLD,
    RACKS,
    REGIONS,
    STAY,
    WORKERS,
    Place,
    Surplus,
    answers_everywhere,
    is_even,
    loads,
    moves,
    places,
    town,
    wait_even,
    working,
)
from tests.acceptance.watching import (
    NO_ANSWER,
    established,
    events,
    log_of,
    remains,
    wait_logged,
)

pytestmark = pytest.mark.root

MAAS_NOTICES = "MAAS: a dead region after 30 to 150 s, a dead rack host never"
CUT, EVERY = 60.0, 3.0
"""Seconds: how long it lasts, and between two looks meanwhile."""
PATIENCE = 150.0
"""Seconds: a safety bound, for other tests have their share of the machine; figures are printed."""
RATE = 1
"""Moves that one donor begins in a second: a twentieth of its links, but at least one."""
SLOW = 3
"""Times the bound: a safety margin."""
TAKEN_OVER = 5.0
"""Seconds until another leads in place of one that is frozen: its session ends after three."""
AFTERWARDS = HOLD + WORKER_TTL + 5.0
"""Seconds after which who lost the database for a while has judged and moved what it ever will."""
FATES = "worker.dead"
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


STATE = (
    "select rack.hostname, worker.id, slot, link.id, moved, owner from link"
    " join worker on worker.id = worker_id join rack on rack.id = rack_id order by 1, 2",
    "select id, heartbeat, now() - heartbeat, endpoints from worker order by id",
    "select * from link_move where ended is null or begun > now() - interval '5 minutes'",
    "select * from leader",
)
"""What to look at where nothing gets even."""
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
        try:
            until(lambda: is_even_now(workers), missing, timeout=PATIENCE, interval=0.2)
        except DeadlineExceeded:
            figures.lines += [
                f"  uneven: {row}" for question in STATE for row in cluster.sql(question)
            ]
            raise

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


@frozen
class Undisturbed:
    """What is the same before and after a time without a database."""

    connections: frozenset[str]
    """Of racks with regions, as the kernels see them: a link that was made anew is another one."""
    places: tuple[Place, ...]
    moves: int
    dead: tuple[str, ...]

    @classmethod
    def now(cls, cluster: Cluster) -> Undisturbed:
        """See."""
        links, dead = frozenset(established(cluster)), tuple(events(cluster, FATES))
        assert len(links) == LINKS
        return cls(links, tuple(places(cluster)), moves(cluster), dead)


def all_beat(cluster: Cluster) -> bool:
    """Whether each worker has had a heartbeat taken by the server that runs now."""
    try:
        ((count,),) = cluster.sql(
            "select count(*) from worker where heartbeat > pg_postmaster_start_time()"
        )
    except NO_ANSWER:
        return False
    return int(count) == REGIONS * WORKERS


def test_the_database_dies(cluster: Cluster, figures: Figures) -> None:
    """The links stay, nobody is declared dead for it, and nothing moves when it is back."""
    wait_even(cluster, "before PostgreSQL is killed", timeout=PATIENCE)
    before, began = Undisturbed.now(cluster), time.monotonic()
    started = cluster.sql("select pg_postmaster_start_time()")
    cluster.db.signal("postgres", signal.SIGKILL)
    until(lambda: all_beat(cluster), "heartbeats of all workers", timeout=PATIENCE, interval=0.2)
    figures.seconds("PostgreSQL SIGKILLed -> heartbeats of all workers", time.monotonic() - began)
    assert cluster.sql("select pg_postmaster_start_time()") != started
    remains(lambda: Undisturbed.now(cluster) == before, AFTERWARDS)
    wait_even(cluster, "PostgreSQL SIGKILLed")


def test_a_worker_is_frozen(cluster: Cluster, figures: Figures) -> None:
    """SIGSTOP: its links are dropped, its row goes; SIGCONT: it comes back and gets its share."""
    region = cluster.regions[0]
    pid = worker_of(region)

    def freeze(even_with: EvenWith) -> None:
        region.signal(pid, signal.SIGSTOP)
        even_with(REGIONS * WORKERS - 1)
        region.signal(pid, signal.SIGCONT)

    even_again(cluster, figures, "worker SIGSTOPped, SIGCONTed", freeze, gone=False)


def leads_on(cluster: Cluster) -> Leader:
    """Give the leader that has looked."""
    return until(lambda: leader(cluster), "a leader", timeout=60.0, interval=0.05)


def test_the_leader_is_frozen(cluster: Cluster, figures: Figures) -> None:
    """SIGSTOP: another leads soon, and looks on before it moves anything; SIGCONT: it follows.

    Its session is gone by then, and through no other does a leader write.
    """
    wait_even(cluster, "before the leader is frozen", timeout=PATIENCE)
    old = leads_on(cluster)
    victim, host = process_of(cluster, old), region_of(cluster, old)
    successors: list[Leader] = []

    def freeze(even_with: EvenWith) -> None:
        ((frozen_at,),) = cluster.sql("select clock_timestamp()")
        began, said = time.monotonic(), len(log_of(host, "regiond"))
        assert victim.signal(signal.SIGSTOP)
        ended = "the end of its session"
        until(lambda: old.session not in sessions(cluster), ended, timeout=PATIENCE, interval=0.05)
        figures.seconds("leader SIGSTOPped -> its session ended", time.monotonic() - began)
        new = leads_on(cluster)
        took = time.monotonic() - began
        figures.seconds("leader SIGSTOPped -> another leads", took)
        assert took <= SLOW * TAKEN_OVER
        assert new.worker != old.worker
        successors.append(new)
        even_with(REGIONS * WORKERS - 1)
        looking_on = f"'{frozen_at}' and '{new.since}'::timestamptz + interval '{HOLD} seconds'"
        early = cluster.sql(f"select * from link_move where begun between {looking_on}")
        assert not early
        assert leader(cluster) == new
        assert victim.signal(signal.SIGCONT)
        wait_logged(host, "regiond", "this process leads no more", said)

    even_again(cluster, figures, "leader SIGSTOPped, SIGCONTed", freeze, gone=False)
    assert [leader(cluster)] == successors
    assert old.session not in sessions(cluster)


def test_a_region_alone_loses_the_database(cluster: Cluster, figures: Figures) -> None:
    """The one that leads, with its links and its API alive: it is declared dead and fenced.

    Others act for its racks, which keep their links to it, and all links are its own again when it
    is back.
    """
    wait_even(cluster, "before a region is blind", timeout=PATIENCE)
    region = region_of(cluster, leads_on(cluster))
    links, dead = established(cluster), len(events(cluster, FATES))
    wards = racks_of(cluster, region)
    assert wards
    what = f"{region.name} loses the database only"

    def lose(_: EvenWith) -> None:
        logged = {one.name: len(log_of(one, "regiond")) for one in cluster.regions}
        began = time.monotonic()
        with blind(region):
            until(lambda: others_act(cluster, region), what, timeout=PATIENCE, interval=0.2)
            figures.seconds(f"{what} -> others act for all racks", time.monotonic() - began)
            until(
                lambda: answers_everywhere(cluster),
                f"all links: {what}",
                timeout=60.0,
                interval=0.2,
            )
            wait_obeyed(cluster, wards, logged)
            assert speaks(cluster, region)
            remains(lambda: others_act(cluster, region), AFTERWARDS)
            assert established(cluster) == links
        assert len(events(cluster, FATES)) == dead + WORKERS

    even_again(cluster, figures, f"{what}, has it again", lose, gone=False)
    assert established(cluster) == links


def test_a_region_loses_its_cable(cluster: Cluster, figures: Figures) -> None:
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
    before = Undisturbed.now(cluster)
    cable, began = cluster.management.cable(cluster.db), time.monotonic()
    cable.cut()
    while time.monotonic() < began + CUT:
        until(lambda: answers_everywhere(cluster), "all links", timeout=30.0, interval=0.2)
        assert established(cluster) == before.connections
        time.sleep(EVERY)
    cable.restore()
    restored = time.monotonic()
    wait_even(cluster, "the database is back", timeout=PATIENCE)
    figures.seconds("database cut off for a minute, restored -> even", time.monotonic() - restored)
    remains(lambda: Undisturbed.now(cluster) == before, AFTERWARDS)
    assert restored - began >= CUT


def test_then_nothing_moves(cluster: Cluster) -> None:
    """Three times as long as a link that was moved has to stay."""
    before = moves(cluster), places(cluster)
    remains(lambda: (moves(cluster), places(cluster)) == before, 3 * STAY)
