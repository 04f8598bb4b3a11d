"""Regions and their worker processes: who is alive, since which epoch, and where it listens."""

from __future__ import annotations

import secrets
from uuid import UUID

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.locks import Lock, hold
from maasha.db.system_ids import Choose, new_system_id
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import Endpoint, EventLoop, SystemId, WorkerId, WorkerRow
from maasha.model.codec import from_loose, to_json
from maasha.model.stamp import Stamp

HEARTBEAT_INTERVAL = 2.0
"""Seconds between a worker's heartbeats."""
WORKER_TTL = 8.0
"""Seconds after its last heartbeat, by the database's clock, when a worker is dead: four missed
heartbeats, so that one slow query or a failover of 3 s kills nobody."""

DRAINED = """
(leaving or exists (select from drain where drain.region_id = worker.region_id
    and (drain.slot is null or drain.slot = worker.slot)))
"""
"""Of a row of worker: its links are to go elsewhere."""

NEXT_EPOCH = """
select coalesce((select incarnation from instance), 1) as incarnation,
    nextval('worker_epoch') as counter
"""
INSERT = """
insert into worker
    (region_id, slot, pid, token, host, capacity, epoch_incarnation, epoch_counter, heartbeat)
select id, %(slot)s, %(pid)s, %(token)s, %(host)s, %(capacity)s, %(incarnation)s, %(counter)s,
    clock_timestamp()
from region where system_id = %(region)s returning id
"""
REINSERT = """
insert into worker
    (id, region_id, slot, pid, token, host, capacity, epoch_incarnation, epoch_counter, heartbeat)
overriding system value
select %(id)s, id, %(slot)s, %(pid)s, %(token)s, %(host)s, %(capacity)s, %(incarnation)s,
    %(counter)s, clock_timestamp()
from region where system_id = %(region)s returning id
"""
IN_SLOT = """
select worker.*, hostname,
    heartbeat > clock_timestamp() - make_interval(secs => %s) as alive
from worker join region on region.id = region_id
where system_id = %s and slot = %s for update of worker
"""
BEAT = """
update worker set heartbeat = clock_timestamp()
where id = %s and (epoch_incarnation, epoch_counter) = (%s, %s)
"""
PUBLISH = """
update worker set endpoints = %s where id = %s and (epoch_incarnation, epoch_counter) = (%s, %s)
"""
LEAVE = "update worker set leaving = true where id = %s"
GIVES_WAY = f"""
select {DRAINED} and exists (
    select from worker other where not other.leaving and other.endpoints <> '[]'
    and other.heartbeat > clock_timestamp() - make_interval(secs => %s)
    and not exists (select from drain where drain.region_id = other.region_id
        and (drain.slot is null or drain.slot = other.slot))
) from worker where id = %s
"""  # noqa: S608  our own text
SELECT = f"""
select worker.*, system_id, hostname, {DRAINED} as drained,
    (select count(*) from link where worker_id = worker.id) as links,
    heartbeat > clock_timestamp() - make_interval(secs => %s) as alive
from worker join region on region.id = region_id order by hostname, slot
"""  # noqa: S608  our own text
DEAD = """
select id from worker
where heartbeat < clock_timestamp() - make_interval(secs => %s) and id <> %s
order by id for update skip locked
"""
HEARD = """
update rack set last_seen = clock_timestamp() where id in (
    select rack.id from rack where exists (
        select from link where rack_id = rack.id and worker_id = any(%s)
    ) order by rack.id for no key update skip locked
)
"""
"""Who loses a link now had it until now; a row that somebody else holds is not waited for."""
REAP = """
delete from worker using region where region.id = region_id and worker.id = any(%s)
returning worker.*, system_id, hostname
"""
MOVE_SEQUENCE = """
select setval(sequence, greatest((select max(id) from worker), nextval(sequence)))
from pg_get_serial_sequence('worker', 'id') sequence
"""


