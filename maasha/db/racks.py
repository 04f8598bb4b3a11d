"""Racks and their links: who a rack is, which workers it is linked to, and how it parts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.drains import end_drain_of
from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.instance import raise_incarnation
from maasha.db.locks import Lock, hold
from maasha.db.ownership import claim, epoch_of, lock, owner_of, release
from maasha.db.pairings import note_lease_store
from maasha.db.regions import WORKER_TTL
from maasha.db.system_ids import Choose, new_system_id, well_formed
from maasha.db.takeovers import end_takeovers, hold_taken
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import Introduction, LinkId, Ownership, RackKey, SystemId, WorkerId
from maasha.model.stamp import Stamp

BY_ID = "select * from rack where system_id = %s for update"
BY_NAME = "select * from rack where hostname = %s and deleted is null for update"
INSERT = """
insert into rack (system_id, hostname, version) values (%s, %s, %s) returning *
"""
UPDATE = """
update rack set hostname = %s, version = %s, url = %s, last_seen = clock_timestamp()
where id = %s
"""
FOUND = "update rack set lost = null, lost_by = '' where id = %s and lost is not null"
LIVE_LINK = """
select from link join worker on worker.id = worker_id
where rack_id = %s and heartbeat > clock_timestamp() - make_interval(secs => %s) limit 1
"""
HEARD = "update rack set last_seen = clock_timestamp() where id = any(%s)"
LINK = "insert into link (rack_id, worker_id, remote) values (%s, %s, %s) returning id"
TOMBSTONE = """
update rack set deleted = clock_timestamp(), serving = false, owner = null,
    owner_incarnation = coalesce((select incarnation from instance), 1),
    owner_counter = owner_counter + 1
where system_id = %s and deleted is null returning id, hostname
"""


class RackRefused(DatabaseError):
    """A rack may not register as what it says it is."""


@frozen
class RackDeleted(RackRefused):
    """The rack was deleted from this instance."""

    system_id: SystemId

    def __str__(self) -> str:
        return (
            f"rack {self.system_id} was deleted from this instance; to bring the host back as a"
            " new rack, run `maasha-rack register` on it"
        )


@frozen
class RackForgotten(RackRefused):
    """The rack is ours by its key, and has no row."""

    system_id: SystemId

    def __str__(self) -> str:
        return f"rack {self.system_id} is not on record; maasha rack-controller readmit it"


@frozen
class RackNameTaken(RackRefused):
    """Another rack that is linked now has the same host name."""

    hostname: str
    holder: SystemId

    def __str__(self) -> str:
        return (
            f"rack {self.holder} is linked under the name {self.hostname}: give this host another"
            " name, or delete that rack if it is gone"
        )


@frozen
class RackCloned(RackRefused):
    """A rack under another host name is linked with this very system id."""

    system_id: SystemId
    holder: str

    def __str__(self) -> str:
        return (
            f"system id {self.system_id} belongs to {self.holder}, which is linked: if this host"
            " is a copy of it, run `maasha-rack register` here"
        )


@frozen
class WorkerGone(DatabaseError):
    """The row of the worker that holds the link has gone: it writes it anew first."""

    worker: WorkerId

    def __str__(self) -> str:
        return f"worker {self.worker} has no row in the database; it registers again"


@frozen
class Registered:
    """A link to `worker` that was registered; `owner` is who acts for the rack now."""

    rack: RackKey
    system_id: SystemId
    link: LinkId
    worker: WorkerId
    owner: Ownership | None


async def register_link(
    tx: Transaction,
    introduction: Introduction,
    worker: WorkerId,
    remote: str,
    choose: Choose = secrets.choice,
    *,
    known: bool = False,
) -> Registered:
    """Take in a rack's link to `worker`; raises RackRefused's kinds and WorkerGone.

    A rack is known by its system id; without one by its host name, if no rack of that name is
    linked. So a rack without system id registers its first link alone. `known`: the rack has
    proved its own key; one without a row of that system id is RackForgotten.
    """
    await require_worker(tx, worker)
    if introduction.system_id is not None:
        await hold_taken(tx, introduction.system_id)
    await hold(tx, Lock.HOSTNAME, introduction.hostname)
    row = await _find(tx, introduction, known=known)
    row = row or await _create(tx, introduction, choose)
    rack = RackKey(row.id)
    await tx.execute(UPDATE, introduction.hostname, introduction.version, introduction.url, rack)
    await _note_found(tx, row)
    await _outdate_unknown(tx, row, introduction)
    await note_lease_store(tx, rack, introduction.lease_store)
    return await _link(tx, rack, SystemId(row.system_id), worker, remote)


async def relink(
    tx: Transaction, system_id: SystemId, worker: WorkerId, remote: str
) -> Registered | None:
    """Write a living link anew, after its worker's row had gone; None: no such rack is left.

    Then the link is to be closed, so that the rack introduces itself again.
    """
    await hold_taken(tx, system_id)
    row = await tx.one(BY_ID, system_id)
    if row is None or row.deleted is not None:
        return None
    await _note_found(tx, row)
    return await _link(tx, RackKey(row.id), system_id, worker, remote)


async def drop_links(tx: Transaction, links: Sequence[LinkId]) -> tuple[RackKey, ...]:
    """Remove links, and each owner that has none to the rack any more; gives the racks."""
    rows = await tx.rows("select rack_id from link where id = any(%s)", list(links))
    keys = [RackKey(row.rack_id) for row in rows]
    if keys:
        await lock(tx, keys)
        await tx.execute("delete from link where id = any(%s)", list(links))
        await tx.execute(HEARD, keys)
        await release(tx, keys)
        await notify(tx, Channel.RACKS)
    return tuple(keys)


async def links_from(
    tx: Transaction, worker: WorkerId, remote: str, known: Iterable[LinkId]
) -> tuple[LinkId, ...]:
    """List the links of `worker` from an address and port, without the known ones."""
    rows = await tx.rows(
        "select id from link where worker_id = %s and remote = %s and id <> all(%s::bigint[])",
        worker,
        remote,
        list(known),
    )
    return tuple(LinkId(row.id) for row in rows)


async def outdate(tx: Transaction, rack: RackKey, known: Stamp) -> bool:
    """Raise the incarnation if a rack obeys an epoch that this database has never given out.

    False, and nothing is written: the database knows it, a newer owner gave it lawfully.
    """
    row = await tx.one("select * from rack where id = %s", rack)
    if row is None or known <= epoch_of(row):
        return False
    why = f"rack {row.hostname} obeys epoch {known}, which the database has not given out"
    await raise_incarnation(tx, known.incarnation + 1, why)
    return True


async def delete_rack(tx: Transaction, who: str, system_id: SystemId) -> RackKey | None:
    """Leave a tombstone in place of a rack; None: there is no such rack.

    Its links go, its epoch rises, and it is refused when it comes back. Its parts in VLANs stay
    on record: whoever takes over has to know what it may still run.
    """
    row = await tx.one(TOMBSTONE, system_id)
    if row is None:
        return None
    await tx.execute("delete from link where rack_id = %s", row.id)
    await end_drain_of(tx, who, RackKey(row.id))
    await record(tx, who, f"rack:{system_id}", "rack.deleted", "warning", row.hostname)
    await notify(tx, Channel.RACKS, row.id)
    await notify(tx, Channel.DHCP, row.id)
    return RackKey(row.id)


async def require_worker(tx: Transaction, worker: WorkerId) -> None:
    """Keep a worker's row until the transaction ends; raises WorkerGone."""
    if await tx.one("select from worker where id = %s for key share", worker) is None:
        raise WorkerGone(worker)


