"""Which one worker acts for a rack: claimed and given up by compare-and-swap."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import Ownership, RackKey, SystemId, WorkerId
from maasha.model.stamp import Stamp

LOCK = "select from rack where id = %s for update"
"""A statement of its own before each swap: what the swap then sees of the links is newer than
whatever it had to wait for. Without an owner a rack has no link to its owner either."""
FLIP = """
update rack set owner = wanted.target,
    owner_incarnation = coalesce((select incarnation from instance), 1),
    owner_counter = owner_counter + 1
from unnest(%(racks)s::bigint[], %(sources)s::bigint[], %(targets)s::bigint[])
    wanted (rack, source, target)
where rack.id = wanted.rack and deleted is null and owner = wanted.source
and exists (select from link where rack_id = rack.id and worker_id = wanted.target)
"""
CLAIM_VACANT = """
update rack set owner = %(worker)s,
    owner_incarnation = coalesce((select incarnation from instance), 1),
    owner_counter = owner_counter + 1
where id = %(rack)s and deleted is null
and (not exists (select from link where rack_id = rack.id and worker_id = rack.owner)
    or (owner, owner_incarnation, owner_counter) = (%(owner)s, %(incarnation)s, %(counter)s))
and exists (select from link where rack_id = rack.id and worker_id = %(worker)s)
returning owner_incarnation, owner_counter
"""
LOCK_ALL = "select from rack where id = any(%s) order by id for update"
LOCK_FREE = "select id from rack where id = any(%s) order by id for no key update skip locked"
CLAIM_ALL = """
update rack set owner = %(worker)s,
    owner_incarnation = coalesce((select incarnation from instance), 1),
    owner_counter = owner_counter + 1
where id = any(%(racks)s) and deleted is null
and not exists (select from link where rack_id = rack.id and worker_id = rack.owner)
and exists (select from link where rack_id = rack.id and worker_id = %(worker)s)
"""
RELEASE = """
update rack set owner = null,
    owner_incarnation = coalesce((select incarnation from instance), 1),
    owner_counter = owner_counter + 1
where id = any(%s) and owner is not null
and not exists (select from link where rack_id = rack.id and worker_id = rack.owner)
"""
VACANT = """
select id, owner, owner_incarnation, owner_counter from rack
where deleted is null
and not exists (select from link where rack_id = rack.id and worker_id = rack.owner)
and exists (select from link where rack_id = rack.id and worker_id = %(worker)s)
order by id
"""
OWNED = """
select id, system_id, owner, owner_incarnation, owner_counter from rack
where owner = %s and deleted is null order by id
"""
HELD = """
select from rack
where id = %s and (owner, owner_incarnation, owner_counter) = (%s, %s, %s) for share
"""


@frozen
class Vacancy:
    """A rack that nobody can act for; `lost` is the owner it had, None if it had none."""

    rack: RackKey
    lost: Ownership | None


@frozen
class Owned:
    """A rack that this worker acts for."""

    rack: RackKey
    system_id: SystemId
    ownership: Ownership


async def claim(
    tx: Transaction, rack: RackKey, lost: Ownership | None, worker: WorkerId
) -> Ownership | None:
    """Make `worker` the owner; None: somebody else is, or it has no link to the rack.

    It succeeds if nobody owns the rack, if the owner has no link to it, or if the owner is still
    the one that was lost. Of two that claim at once one wins.
    """
    await tx.execute(LOCK, rack)
    row = await tx.one(CLAIM_VACANT, {"rack": rack, "worker": worker, **_stamp(lost)})
    if row is None:
        return None
    await notify(tx, Channel.RACKS, rack)
    return Ownership(worker, epoch_of(row))


async def claim_vacant(tx: Transaction, racks: Sequence[RackKey], worker: WorkerId) -> int:
    """Make `worker` the owner of those that nobody can act for; gives how many.

    One that somebody else holds at this moment is left as it is.
    """
    free = [row.id for row in await tx.rows(LOCK_FREE, list(racks))]
    claimed = await tx.execute(CLAIM_ALL, {"racks": free, "worker": worker})
    if claimed:
        await notify(tx, Channel.RACKS)
    return claimed


async def flip(tx: Transaction, wanted: Sequence[tuple[RackKey, WorkerId, WorkerId]]) -> int:
    """Let a second worker act for a rack in the stead of a first one; gives for how many.

    It is left as it is where the first one does not act for it, or the second has no link to it.
    """
    await lock(tx, [rack for rack, _, _ in wanted])
    racks, sources, targets = zip(*wanted, strict=True) if wanted else ((), (), ())
    values = {"racks": list(racks), "sources": list(sources), "targets": list(targets)}
    flipped = await tx.execute(FLIP, values)
    if flipped:
        await notify(tx, Channel.RACKS)
    return flipped


async def release(tx: Transaction, racks: Sequence[RackKey]) -> int:
    """Take racks from owners that have no link to them any more; gives how many it were."""
    await lock(tx, racks)
    released = await tx.execute(RELEASE, list(racks))
    if released:
        await notify(tx, Channel.RACKS)
    return released


async def lock(tx: Transaction, racks: Sequence[RackKey]) -> None:
    """Hold racks until the transaction ends; in their order, so that nobody waits in a ring."""
    await tx.execute(LOCK_ALL, list(racks))


async def claimable(tx: Transaction, worker: WorkerId) -> tuple[Vacancy, ...]:
    """List the racks that `worker` has a link to and nobody can act for."""
    rows = await tx.rows(VACANT, {"worker": worker})
    return tuple(Vacancy(RackKey(row.id), owner_of(row)) for row in rows)


async def owned_by(tx: Transaction, worker: WorkerId) -> tuple[Owned, ...]:
    """List the racks that `worker` acts for."""
    rows = await tx.rows(OWNED, worker)
    return tuple(
        Owned(RackKey(row.id), SystemId(row.system_id), Ownership(worker, epoch_of(row)))
        for row in rows
    )


async def still_owns(tx: Transaction, rack: RackKey, ownership: Ownership) -> bool:
    """Whether it is still so; if it is, nobody else becomes owner before the transaction ends."""
    epoch = ownership.epoch
    row = await tx.one(HELD, rack, ownership.worker, epoch.incarnation, epoch.counter)
    return row is not None


def owner_of(row: Row) -> Ownership | None:
    """Read the owner's columns of a rack's row."""
    if row.owner is None:
        return None
    return Ownership(WorkerId(row.owner), epoch_of(row))


def epoch_of(row: Row) -> Stamp:
    """Read the epoch's columns of a rack's row."""
    return Stamp(row.owner_incarnation, row.owner_counter)


def _stamp(lost: Ownership | None) -> dict[str, object]:
    if lost is None:
        return {"owner": None, "incarnation": None, "counter": None}
    epoch = lost.epoch
    return {"owner": lost.worker, "incarnation": epoch.incarnation, "counter": epoch.counter}
