"""A worker is known by its row: kept fresh, written anew with its links, and never misjudged."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.db.errors import DatabaseUnavailable
from maasha.db.regions import HEARTBEAT_INTERVAL, WORKER_TTL, event_loops, workers
from maasha.db.transaction import Transaction
from maasha.model.cluster import Endpoint, EventLoop, SystemId, WorkerId
from maasha.region.presence import COMEBACK, Standing
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import Worker as Other
from tests.integration.db.cluster import hire, silence
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.worker import Worker

BEAT = HEARTBEAT_INTERVAL
TO_LIVE = [BEAT] * int(WORKER_TTL / BEAT)
TO_COME_BACK = [BEAT] * ceil((WORKER_TTL + COMEBACK) / BEAT)


async def living(pool: WatchedPool) -> set[WorkerId]:
    """Name the workers whose heartbeat is fresh."""
    return {row.id for row in await pool.run(workers)}


async def rows(pool: WatchedPool) -> set[WorkerId]:
    """Name the workers that have a row."""
    found = await pool.run(lambda tx: tx.rows("select id from worker"))
    return {WorkerId(row.id) for row in found}


async def colleague(pool: WatchedPool, slot: int) -> Other:
    """Hire another worker of the same region, which beats no more and looks dead."""
    region = await pool.run(lambda tx: tx.value("select system_id from region"))
    hired = await hire(pool, SystemId(region), slot)
    await silence(pool, hired)
    return hired


async def lose_row(pool: WatchedPool) -> None:
    """Delete all workers' rows, and with them their links."""
    await pool.run(lambda tx: tx.execute("delete from worker"))


@asynchronous
async def test_a_worker_registers_at_its_start(worker: Worker, pool: WatchedPool) -> None:
    """Its row, its epoch and the instance are known before any rack can link."""
    (standing,) = worker.established
    assert await living(pool) == {standing.worker}
    assert standing.instance.secret
    assert (standing.identity.slot, standing.identity.pid) == (0, 100)
    assert await pool.run(event_loops) == (EventLoop("region1:pid=100", worker.endpoints),)


@asynchronous
async def test_a_worker_without_database_registers_later(pool: WatchedPool, clock: Clock) -> None:
    """The start of the region may come before that of PostgreSQL."""
    await pool.stop()
    worker = Worker(pool, clock)
    worker.startService()
    await after(pool, clock, BEAT)
    assert worker.presence.standing is None
    pool.start()
    await after(pool, clock, BEAT)
    assert await living(pool) == {worker.id}


@asynchronous
async def test_a_worker_without_instance_waits_for_one(pool: WatchedPool, clock: Clock) -> None:
    """Tables without `maasha-region init` make nobody crash."""
    await pool.run(lambda tx: tx.execute("delete from instance"))
    worker = Worker(pool, clock)
    worker.startService()
    await at_rest(pool, clock)
    assert worker.established == []
    assert await rows(pool) == set()