async def is_linked(tx: Transaction, rack: RackKey) -> bool:
    """Whether a rack has a link to a worker that lives."""
    return await tx.one(LIVE_LINK, rack, WORKER_TTL) is not None


async def _find(tx: Transaction, introduction: Introduction, *, known: bool) -> Row | None:
    if introduction.system_id is not None:
        row = await tx.one(BY_ID, introduction.system_id)
        if row is not None:
            await _require_same(tx, row, introduction)
            return row
        if known:
            raise RackForgotten(introduction.system_id)
    named = await tx.one(BY_NAME, introduction.hostname)
    if named is not None and await is_linked(tx, RackKey(named.id)):
        raise RackNameTaken(introduction.hostname, SystemId(named.system_id))
    return named


async def _require_same(tx: Transaction, row: Row, introduction: Introduction) -> None:
    """Refuse a deleted rack, a copy of a linked one, and a new name that is taken."""
    if row.deleted is not None:
        raise RackDeleted(SystemId(row.system_id))
    if row.hostname == introduction.hostname:
        return
    if await is_linked(tx, RackKey(row.id)):
        raise RackCloned(SystemId(row.system_id), row.hostname)
    named = await tx.one(BY_NAME, introduction.hostname)
    if named is not None:
        raise RackNameTaken(introduction.hostname, SystemId(named.system_id))


async def _create(tx: Transaction, introduction: Introduction, choose: Choose) -> Row:
    """Make a rack; one that a restored database forgot keeps the system id that it has."""
    claimed = introduction.system_id
    keeps = claimed is not None and well_formed(claimed)
    system_id = claimed if claimed and keeps else await new_system_id(tx, choose)
    row = await tx.one(INSERT, system_id, introduction.hostname, introduction.version)
    assert row is not None  # noqa: S101 -- "insert ... returning" gives the row or raises
    subject = f"rack:{system_id}"
    await tx.execute("delete from stray where system_id = %s", system_id)
    await record(tx, subject, subject, "rack.created", "info", introduction.hostname)
    return row


async def _note_found(tx: Transaction, row: Row) -> None:
    """End a person's word that the rack is lost for good, or off for now: here it is."""
    if await tx.execute(FOUND, row.id):
        subject, detail = f"rack:{row.system_id}", f"declared lost by {row.lost_by}"
        await record(tx, subject, subject, "rack.found", "info", detail)
    await end_takeovers(tx, f"rack:{row.system_id}", RackKey(row.id))


async def _outdate_unknown(tx: Transaction, row: Row, introduction: Introduction) -> None:
    """Raise the incarnation if the rack has seen stamps that this database never gave out."""
    wanted = Stamp(row.wanted_incarnation, row.wanted_counter)
    seen = max(introduction.epoch, introduction.generation)
    if introduction.epoch > epoch_of(row) or introduction.generation > wanted:
        why = f"rack {introduction.hostname} has seen {seen}, the database has not"
        await raise_incarnation(tx, seen.incarnation + 1, why)


async def _link(
    tx: Transaction, rack: RackKey, system_id: SystemId, worker: WorkerId, remote: str
) -> Registered:
    link = LinkId(await tx.value(LINK, rack, worker, remote))
    owner = await claim(tx, rack, None, worker)
    if owner is None:
        row = await tx.one("select * from rack where id = %s", rack)
        owner = owner_of(row) if row else None
    await notify(tx, Channel.RACKS, rack)
    return Registered(rack, system_id, link, worker, owner)
