"""Racks, their links, and who owns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from maasha.db import interfaces, lost, ownership, pairings, racks, returning, services, takeovers
from maasha.model.stamp import Stamp
from tests.memory.meanings import Rows, columns, means, several, silent, there
from tests.memory.rows import Link, Rack, Tables

silent("delete from stray where system_id = %s")
silent(interfaces.STORED)
silent(returning.INTERFACES)
silent(returning.REPLACED)
silent(pairings.RENAME)
silent(takeovers.BACK)
silent(takeovers.HOLD)
silent(lost.COMPANIONS)
silent(services.STOPPED)

# who a rack is


@means(racks.BY_ID)
def _by_id(tables: Tables, system_id: str) -> Rows:
    return several([rack for rack in tables.racks.values() if rack.system_id == system_id])


@means(racks.BY_NAME)
def _by_name(tables: Tables, hostname: str) -> Rows:
    named = (rack for rack in tables.racks.values() if rack.hostname == hostname)
    return several([rack for rack in named if rack.deleted is None])


@means("select * from rack where id = %s")
def _by_key(tables: Tables, key: int) -> Rows:
    return [columns(tables.racks[key])] if key in tables.racks else []


@means(racks.INSERT)
def _insert(tables: Tables, system_id: str, hostname: str, version: str) -> Rows:
    key = tables.next("rack")
    made = tables.racks[key] = Rack(key, system_id, hostname, version, tables.now)
    return [columns(made)]


@means(racks.UPDATE)
def _update(tables: Tables, hostname: str, version: str, url: str, key: int) -> int:
    row, now = tables.racks[key], tables.now
    tables.racks[key] = evolve(row, hostname=hostname, version=version, url=url, last_seen=now)
    return 1


@means(racks.FOUND)
def _found(tables: Tables, key: int) -> int:
    row = tables.racks[key]
    if row.lost is None:
        return 0
    tables.racks[key] = evolve(row, lost=None, lost_by="")
    return 1


@means(lost.KEY)
def _key(tables: Tables, system_id: str) -> Rows:
    return [{"id": row["id"]} for row in _by_id(tables, system_id) if row["deleted"] is None]


@means(lost.RACK)
def _not_deleted(tables: Tables, key: int) -> Rows:
    return [row for row in _by_key(tables, key) if row["deleted"] is None]


@means(lost.LOST)
def _lost(tables: Tables, by: str, key: int) -> int:
    tables.racks[key] = evolve(tables.racks[key], lost=tables.now, lost_by=by)
    return 1


@means(racks.LIVE_LINK)
def _live_link(tables: Tables, rack: int, ttl: float) -> Rows:
    links = [link for link in tables.links.values() if link.rack_id == rack]
    return there(any(tables.lives(tables.workers[link.worker_id], ttl) for link in links))


@means(racks.TOMBSTONE)
def _bury(tables: Tables, system_id: str) -> Rows:
    for rack in tables.racks.values():
        if rack.system_id == system_id and rack.deleted is None:
            gone = tables.own(rack, None)
            tables.racks[rack.id] = evolve(gone, deleted=tables.now, serving=False)
            return [{"id": rack.id, "hostname": rack.hostname}]
    return []


@means(pairings.SWAP)
def _swap(tables: Tables, rack: int, new: str) -> Rows:
    before = tables.racks[rack].lease_store
    tables.racks[rack] = evolve(tables.racks[rack], lease_store=new)
    return [{"before": before}] if before != new else []


# links


@means(racks.LINK)
def _link(tables: Tables, rack: int, worker: int, remote: str) -> Rows:
    assert worker in tables.workers, "a link to a worker without a row"
    key = tables.next("link")
    tables.links[key] = Link(key, rack, worker, remote)
    return [{"id": key}]


@means("select rack_id from link where id = any(%s)")
def _racks_of(tables: Tables, links: Sequence[int]) -> Rows:
    return [{"rack_id": tables.links[key].rack_id} for key in links if key in tables.links]


@means("delete from link where id = any(%s)")
def _drop(tables: Tables, links: Sequence[int]) -> int:
    return tables.cut(links)


@means("delete from link where rack_id = %s")
def _drop_all(tables: Tables, rack: int) -> int:
    return tables.cut([link.id for link in tables.links.values() if link.rack_id == rack])


@means("select id from link where worker_id = %s and remote = %s and id <> all(%s::bigint[])")
def _links_from(tables: Tables, worker: int, remote: str, known: Sequence[int]) -> Rows:
    return [
        {"id": link.id}
        for link in tables.links.values()
        if (link.worker_id, link.remote) == (worker, remote) and link.id not in known
    ]


@means(racks.HEARD)
def _heard(tables: Tables, keys: Sequence[int]) -> int:
    return tables.heard(keys)


# owners

silent(ownership.LOCK)
silent(ownership.LOCK_ALL)


@means(ownership.LOCK_FREE)
def _free(tables: Tables, keys: Sequence[int]) -> Rows:
    return [{"id": key} for key in sorted(keys) if key in tables.racks]


@means(ownership.CLAIM_VACANT)
def _claim(
    tables: Tables,
    rack: int,
    worker: int,
    owner: int | None,
    incarnation: int | None,
    counter: int | None,
) -> Rows:
    row = tables.racks[rack]
    lost = owner is not None and (row.owner, row.owner_incarnation, row.owner_counter) == (
        owner,
        incarnation,
        counter,
    )
    free = tables.vacant(row) or lost
    if row.deleted is not None or not free or not tables.linked(rack, worker):
        return []
    won = tables.own(row, worker)
    return [{"owner_incarnation": won.owner_incarnation, "owner_counter": won.owner_counter}]


def _claimable(tables: Tables, worker: int) -> list[Rack]:
    return [
        rack
        for rack in tables.racks.values()
        if rack.deleted is None and tables.vacant(rack) and tables.linked(rack.id, worker)
    ]


@means(ownership.VACANT)
def _vacant(tables: Tables, worker: int) -> Rows:
    return several(_claimable(tables, worker))


@means(ownership.CLAIM_ALL)
def _claim_all(tables: Tables, worker: int, racks: Sequence[int]) -> int:
    won = [rack for rack in _claimable(tables, worker) if rack.id in racks]
    for rack in won:
        tables.own(rack, worker)
    return len(won)


@means(ownership.FLIP)
def _flip(
    tables: Tables, racks: Sequence[int], sources: Sequence[int], targets: Sequence[int]
) -> int:
    flipped = 0
    for key, source, target in zip(racks, sources, targets, strict=True):
        row = tables.racks.get(key)
        acts = row is not None and row.deleted is None and row.owner == source
        if row is not None and acts and tables.linked(key, target):
            tables.own(row, target)
            flipped += 1
    return flipped


@means(ownership.RELEASE)
def _release(tables: Tables, keys: Sequence[int]) -> int:
    found = [tables.racks[key] for key in set(keys) if key in tables.racks]
    lost = [rack for rack in found if rack.owner is not None and tables.vacant(rack)]
    for rack in lost:
        tables.own(rack, None)
    return len(lost)


@means(ownership.OWNED)
def _owned(tables: Tables, worker: int) -> Rows:
    racks = tables.racks.values()
    return several([rack for rack in racks if rack.owner == worker and rack.deleted is None])


@means(ownership.HELD)
def _held(tables: Tables, key: int, worker: int, incarnation: int, counter: int) -> Rows:
    row = tables.racks[key]
    return there((row.owner, row.epoch) == (worker, Stamp(incarnation, counter)))


# many that return


@means(returning.ON_RECORD)
def _on_record(tables: Tables, names: Sequence[str]) -> Rows:
    racks = tables.racks.values()
    return several([rack for rack in racks if rack.system_id in names and rack.counts])


@means(returning.LINK)
def _link_all(tables: Tables, worker: int, **said: Sequence[Any]) -> Rows:
    rows = []
    come = zip(said["racks"], said["versions"], said["urls"], said["remotes"], strict=True)
    for key, version, url, remote in come:
        before = tables.racks[key]
        vacant = before.owner != worker and tables.vacant(before)
        rack = tables.own(before, worker) if vacant else before
        rack = evolve(rack, version=version, url=url, last_seen=tables.now)
        tables.racks[key] = rack
        (made,) = _link(tables, key, worker, remote)
        rows.append({"link": made["id"], "rack_id": key, **columns(rack)})
    return rows
