"""Regions and their workers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import evolve

from maasha.db import regions
from maasha.model.stamp import Stamp
from tests.memory.meanings import Rows, columns, means, silent, there
from tests.memory.rows import Region, Tables, Worker

silent("lock table worker in share row exclusive mode")


@means("update region set version = %s where hostname = %s returning system_id")
def _known(tables: Tables, version: str, hostname: str) -> Rows:
    for region in tables.regions.values():
        if region.hostname == hostname:
            tables.regions[region.id] = evolve(region, version=version)
            return [{"system_id": region.system_id}]
    return []


@means("insert into region (system_id, hostname, version) values (%s, %s, %s)")
def _found(tables: Tables, system_id: str, hostname: str, version: str) -> int:
    key = tables.next("region")
    tables.regions[key] = Region(key, system_id, hostname, version)
    return 1


@means(regions.NEXT_EPOCH)
def _next_epoch(tables: Tables) -> Rows:
    return [{"incarnation": tables.incarnation, "counter": tables.next("worker_epoch")}]


@means(regions.INSERT)
def _insert(tables: Tables, **said: Any) -> Rows:
    return _write(tables, tables.next("worker"), **said)


@means(regions.REINSERT)
def _reinsert(tables: Tables, id: int, **said: Any) -> Rows:
    return _write(tables, id, **said)


def _write(
    tables: Tables, key: int, region: str, incarnation: int, counter: int, **said: Any
) -> Rows:
    (place,) = [one.id for one in tables.regions.values() if one.system_id == region]
    slot: int = said["slot"]
    assert _in_slot(tables, region, slot) is None, "the slot has a row"
    made = Worker(
        id=key,
        region_id=place,
        epoch_incarnation=incarnation,
        epoch_counter=counter,
        heartbeat=tables.now,
        **said,
    )
    tables.workers[key] = made
    return [{"id": key}]


@means(regions.MOVE_SEQUENCE)
def _move_sequence(tables: Tables) -> Rows:
    tables.sequences["worker"] = max(*tables.workers, tables.next("worker"))
    return [{"setval": tables.sequences["worker"]}]


def _in_slot(tables: Tables, region: str, slot: int) -> Worker | None:
    for worker in tables.workers.values():
        if tables.region_of(worker).system_id == region and worker.slot == slot:
            return worker
    return None


@means(regions.IN_SLOT)
def _holder(tables: Tables, ttl: float, region: str, slot: int) -> Rows:
    worker = _in_slot(tables, region, slot)
    if worker is None:
        return []
    hostname = tables.region_of(worker).hostname
    alive = tables.lives(worker, ttl)
    return [{**columns(worker), "hostname": hostname, "alive": alive}]


def _of_epoch(tables: Tables, key: int, epoch: Stamp) -> Worker | None:
    row = tables.workers.get(key)
    same = row is not None and Stamp(row.epoch_incarnation, row.epoch_counter) == epoch
    return row if same else None


@means(regions.BEAT)
def _beat(tables: Tables, key: int, incarnation: int, counter: int) -> int:
    row = _of_epoch(tables, key, Stamp(incarnation, counter))
    if row is None:
        return 0
    tables.workers[key] = evolve(row, heartbeat=tables.now)
    return 1


@means(regions.PUBLISH)
def _publish(tables: Tables, text: str, key: int, incarnation: int, counter: int) -> int:
    row = _of_epoch(tables, key, Stamp(incarnation, counter))
    if row is None:
        return 0
    tables.workers[key] = evolve(row, endpoints=json.loads(text))
    return 1


@means(regions.LEAVE)
def _leave(tables: Tables, key: int) -> int:
    row = tables.workers.get(key)
    if row is None:
        return 0
    tables.workers[key] = evolve(row, leaving=True)
    return 1


def _open(tables: Tables, worker: Worker) -> bool:
    return not (worker.leaving or tables.drained(worker))


@means(regions.GIVES_WAY)
def _gives_way(tables: Tables, ttl: float, key: int) -> Rows:
    worker = tables.workers.get(key)
    if worker is None:
        return []
    others = any(
        _open(tables, other) and other.endpoints and tables.lives(other, ttl)
        for other in tables.workers.values()
    )
    return [{"way": not _open(tables, worker) and others}]


@means(regions.SELECT)
def _select(tables: Tables, ttl: float) -> Rows:
    found = []
    for worker in tables.workers.values():
        region = tables.region_of(worker)
        more = {
            "system_id": region.system_id,
            "hostname": region.hostname,
            "drained": not _open(tables, worker),
            "links": sum(link.worker_id == worker.id for link in tables.links.values()),
            "alive": tables.lives(worker, ttl),
        }
        found.append(columns(worker) | more)
    return sorted(found, key=lambda row: (row["hostname"], row["slot"]))


@means("select * from worker where id = %s for update")
def _one(tables: Tables, key: int) -> Rows:
    return [columns(tables.workers[key])] if key in tables.workers else []


@means("select from worker where id = %s", "select from worker where id = %s for key share")
def _is_there(tables: Tables, key: int) -> Rows:
    return there(key in tables.workers)


# the dead


@means(regions.DEAD)
def _dead(tables: Tables, ttl: float, me: int) -> Rows:
    dead = [w for w in tables.workers.values() if w.heartbeat < tables.ago(ttl) and w.id != me]
    return [{"id": worker.id} for worker in sorted(dead, key=lambda worker: worker.id)]


@means(regions.HEARD)
def _heard(tables: Tables, workers: Sequence[int]) -> int:
    links = tables.links.values()
    return tables.heard({link.rack_id for link in links if link.worker_id in workers})


@means(regions.REAP)
def _reap(tables: Tables, keys: Sequence[int]) -> Rows:
    dead = [tables.workers[key] for key in keys if key in tables.workers]
    named = [(worker, tables.region_of(worker)) for worker in dead]
    tables.dismiss(keys)
    return [
        {**columns(worker), "system_id": region.system_id, "hostname": region.hostname}
        for worker, region in named
    ]


@means("delete from worker where id = %s")
def _remove(tables: Tables, key: int) -> int:
    there_was = key in tables.workers
    tables.dismiss([key])
    return int(there_was)
