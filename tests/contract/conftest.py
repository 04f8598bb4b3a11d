"""One pool, and connections of a worker's own, on PostgreSQL and on the database in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from twisted.internet.base import ReactorBase

from maasha.db.connector import Connector, SessionLimits
from maasha.db.dedicated import LIMITS, Dedicated
from maasha.db.pool import Opener, Pool
from tests.asynchronous import block_on
from tests.databases import database, even, open_pool, postgres, reactor, template
from tests.memory.server import Database
from tests.memory.wire import Opener as MemoryOpener
from tests.memory.wire import Way

__all__ = ["database", "open_pool", "postgres", "reactor", "template"]

Open = Callable[[SessionLimits], Opener]
"""Gives what opens connections with such limits."""
Make = Callable[..., Dedicated]
"""Makes a connection of a worker's own; `interval` is the seconds between its pings."""


@pytest.fixture(params=["postgresql", "memory"])
def where(request: pytest.FixtureRequest, reactor: ReactorBase) -> Open:
    """Give the way to a database with our tables and nothing in them."""
    if request.param == "memory":
        kept = Database(reactor)
        return lambda limits: MemoryOpener(kept, reactor, Way(), limits)
    settings = request.getfixturevalue("database")
    return lambda limits: Connector(reactor, settings, limits)


@pytest.fixture
def pool(where: Open, reactor: ReactorBase) -> Iterator[Pool]:
    """Give a pool on it."""
    made = Pool(reactor, where(SessionLimits()), 3, jitter=even)
    made.start()
    yield made
    block_on(made.stop())


@pytest.fixture
def make(where: Open, reactor: ReactorBase) -> Iterator[Make]:
    """Make dedicated connections, not started, that are closed after the test."""
    made: list[Dedicated] = []

    def dedicated(interval: float = 0.1) -> Dedicated:
        one = Dedicated(reactor, where(LIMITS), jitter=even, interval=interval)
        made.append(one)
        return one

    yield dedicated
    for one in made:
        block_on(one.stop())
