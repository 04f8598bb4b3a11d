"""One pool, on PostgreSQL and on the database in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.base import ReactorBase

from maasha.db.connector import SessionLimits
from maasha.db.pool import Pool
from tests.asynchronous import block_on
from tests.databases import OpenPool, database, even, open_pool, postgres, reactor, template
from tests.memory.server import Database
from tests.memory.wire import Opener, Way

__all__ = ["database", "open_pool", "postgres", "reactor", "template"]


@pytest.fixture
def memory_pool(reactor: ReactorBase) -> Iterator[Pool]:
    """Give a pool on an empty database in memory."""
    opener = Opener(Database(reactor), reactor, Way(), SessionLimits())
    pool = Pool(reactor, opener, 3, jitter=even)
    pool.start()
    yield pool
    block_on(pool.stop())


@pytest.fixture(params=["postgresql", "memory"])
def pool(request: pytest.FixtureRequest) -> Pool:
    """Give a pool on a database with our tables."""
    if request.param == "memory":
        made: Pool = request.getfixturevalue("memory_pool")
        return made
    opened: OpenPool = request.getfixturevalue("open_pool")
    return opened(request.getfixturevalue("database"))