@asynchronous
async def test_the_heartbeat_keeps_a_worker_alive(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """One beat makes an old row fresh again; the row and its epoch stay the same."""
    before = worker.standing
    await silence(pool, Other(before.identity, before.worker, before.epoch))
    assert await living(pool) == set()
    await after(pool, clock, BEAT)
    assert await living(pool) == {worker.id}
    assert worker.standing == before


@asynchronous
async def test_new_addresses_are_published_with_the_next_beat(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """A host that gets another address tells the racks; waking does it at once."""
    worker.endpoints = (Endpoint("2001:db8::1", 5250),)
    worker.presence.wake()
    await at_rest(pool, clock)
    assert await pool.run(event_loops) == (EventLoop("region1:pid=100", worker.endpoints),)


@asynchronous
async def test_a_lost_row_is_written_anew_with_the_links(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """The id stays, the epoch rises, and racks, row and links appear in one transaction."""
    await Rack(tmp_path, "rack1", Town()).join(worker.registration)
    before, (link,) = worker.standing, tuple(worker.connections)
    old = link.id
    await lose_row(pool)
    await after(pool, clock, BEAT)
    assert worker.standing.worker == before.worker
    assert worker.standing.epoch > before.epoch
    row = await pool.run(
        lambda tx: tx.one(
            "select link.id, worker_id, since = started as together"
            " from link join worker on worker.id = worker_id"
        )
    )
    assert row is not None
    assert (row.id, row.worker_id, row.together) == (link.id, worker.id, True)
    assert link.id != old
    assert await pool.run(event_loops) == (EventLoop("region1:pid=100", worker.endpoints, 1.0),)
    assert len(worker.established) == 1


class Failing:
    """Lets links be written anew only from the second try on."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.tries = 0
        self._then = then

    async def __call__(self, tx: Transaction, _standing: Standing) -> None:
        """Fail once, after the worker's row was written."""
        self.tries += 1
        assert await tx.value("select count(*) from worker") == 1
        if self.tries == 1:
            raise DatabaseUnavailable("gone in the middle", 2.0)
        self._then()


@asynchronous
async def test_without_its_links_no_row_is_written(
    worker: Worker, pool: WatchedPool, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure between row and links leaves neither; the next beat writes both."""
    written: list[bool] = []
    monkeypatch.setattr(worker.presence, "_relink", Failing(lambda: written.append(True)))
    await lose_row(pool)
    await after(pool, clock, BEAT)
    assert await rows(pool) == set()
    await after(pool, clock, BEAT)
    assert (await rows(pool), written) == ({worker.id}, [True])


@asynchronous
async def test_a_rack_that_was_deleted_meanwhile_is_not_linked_again(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """Its link is closed, so that it introduces itself and hears that it was deleted."""
    rack = Rack(tmp_path, "rack1", Town())
    line = Line(rack)
    await rack.join(worker.registration, line)
    await pool.run(lambda tx: tx.execute("update rack set deleted = now()"))
    await lose_row(pool)
    await after(pool, clock, BEAT)
    assert "introduce yourself again" in line.closed_with
    assert await pool.run(lambda tx: tx.value("select count(*) from link")) == 0


@asynchronous
async def test_a_worker_whose_id_has_gone_to_another_gets_a_new_one(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """Its racks know it under the old id: they are sent away, and nothing of them stays."""
    rack = Rack(tmp_path, "rack1", Town())
    line = Line(rack)
    await rack.join(worker.registration, line)
    before = worker.standing.worker
    await lose_row(pool)
    again = "select setval(pg_get_serial_sequence('worker', 'id'), %s, false)"
    await pool.run(lambda tx: tx.value(again, before))
    other = await colleague(pool, 1)
    assert other.id == before
    await after(pool, clock, BEAT)
    assert worker.standing.worker != before
    assert "introduce yourself again" in line.closed_with
    await rack.desks[before].lost("closed")
    await at_rest(pool, clock)
    assert await pool.run(lambda tx: tx.value("select count(*) from link")) == 0


@asynchronous
async def test_a_newer_process_of_the_slot_ends_the_older_one(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """The slot stays with the newer process, whatever the older one still does."""
    newer = await colleague(pool, 0)
    await after(pool, clock, BEAT)
    assert worker.superseded == 1
    assert await rows(pool) == {newer.id}
    await after(pool, clock, *TO_LIVE)
    assert await rows(pool) == {newer.id}


@asynchronous
async def test_the_dead_are_removed_after_a_full_time_to_live_of_contact(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """A worker that has just come judges nobody."""
    dead = await colleague(pool, 1)
    await after(pool, clock, *TO_LIVE[1:])
    assert await rows(pool) == {worker.id, dead.id}
    await after(pool, clock, BEAT)
    assert await rows(pool) == {worker.id}


@asynchronous
async def test_only_the_leader_removes_the_dead(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """One worker of the instance judges; whoever becomes the leader does at once."""
    dead = await colleague(pool, 1)
    worker.leading = False
    await after(pool, clock, *TO_LIVE, BEAT)
    assert await rows(pool) == {worker.id, dead.id}
    worker.leading = True
    await after(pool, clock, BEAT)
    assert await rows(pool) == {worker.id}


@asynchronous
async def test_after_a_gap_without_database_nobody_is_removed_too_early(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """Every heartbeat is old then; only who stays silent for longer than it lives is dead.

    Others may find the database some seconds later than the leader.
    """
    await after(pool, clock, *TO_LIVE)
    silent = await colleague(pool, 1)
    await pool.stop()
    await after(pool, clock, BEAT)
    pool.start()
    await after(pool, clock, *TO_COME_BACK)
    assert await rows(pool) == {worker.id, silent.id}
    await after(pool, clock, BEAT)
    assert await rows(pool) == {worker.id}


@asynchronous
async def test_a_process_that_was_frozen_judges_nobody_when_it_thaws(
    worker: Worker, pool: WatchedPool, clock: Clock
) -> None:
    """SIGSTOP, or a host that sleeps, is a gap like any other."""
    await after(pool, clock, *TO_LIVE)
    silent = await colleague(pool, 1)
    await after(pool, clock, 10 * WORKER_TTL, *TO_COME_BACK[1:])
    assert await rows(pool) == {worker.id, silent.id}
    await after(pool, clock, BEAT)
    assert await rows(pool) == {worker.id}


@asynchronous
async def test_a_worker_that_leaves_takes_its_row_along(worker: Worker, pool: WatchedPool) -> None:
    """Nobody waits for the time-to-live of one that ended in good order."""
    worker.stopService()
    await worker.presence.leave()
    assert await rows(pool) == set()


@asynchronous
async def test_leaving_without_database_or_row_is_no_error(pool: WatchedPool, clock: Clock) -> None:
    """The others remove the row when its time is over."""
    worker = Worker(pool, clock)
    await worker.presence.leave()
    worker.startService()
    await at_rest(pool, clock)
    worker.stopService()
    await pool.stop()
    await worker.presence.leave()
