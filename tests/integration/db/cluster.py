"""A small cluster in the database, for tests: an instance, a region, workers, racks and links."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_interface
from uuid import uuid4

from attrs import frozen

from maasha.db.instance import create_instance
from maasha.db.interfaces import store_interfaces
from maasha.db.pool import Pool
from maasha.db.racks import Registered, register_link
from maasha.db.regions import (
    Identity,
    publish_endpoints,
    register_region,
    register_worker,
)
from maasha.db.transaction import Transaction
from maasha.model.cluster import Endpoint, Introduction, SystemId, WorkerId
from maasha.model.network import Interface
from maasha.model.stamp import Stamp

SILENCE = "update worker set heartbeat = heartbeat - make_interval(secs => %s) where id = %s"
CAPACITY = "update worker set capacity = %s where id = %s"
NO_WORKERS = "delete from worker"
NO_LINKS = "delete from link"
OLD_MOVES = "update link_move set begun = begun - make_interval(secs => %s)"
OLD_EVENNESS = "update evenness set at = at - make_interval(secs => %s)"
OVER = "update drain set expires = clock_timestamp() - interval '1 second' where id = %s"
PAUSE_OVER = "update instance set paused_until = clock_timestamp() - interval '1 second'"
RACKS = "select count(*) from rack"
LINKS = "select count(*) from link"
"""What tests do to the rows behind the back of `maasha.db`; the database in memory knows it too."""


@frozen
class Worker:
    """A worker that registered."""

    identity: Identity
    id: WorkerId
    epoch: Stamp


async def found(pool: Pool) -> SystemId:
    """Make the instance and one region."""

    async def work(tx: Transaction) -> SystemId:
        await create_instance(tx)
        return await register_region(tx, "region1", "0.1.0")

    return await pool.run(work)


async def hire(
    pool: Pool, region: SystemId, slot: int, pid: int = 100, host: str = "boot"
) -> Worker:
    """Register a worker."""
    identity = Identity(region, slot, pid + slot, uuid4(), host)
    worker, epoch = await pool.run(lambda tx: register_worker(tx, identity))
    return Worker(identity, worker, epoch)


async def staff(pool: Pool, region: SystemId, count: int) -> list[Worker]:
    """Register workers that take racks: they have said where."""
    made = [await hire(pool, region, slot) for slot in range(count)]
    for worker in made:
        where = (Endpoint("192.0.2.1", 5250 + worker.identity.slot),)
        listens = partial(publish_endpoints, worker=worker.id, epoch=worker.epoch, endpoints=where)
        assert await pool.run(listens)
    return made


async def link(
    pool: Pool, worker: Worker, hostname: str, system_id: SystemId | None = None, **more: object
) -> Registered:
    """Register a rack's link."""
    introduction = Introduction(hostname, "0.1.0", system_id, **more)  # type: ignore[arg-type]
    return await pool.run(lambda tx: register_link(tx, introduction, worker.id, "192.0.2.9:40000"))


def interface(name: str, *addresses: str) -> Interface:
    """Give an interface with addresses such as "10.0.0.1/24"."""
    return Interface(name, "52:54:00:00:00:01", tuple(ip_interface(one) for one in addresses))


async def plug(pool: Pool, rack: Registered, *interfaces: Interface) -> bool:
    """Store a rack's interfaces."""
    return await pool.run(lambda tx: store_interfaces(tx, rack.rack, interfaces))


async def silence(pool: Pool, worker: Worker, seconds: float = 60.0) -> None:
    """Make a worker's last heartbeat look old."""
    await aside(pool, SILENCE, seconds, worker.id)


async def aside(pool: Pool, sql: str, *values: object) -> None:
    """Change rows behind the back of `maasha.db`."""
    await pool.run(lambda tx: tx.execute(sql, *values))


async def count(pool: Pool, sql: str) -> int:
    """Count rows."""
    found: int = await pool.run(lambda tx: tx.value(sql))
    return found