@frozen
class Identity:
    """A worker process: its place in its region, and the token that only this process has."""

    region: SystemId
    slot: int
    pid: int
    token: UUID
    host: str
    """Names the running system, another one after each boot and on each copy of a host."""
    capacity: float = 1.0
    """How many links the worker is to have, compared with an ordinary one."""


@frozen
class HostnameTaken(DatabaseError):
    """Another host that lives has this host's name, and so its place among the regions."""

    hostname: str
    pid: int

    def __str__(self) -> str:
        return (
            f"another host named {self.hostname} runs this region (its worker is process"
            f" {self.pid}): give this host another name, or end the other's region"
        )


@frozen
class Superseded(RuntimeError):
    """A newer process has this worker's slot: this one is to end."""

    slot: int
    pid: int

    def __str__(self) -> str:
        return f"slot {self.slot} belongs to a newer worker, process {self.pid}; this one ends"


async def register_region(
    tx: Transaction, hostname: str, version: str, choose: Choose = secrets.choice
) -> SystemId:
    """Give the region of this host its system id, always the same one for a host name."""
    known = "update region set version = %s where hostname = %s returning system_id"
    found = await tx.value(known, version, hostname)
    if found is not None:
        return SystemId(found)
    await hold(tx, Lock.HOSTNAME, hostname)
    found = await tx.value(known, version, hostname)
    if found is not None:
        return SystemId(found)  # another worker of this host was faster
    made = await new_system_id(tx, choose)
    await tx.execute(
        "insert into region (system_id, hostname, version) values (%s, %s, %s)",
        made,
        hostname,
        version,
    )
    await record(tx, f"region:{made}", f"region:{made}", "region.created", "info", hostname)
    return made


async def register_worker(tx: Transaction, identity: Identity) -> tuple[WorkerId, Stamp]:
    """Write a new process' row in place of its predecessor's, with a higher epoch.

    Raises HostnameTaken if the predecessor lives on another host.
    """
    predecessor = await tx.one(IN_SLOT, WORKER_TTL, identity.region, identity.slot)
    if predecessor is not None:
        if predecessor.alive and predecessor.host != identity.host:
            raise HostnameTaken(predecessor.hostname, predecessor.pid)
        await _remove(tx, WorkerId(predecessor.id))
    epoch = await _next_epoch(tx)
    worker = WorkerId(await tx.value(INSERT, _values(identity, epoch)))
    return worker, epoch


async def reinsert_worker(
    tx: Transaction, identity: Identity, worker: WorkerId, epoch: Stamp
) -> tuple[WorkerId, Stamp]:
    """Write the row of a living process that has gone (reaped by mistake, or a restored dump).

    It keeps its id if nobody else has it, and gets a higher epoch. Raises Superseded if its slot
    has a process that started later. The caller re-registers its links in the same transaction
    (`racks.relink`).
    """
    await tx.execute("lock table worker in share row exclusive mode")
    holder = await tx.one(IN_SLOT, WORKER_TTL, identity.region, identity.slot)
    if holder is not None:
        if holder.token != identity.token and _epoch(holder) > epoch:
            raise Superseded(identity.slot, holder.pid)
        await _remove(tx, WorkerId(holder.id))
    new = await _next_epoch(tx)
    if await tx.one("select from worker where id = %s", worker) is not None:
        return WorkerId(await tx.value(INSERT, _values(identity, new))), new
    await tx.execute(REINSERT, {**_values(identity, new), "id": worker})
    await tx.execute(MOVE_SEQUENCE)
    return worker, new


async def heartbeat(tx: Transaction, worker: WorkerId, epoch: Stamp) -> bool:
    """Say that this worker lives; False: its row has gone, it must stop to act."""
    return await tx.execute(BEAT, worker, epoch.incarnation, epoch.counter) == 1


async def publish_endpoints(
    tx: Transaction, worker: WorkerId, epoch: Stamp, endpoints: tuple[Endpoint, ...]
) -> bool:
    """Say where racks reach this worker; False: its row has gone."""
    text = to_json(endpoints)
    return await tx.execute(PUBLISH, text, worker, epoch.incarnation, epoch.counter) == 1


