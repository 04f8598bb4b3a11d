"""A region tells Prometheus how all its workers fare, whichever of them is asked."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from maasha.db.dsn import DatabaseSettings
from maasha.db.link_moves import Wanted, asked_of, begin_moves, end_move
from maasha.db.placement import note_evenness
from maasha.db.racks import drop_links
from maasha.db.transaction import Transaction
from maasha.region.lag import Lag
from maasha.region.metrics.reading import ROWS_WITHIN, Parts, Reading
from maasha.region.tally import Tally
from maasha.rpc.pulse import Health, RoundTrip
from maasha.rpc.wire import Metrics
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool
from tests.integration.region.processes import Region, begin, region, until
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.worker import Worker
from tests.postgres import free_port
from tests.unit.region.metrics.scraped import Found, found, sample, text_of

__all__ = ["region"]

reactor: Any = global_reactor  # its type depends on the platform
UP = "maasha_worker_up"


def up(values: Found) -> list[float]:
    """Say of both workers whether they answered."""
    return [values.get(sample(UP, worker=str(slot)), -1.0) for slot in range(2)]


async def scraped(region: Region, *wanted: float) -> Found:
    """Scrape until the workers are up, or not, as wanted; every sample has its worker."""
    values: Found = {}

    async def there() -> bool:
        nonlocal values
        code, text = await region.page("metrics")
        values = found(text.encode()) if code == 200 else {}
        return tuple(up(values)) == wanted

    await until(there)
    assert all("worker" in dict(labels) for _, labels in values)
    return values


def process_of(region: Region, slot: int) -> Any:
    """Give the process of a slot."""
    return tuple(region.master)[slot]._process


@asynchronous
async def test_one_worker_answers_for_both(region: Region, tmp_path: Path) -> None:
    """With the figures of their processes, their calls and their rows."""
    await region.several(2)
    values = await scraped(region, 1, 1)
    for slot in ("0", "1"):
        assert values[sample("maasha_links", worker=slot)] == 0
        assert values[sample("process_open_fds", worker=slot)] > 3
        assert values[sample("process_resident_memory_bytes", worker=slot)] > 2**20
        assert values[sample("maasha_worker_capacity", worker=slot)] == 1.0
        assert values[sample("maasha_database_connections", worker=slot)] > 0
    mode = (tmp_path / "worker-0.sock").stat().st_mode
    assert mode & 0o777 == 0o600


@asynchronous
async def test_a_frozen_worker_is_left_out(region: Region) -> None:
    """The others are told of all the same, and it is back when it wakes."""
    await region.several(2)
    await scraped(region, 1, 1)
    process = process_of(region, 1)
    process.signalProcess(signal.SIGSTOP)
    values = await scraped(region, 1, 0)
    assert sample("maasha_links", worker="0") in values
    assert sample("maasha_links", worker="1") not in values
    process.signalProcess(signal.SIGCONT)
    await scraped(region, 1, 1)


@asynchronous
async def test_a_killed_worker_is_left_out_until_its_successor_tells(region: Region) -> None:
    """Whose socket takes the place of the one that is left."""
    await region.several(2)
    await scraped(region, 1, 1)
    killed = process_of(region, 0)
    killed.signalProcess(signal.SIGKILL)
    await scraped(region, 0, 1)
    await scraped(region, 1, 1)
    assert process_of(region, 0) is not killed


@pytest_twisted.async_yield_fixture
async def blind(tmp_path: Path, database: DatabaseSettings) -> AsyncIterator[Region]:
    """Start a region whose database is not there."""
    made = begin(tmp_path, database, free_port())
    yield made
    await maybeDeferred(made.master.stopService)


@asynchronous
async def test_without_a_database_the_rest_is_told(blind: Region) -> None:
    """Though the API itself can answer nothing."""
    values = await scraped(blind, 1, 1)
    assert values[sample("maasha_database_connections", worker="0")] == 0
    assert sample("maasha_worker_capacity", worker="0") not in values
    assert (await blind.page("rpc/"))[0] == 503


@pytest.fixture
def reading(worker: Worker, pool: WatchedPool) -> Reading:
    """Give what reads the figures of the leader."""
    return Reading(parts(worker, pool))


def parts(worker: Worker, pool: WatchedPool) -> Parts:
    """Give the parts of a worker; what hurries it is real time."""
    return Parts(
        clock=reactor,
        pool=pool,
        lanes={},
        connections=worker.connections,
        wardship=worker.wardship,
        tally=Tally(),
        wire=Metrics(),
        lag=Lag(Clock()),
        worker=lambda: worker.id,
        drained=lambda: worker.presence.gives_way,
        leading=lambda: worker.leading,
    )


async def told(reading: Reading) -> Found:
    """Read the figures of a worker."""
    return found(text_of({0: await reading.read()}))


@asynchronous
async def test_links_are_counted(worker: Worker, reading: Reading, tmp_path: Path) -> None:
    """With their round trips, and the racks that are acted for."""
    town = Town()
    for number, health in enumerate((Health.HEALTHY, Health.SUSPECT)):
        line = Line(Rack(tmp_path / str(number), f"rack{number}", town))
        line.round_trip, line.health = RoundTrip(0.002 + 0.002 * number, 0.001), health
        await line.rack.join(worker.registration, line)
    values = await told(reading)
    assert values[sample("maasha_links", worker="0")] == 2
    assert values[sample("maasha_links_suspect", worker="0")] == 1
    assert values[sample("maasha_round_trip_max_seconds", worker="0")] == 0.004
    assert values[sample("maasha_worker_load", worker="0")] == 2.0


@asynchronous
async def test_the_leader_tells_of_the_cluster(
    worker: Worker, second: Worker, reading: Reading, pool: WatchedPool, tmp_path: Path
) -> None:
    """Ratio and moves are rows; who does not lead leaves them to the leader."""
    town = Town()
    for number in range(3):
        await Rack(tmp_path / str(number), f"rack{number}", town).join(worker.registration)
    links, target = [link.id for link in worker.connections], second.id

    async def work(tx: Transaction) -> None:
        await note_evenness(tx, 1.25, 3, 2)
        await begin_moves(tx, [Wanted(link, target, "even") for link in links], 60.0)
        assert worker.id is not None
        first, another, _ = await asked_of(tx, worker.id)
        await drop_links(tx, [first.link])
        await end_move(tx, first.id, target)
        await end_move(tx, another.id, None, "it stays")

    await pool.run(work)
    values = await told(reading)
    assert values[sample("maasha_evenness_ratio", worker="0")] == 1.25
    for outcome in ("open", "done", "failed"):
        assert values[sample("maasha_moves_last_hour", worker="0", outcome=outcome)] == 1
    worker.leading = False
    assert sample("maasha_evenness_ratio", worker="0") not in await told(reading)


@asynchronous
async def test_a_slow_database_holds_nothing_up(reading: Reading, pool: WatchedPool) -> None:
    """What is in rows is left out, and the rest told before a sibling gives up."""
    locked: Deferred[None] = Deferred()
    free: Deferred[None] = Deferred()

    async def hold(tx: Transaction) -> None:
        await tx.execute("lock table worker in access exclusive mode")
        locked.callback(None)
        await free

    holding = Deferred.fromCoroutine(pool.run(hold))
    await locked
    began = reactor.seconds()
    values = await told(reading)
    assert ROWS_WITHIN <= reactor.seconds() - began < 2 * ROWS_WITHIN
    assert values[sample("maasha_database_connections_in_use", worker="0")] >= 1
    assert sample("maasha_worker_capacity", worker="0") not in values
    free.callback(None)
    await holding
    assert sample("maasha_worker_capacity", worker="0") in await told(reading)


@asynchronous
async def test_a_worker_without_a_row_has_no_capacity(worker: Worker, pool: WatchedPool) -> None:
    """It is just starting, or the database was restored."""
    await pool.run(lambda tx: tx.execute("delete from worker"))
    assert sample("maasha_worker_capacity", worker="0") not in await told(
        Reading(parts(worker, pool))
    )
