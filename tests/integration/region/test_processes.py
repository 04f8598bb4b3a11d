"""Master and workers as processes: they serve together, and end together."""

from __future__ import annotations

import signal
import socket
from datetime import datetime

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater

from maasha.db.leading import LeaderView, leader
from maasha.model.leader import Cause
from tests.acceptance.web import Page
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool
from tests.integration.region.processes import Region, reactor, region, until

__all__ = ["region"]

BEFORE = 30
"""Calls of the API that are begun when a region is told to end."""
ANSWER = 10.0
"""Seconds for one."""


@asynchronous
async def test_a_region_serves_and_ends(region: Region, pool: WatchedPool) -> None:
    """Each worker listens on a port of its own; a worker that ends leaves no row behind."""
    found = await region.several(2)
    ports = {port for places in found.values() for _, port in places}
    assert len(ports) == 2
    for port in ports:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    await maybeDeferred(region.master.stopService)
    assert await pool.run(lambda tx: tx.value("select count(*) from worker")) == 0
    assert await region.workers() == {}


@asynchronous
async def test_a_region_that_ends_answers_its_callers(region: Region) -> None:
    """Whoever is let in has an answer; who comes later finds the door closed."""
    await region.several(2)
    asked: list[Deferred[Page | None]] = []
    connected: list[Deferred[Page | None]] = []
    ending: Deferred[None] | None = None
    while ending is None or not ending.called:
        asked.append(Deferred.fromCoroutine(region.let_in()))
        await deferLater(reactor, 0.01)
        if len(asked) == BEFORE:
            connected = [each for each in asked if each.called]
            ending = maybeDeferred(region.master.stopService)
    inside = [page for page in [await each for each in asked] if page]
    assert connected
    assert {await each for each in connected} <= set(inside)
    statuses = [(await page.reply.addTimeout(ANSWER, reactor)).status for page in inside]
    assert set(statuses) == {200}
    assert await region.let_in() is None


@asynchronous
async def test_a_killed_worker_is_replaced(region: Region) -> None:
    """The other one serves meanwhile, and the new one takes its predecessor's slot."""
    found = await region.several(2)
    slot = next(iter(region.master))
    pid = slot._process.pid
    name = next(name for name in found if name.endswith(f"pid={pid}"))
    slot._process.signalProcess(signal.SIGKILL)
    await region.several(2, without=name)


async def leader_since(pool: WatchedPool, before: datetime | None = None) -> LeaderView:
    """Wait for a leader that began after an instant and has its row."""
    seen: list[LeaderView] = []

    async def there() -> bool:
        view = await pool.run(leader)
        later = view is not None and (before is None or view.outlook.since > before)
        seen.extend([view] if view is not None and later and view.worker else [])
        return bool(seen)

    await until(there)
    return seen[0]


@asynchronous
async def test_it_is_known_who_leads(region: Region, pool: WatchedPool) -> None:
    """And what it has in mind; one that is killed says nothing, and the next one begins anew."""
    await region.several(2)
    first = await leader_since(pool)
    hostname, _, slot = first.worker.partition("/")
    assert hostname == socket.gethostname()
    assert [hold.cause for hold in first.outlook.holds] == [Cause.LEADER_NEW]
    list(region.master)[int(slot)]._process.signalProcess(signal.SIGKILL)
    second = await leader_since(pool, first.outlook.since)
    assert [hold.cause for hold in second.outlook.holds] == [Cause.LEADER_NEW]


@asynchronous
async def test_a_newer_process_of_a_slot_ends_the_worker(region: Region, pool: WatchedPool) -> None:
    """It leaves, and the master starts another, whose row is the newest then."""
    found = await region.several(2)
    token = "update worker set token = gen_random_uuid(), epoch_counter = epoch_counter + 1000"
    await pool.run(lambda tx: tx.execute(token + " where slot = 0"))

    async def another() -> bool:
        return len(set(await region.workers()) - set(found)) == 1

    await until(another)