async def unregister_worker(tx: Transaction, worker: WorkerId, epoch: Stamp) -> None:
    """Take the row of a worker that ends in good order, with its links."""
    row = await tx.one("select * from worker where id = %s for update", worker)
    if row is not None and _epoch(row) == epoch:
        await _remove(tx, worker)


async def reap_dead(tx: Transaction, ttl: float, me: WorkerId) -> tuple[WorkerRow, ...]:
    """Remove workers without a heartbeat for `ttl` seconds, with their links, and give them.

    Only for a worker that has itself been in unbroken contact with the database for `ttl`: after
    an outage every heartbeat is old. Rows that another reaper holds are left to it.
    """
    dead = [row.id for row in await tx.rows(DEAD, ttl, me)]
    if not dead:
        return ()
    await tx.execute(HEARD, dead)
    rows = await tx.rows(REAP, dead)
    for row in rows:
        subject, detail = f"region:{row.system_id}", f"{row.hostname}:pid={row.pid}"
        await record(tx, f"worker:{me}", subject, "worker.dead", "warning", detail)
    await notify(tx, Channel.RACKS)
    return tuple(_worker(row) for row in rows)


async def workers(tx: Transaction, ttl: float = WORKER_TTL) -> tuple[WorkerRow, ...]:
    """List the workers that live."""
    return tuple(_worker(row) for row in await tx.rows(SELECT, ttl) if row.alive)


async def event_loops(
    tx: Transaction,
    ttl: float = WORKER_TTL,
    but: WorkerId | None = None,
    below: int | None = None,
) -> tuple[EventLoop, ...]:
    """List the living workers with where they listen and their loads, by `hostname:pid=N`.

    One that has published nothing yet is left out, and so are drained ones as long as there are
    others: new links are not for them. So are `but`, and those with `below` links and more.
    """
    rows = [row for row in await tx.rows(SELECT, ttl) if row.alive and row.endpoints]
    rows = [row for row in rows if row.id != but and (below is None or row.links < below)]
    rows = [row for row in rows if not row.drained] or rows
    return tuple(_event_loop(row) for row in rows)


async def begin_leaving(tx: Transaction, worker: WorkerId) -> None:
    """Note that a worker is about to end: its links are moved away."""
    await tx.execute(LEAVE, worker)
    await notify(tx, Channel.PLACEMENT)


async def gives_way(tx: Transaction, worker: WorkerId, ttl: float = WORKER_TTL) -> bool:
    """Whether a worker is drained and there are others that are not."""
    return bool(await tx.value(GIVES_WAY, ttl, worker))


def _event_loop(row: Row) -> EventLoop:
    name, load = f"{row.hostname}:pid={row.pid}", row.links / row.capacity
    return EventLoop(name, _worker(row).endpoints, load)


async def _remove(tx: Transaction, worker: WorkerId) -> None:
    await tx.execute(HEARD, [worker])
    await tx.execute("delete from worker where id = %s", worker)
    await notify(tx, Channel.RACKS)


async def _next_epoch(tx: Transaction) -> Stamp:
    row = await tx.one(NEXT_EPOCH)
    assert row is not None  # noqa: S101 -- a select without "from" always gives a row
    return Stamp(row.incarnation, row.counter)


def _values(identity: Identity, epoch: Stamp) -> dict[str, object]:
    return {
        "region": identity.region,
        "slot": identity.slot,
        "pid": identity.pid,
        "token": identity.token,
        "host": identity.host,
        "capacity": identity.capacity,
        "incarnation": epoch.incarnation,
        "counter": epoch.counter,
    }


def _epoch(row: Row) -> Stamp:
    return Stamp(row.epoch_incarnation, row.epoch_counter)


def _worker(row: Row) -> WorkerRow:
    return WorkerRow(
        id=WorkerId(row.id),
        region=SystemId(row.system_id),
        slot=row.slot,
        pid=row.pid,
        heartbeat=row.heartbeat,
        endpoints=from_loose(tuple[Endpoint, ...], row.endpoints),
        epoch=_epoch(row),
    )
