"""A worker's database: a real PostgreSQL behind a pool that knows whether it is at rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_twisted
from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock

from maasha.db.connector import Connector, SessionLimits
from maasha.db.dsn import DatabaseSettings
from tests.asynchronous import block_on
from tests.databases import database, empty_database, even, postgres, reactor, template
from tests.integration.db.cluster import found
from tests.integration.region.at_rest import WatchedPool, at_rest
from tests.integration.region.worker import Worker

__all__ = ["database", "empty_database", "postgres", "reactor", "template"]


@pytest.fixture
def pool(reactor: ReactorBase, database: DatabaseSettings) -> Iterator[WatchedPool]:
    """Give a pool on a database with an instance and one region."""
    opened = WatchedPool(reactor, Connector(reactor, database, SessionLimits()), 3, jitter=even)
    opened.start()
    block_on(found(opened))
    yield opened
    block_on(opened.stop())


@pytest.fixture
def clock() -> Clock:
    """Give the workers' time, which passes when the test says so."""
    return Clock()


@pytest_twisted.async_fixture
async def worker(pool: WatchedPool, clock: Clock) -> Worker:
    """Give a worker that has its row."""
    return await _started(pool, clock, 0)


@pytest_twisted.async_fixture
async def second(pool: WatchedPool, clock: Clock) -> Worker:
    """Give another worker of the region."""
    return await _started(pool, clock, 1)


async def _started(pool: WatchedPool, clock: Clock, slot: int) -> Worker:
    made = Worker(pool, clock, slot)
    made.startService()
    await at_rest(pool, clock)
    return made
