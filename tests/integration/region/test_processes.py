"""Master and workers as processes: they serve together, and end together."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
import treq
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater
from twisted.web.client import ResponseFailed

from maasha.db.dsn import DatabaseSettings
from maasha.region.master import Master, WorkerCommand
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool
from tests.postgres import free_port

reactor: Any = global_reactor  # its type depends on the platform
WITHIN = 20.0
"""Seconds for a worker to come up: a Python with Twisted, on a machine that is busy."""
CONFIG = """\
port: {api}
num_workers: 2
data_dir: {folder}
database_host: 127.0.0.1
database_port: {port}
database_name: {name}
database_user: {user}
rpc_addresses: [127.0.0.1]
rpc_first_port: {first}
rpc_last_port: {last}
"""


class Region:
    """A master with its workers, and their API."""

    def __init__(self, master: Master, api: int) -> None:
        self.master = master
        self._api = api

    async def workers(self) -> dict[str, list[list[Any]]]:
        """Ask where racks reach the workers; nowhere as long as nobody can say."""
        url = f"http://127.0.0.1:{self._api}/MAAS/rpc/"
        try:
            answer = await treq.get(url, timeout=5, persistent=False)
            if answer.code != 200:
                return {}
            found: dict[str, list[list[Any]]] = (await treq.json_content(answer))["eventloops"]
        except (ConnectError, ResponseFailed):
            return {}
        return found

    async def several(self, number: int, without: str = "") -> dict[str, list[list[Any]]]:
        """Wait until so many workers are published; `without` is a name that must be gone."""
        found: dict[str, list[list[Any]]] = {}

        async def there() -> bool:
            nonlocal found
            found = await self.workers()
            return len(found) == number and without not in found

        await until(there)
        return found


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until it is so, or the time is over."""
    end = reactor.seconds() + WITHIN
    while not await condition():
        assert reactor.seconds() < end, "it does not come to pass"
        await deferLater(reactor, 0.1)


@pytest_twisted.async_yield_fixture
async def region(
    tmp_path: Path, database: DatabaseSettings, pool: WatchedPool
) -> AsyncIterator[Region]:
    """Start a region of two workers on a database that has its instance."""
    await pool.run(lambda tx: tx.value("select uuid from instance"))
    api, first = free_port(), free_port()
    text = CONFIG.format(
        api=api,
        folder=tmp_path,
        port=database.hosts[0].port,
        name=database.name,
        user=database.user,
        first=first,
        last=first + 5,
    )
    (tmp_path / "regiond.conf").write_text(text)
    master = Master(reactor, WorkerCommand(tmp_path / "regiond.conf", 2), api)
    master.startService()
    made = Region(master, api)
    yield made
    if master.running:
        await maybeDeferred(master.stopService)


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
async def test_a_killed_worker_is_replaced(region: Region) -> None:
    """The other one serves meanwhile, and the new one takes its predecessor's slot."""
    found = await region.several(2)
    slot = next(iter(region.master))
    pid = slot._process.pid
    name = next(name for name in found if name.endswith(f"pid={pid}"))
    slot._process.signalProcess(signal.SIGKILL)
    await region.several(2, without=name)


@asynchronous
async def test_a_newer_process_of_a_slot_ends_the_worker(region: Region, pool: WatchedPool) -> None:
    """It leaves, and the master starts another, whose row is the newest then."""
    found = await region.several(2)
    token = "update worker set token = gen_random_uuid(), epoch_counter = epoch_counter + 1000"
    await pool.run(lambda tx: tx.execute(token + " where slot = 0"))

    async def another() -> bool:
        return len(set(await region.workers()) - set(found)) == 1

    await until(another)
