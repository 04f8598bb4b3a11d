"""A region of processes: a master and its workers, and what they say of themselves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
import treq
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater
from twisted.web.client import ResponseFailed

from maasha.db.dsn import DatabaseSettings
from maasha.region.master import Master, WorkerCommand
from tests.acceptance.web import Page
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

    async def page(self, path: str) -> tuple[int, str]:
        """GET what is under /MAAS/; gives status and text, status 0 where nobody answers."""
        url = f"http://127.0.0.1:{self._api}/MAAS/{path}"
        try:
            answer = await treq.get(url, timeout=5, persistent=False)
            return answer.code, await treq.text_content(answer)
        except (ConnectError, ResponseFailed):
            return 0, ""

    async def let_in(self) -> Page | None:
        """Ask the API, over a connection of its own; None: nobody listens."""
        asking = Page(b"GET /MAAS/rpc/ HTTP/1.0\r\n\r\n")
        door = TCP4ClientEndpoint(reactor, "127.0.0.1", self._api, timeout=10)
        try:
            await connectProtocol(door, asking)
        except ConnectError:
            return None
        return asking

    async def workers(self) -> dict[str, list[list[Any]]]:
        """Ask where racks reach the workers; nowhere as long as nobody can say."""
        code, text = await self.page("rpc/")
        found: dict[str, list[list[Any]]] = json.loads(text)["eventloops"] if code == 200 else {}
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


def begin(folder: Path, database: DatabaseSettings, database_port: int) -> Region:
    """Start a region of two workers that looks for its database on a port."""
    api, first = free_port(), free_port()
    text = CONFIG.format(
        api=api,
        folder=folder,
        port=database_port,
        name=database.name,
        user=database.user,
        first=first,
        last=first + 5,
    )
    (folder / "regiond.conf").write_text(text)
    master = Master(reactor, WorkerCommand(folder / "regiond.conf", 2), api)
    master.startService()
    return Region(master, api)


@pytest_twisted.async_yield_fixture
async def region(
    tmp_path: Path, database: DatabaseSettings, pool: WatchedPool
) -> AsyncIterator[Region]:
    """Start a region of two workers on a database that has its instance."""
    await pool.run(lambda tx: tx.value("select uuid from instance"))
    made = begin(tmp_path, database, database.hosts[0].port)
    yield made
    if made.master.running:
        await maybeDeferred(made.master.stopService)
