"""Fixtures with a real PostgreSQL: servers, databases with and without our tables, pools."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from twisted.internet import reactor as global_reactor
from twisted.internet.base import ReactorBase

from maasha.db.connector import Connector, SessionLimits
from maasha.db.dsn import DatabaseSettings
from maasha.db.migrate import LIMITS, migrate_database
from maasha.db.pool import Pool
from tests.asynchronous import block_on
from tests.postgres import BINARIES, OWNER, Server, free_port, new_folder

OpenPool = Callable[..., Pool]
"""Makes and starts a pool on a database, with any of Pool's keywords."""


def even() -> float:
    """Jitter that changes nothing."""
    return 0.5


def _running_server() -> Iterator[Server]:
    if not BINARIES.exists():
        message = f"{BINARIES} is missing: apt-get install postgresql-15"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    server = Server(new_folder(), free_port())
    try:
        server.initialise()
        server.start()
        server.ask(f"create role {OWNER} login")
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Give the session's server; nobody kills it."""
    yield from _running_server()


@pytest.fixture
def own_postgres() -> Iterator[Server]:
    """Give a server of this test alone, to be killed and frozen."""
    yield from _running_server()


@pytest.fixture(scope="session")
def reactor() -> ReactorBase:
    """Give the reactor that pytest-twisted runs."""
    return cast(ReactorBase, global_reactor)


@pytest.fixture
def empty_database(postgres: Server) -> Iterator[DatabaseSettings]:
    """Give a database without any table."""
    settings = postgres.create()
    yield settings
    postgres.drop(settings.name)


async def migrated(server: Server, reactor: ReactorBase) -> DatabaseSettings:
    """Make a database with our tables."""
    settings = server.create()
    await migrate_database(Connector(reactor, settings, LIMITS))
    return settings


@pytest.fixture(scope="session")
def template(postgres: Server, reactor: ReactorBase) -> DatabaseSettings:
    """Give a migrated database to copy from."""
    made: DatabaseSettings = block_on(migrated(postgres, reactor))
    return made


@pytest.fixture
def database(postgres: Server, template: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """Give a database with our tables and nothing in them."""
    settings = postgres.create(template=template.name)
    yield settings
    postgres.drop(settings.name)


@pytest.fixture
def open_pool(reactor: ReactorBase) -> Iterator[OpenPool]:
    """Open pools that are stopped after the test."""
    pools: list[Pool] = []

    def opened(
        settings: DatabaseSettings,
        size: int = 3,
        limits: SessionLimits = SessionLimits(),  # noqa: B008 -- frozen
        patience: float = 5.0,
    ) -> Pool:
        connector = Connector(reactor, settings, limits)
        pool = Pool(reactor, connector, size, jitter=even, patience=patience)
        pools.append(pool)
        pool.start()
        return pool

    yield opened
    for pool in pools:
        block_on(pool.stop())


@pytest.fixture
def pool(database: DatabaseSettings, open_pool: OpenPool) -> Pool:
    """Give a pool on a database with our tables."""
    return open_pool(database)
