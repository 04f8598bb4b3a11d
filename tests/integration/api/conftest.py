"""Fixtures: the API on a real port over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, maybeDeferred

from maasha.db.connector import Connector
from maasha.db.dedicated import LIMITS, Dedicated
from maasha.db.dsn import DatabaseSettings
from maasha.db.notices import Notices
from maasha.db.pool import Pool
from tests.databases import (
    database,
    even,
    migrated,
    open_pool,
    own_postgres,
    pool,
    postgres,
    reactor,
    template,
)
from tests.integration.api.client import World, build

__all__ = [
    "database",
    "migrated",
    "open_pool",
    "own_postgres",
    "pool",
    "postgres",
    "reactor",
    "template",
]


@pytest.fixture
def notices(reactor: ReactorBase, database: DatabaseSettings) -> Iterator[Notices]:
    """Listen on the test's database."""
    dedicated = Dedicated(reactor, Connector(reactor, database, LIMITS), jitter=even)
    listening = Notices(dedicated)
    dedicated.start()
    yield listening
    pytest_twisted.blockon(Deferred.fromCoroutine(dedicated.stop()))


@pytest.fixture
def world(reactor: ReactorBase, pool: Pool, notices: Notices) -> Iterator[World]:
    """Serve the API with a region, two racks and two users in the database."""
    made: Any = pytest_twisted.blockon(Deferred.fromCoroutine(build(reactor, pool, notices)))
    yield made
    pytest_twisted.blockon(maybeDeferred(made.port.stopListening))
