"""The instance, and how its incarnation rises when the database is not the one it was."""

from __future__ import annotations

import subprocess
from base64 import b64decode

import pytest
from twisted.internet.base import ReactorBase

from maasha.db.dsn import DatabaseSettings, Host
from maasha.db.events import history
from maasha.db.instance import (
    NoInstance,
    confirm_incarnation,
    create_instance,
    raise_incarnation,
    read,
)
from maasha.db.ownership import owned_by
from maasha.db.pool import Pool
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.databases import OpenPool, migrated
from tests.integration.db.cluster import found, hire, link
from tests.postgres import BINARIES, OWNER, Server, demoted, free_port, new_folder


@asynchronous
async def test_created_once(pool: Pool) -> None:
    """The instance gets its secrets once; creating it again reads it."""
    with pytest.raises(NoInstance):
        await pool.run(read)
    first = await pool.run(create_instance)
    assert await pool.run(create_instance) == first == await pool.run(read)
    assert len(bytes.fromhex(first.secret)) == 16
    assert len(b64decode(first.omapi_secret)) == 32
    assert first.secret not in repr(first)
    assert first.omapi_secret not in repr(first)


@asynchronous
async def test_confirmed(pool: Pool) -> None:
    """The same database has the same incarnation; without an instance there is none."""
    with pytest.raises(NoInstance):
        await pool.run(confirm_incarnation)
    await pool.run(create_instance)
    assert await pool.run(confirm_incarnation) == 1
    assert await pool.run(confirm_incarnation) == 1


@asynchronous
async def test_raised(pool: Pool) -> None:
    """A higher incarnation outdates every epoch and generation; a lower one changes nothing."""
    worker = await hire(pool, await found(pool), 0)
    rack = await link(pool, worker, "rack1")
    assert rack.owner is not None
    assert await pool.run(lambda tx: raise_incarnation(tx, 1, "nothing")) == 1
    assert await pool.run(lambda tx: raise_incarnation(tx, 5, "a rack knew more")) == 5
    assert await pool.run(lambda tx: owned_by(tx, worker.id)) == ()
    row = await pool.run(lambda tx: tx.one("select * from rack"))
    assert row is not None
    assert Stamp(row.owner_incarnation, row.owner_counter) == Stamp(5, rack.owner.epoch.counter + 1)
    assert row.wanted_incarnation == 5
    kinds = [(event.kind, event.severity) for event in await pool.run(history)]
    assert kinds[0] == ("instance.incarnation", "warning")


@asynchronous
async def test_dump_into_another_database(
    postgres: Server, database: DatabaseSettings, pool: Pool, open_pool: OpenPool
) -> None:
    """A dump restored into another database raises the incarnation, once."""
    await found(pool)
    target = postgres.create()
    postgres.restore(target.name, postgres.dump(database.name))
    copy = open_pool(target)
    assert await copy.run(confirm_incarnation) == 2
    assert await copy.run(confirm_incarnation) == 2
    assert await pool.run(confirm_incarnation) == 1
    await copy.stop()
    postgres.drop(target.name)


@asynchronous
async def test_dump_into_the_same_database(
    postgres: Server, database: DatabaseSettings, pool: Pool
) -> None:
    """A dump restored in place, over dropped tables, raises the incarnation too."""
    await found(pool)
    text = postgres.dump(database.name)
    await pool.run(lambda tx: tx.execute("drop schema public cascade; create schema public"))
    postgres.restore(database.name, text)
    assert await pool.run(confirm_incarnation) == 2


@asynchronous
async def test_promoted_standby(
    own_postgres: Server, open_pool: OpenPool, reactor: ReactorBase
) -> None:
    """A standby that takes over has another timeline, at once, and so a higher incarnation."""
    settings = await migrated(own_postgres, reactor)
    pool = open_pool(settings)
    await pool.run(create_instance)
    standby = Server(new_folder(), free_port())
    own_postgres.ask(f"alter role {OWNER} replication")
    where = f"-h 127.0.0.1 -p {own_postgres.port} -U {OWNER} -D {standby.data}"
    copy = [str(BINARIES / "pg_basebackup"), *f"-R -X stream -c fast {where}".split()]
    subprocess.run(demoted(copy), check=True, capture_output=True)
    standby.start()
    try:
        own_postgres.kill()
        standby.ask("select pg_promote()")
        promoted = open_pool(standby.settings(settings.name))
        assert await promoted.run(confirm_incarnation) == 2
    finally:
        standby.remove()


@asynchronous
async def test_writes_only(own_postgres: Server, open_pool: OpenPool) -> None:
    """With two hosts the pool finds the one that answers and takes writes."""
    settings = own_postgres.create()
    dead = Host("127.0.0.1", free_port())
    two = DatabaseSettings((dead, *settings.hosts), settings.name, settings.user)
    pool = open_pool(two)
    assert await pool.run(lambda tx: tx.value("select 1")) == 1
