"""What people want emptied, and pauses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import evolve

from maasha.db import drains
from tests.memory.meanings import Rows, columns, means
from tests.memory.rows import Drain, Instance, Rack, Region, Tables


@means(drains.BEGIN)
def _begin(
    tables: Tables,
    region: int | None,
    slot: int | None,
    rack: int | None,
    by: str,
    seconds: float,
    keep: bool,
) -> Rows:
    assert (region is None) != (rack is None)
    expires = tables.now + timedelta(seconds=seconds)
    for known in tables.drains.values():
        if (known.region_id, known.slot, known.rack_id) == (region, slot, rack):
            tables.drains[known.id] = evolve(known, by=by, expires=expires, keep=keep)
            return [{"id": known.id}]
    key = tables.next("drain")
    tables.drains[key] = Drain(key, region, slot, rack, tables.now, by, expires, keep)
    return [{"id": key}]


@means(drains.LIST)
def _list(tables: Tables, ttl: float) -> Rows:
    return [columns(each) | _shown(tables, each, ttl) for each in tables.drains.values()]


def _shown(tables: Tables, drain: Drain, ttl: float) -> dict[str, Any]:
    region = None if drain.region_id is None else tables.regions[drain.region_id]
    rack = None if drain.rack_id is None else tables.racks[drain.rack_id]
    emptied = [
        worker
        for worker in tables.workers.values()
        if worker.region_id == drain.region_id and drain.slot in (None, worker.slot)
    ]
    keys = {worker.id for worker in emptied}
    links = tables.links.values()
    holding = [tables.workers[link.worker_id] for link in links if link.rack_id == drain.rack_id]
    concerned = emptied if rack is None else holding
    return {
        "region": region.hostname if region else None,
        "rack": rack.hostname if rack else None,
        "system_id": _system_id(region or rack),
        "overdue": drain.expires < tables.now,
        "present": any(tables.lives(worker, ttl) for worker in concerned),
        "remaining": sum(link.worker_id in keys for link in links) if rack is None else 0,
    }


def _system_id(drained: Region | Rack | None) -> str:
    assert drained is not None
    return drained.system_id


@means(drains.END)
def _end(tables: Tables, drain: int, overdue: bool) -> int:
    row = tables.drains.get(drain)
    if row is None or (overdue and (row.expires >= tables.now or row.keep)):
        return 0
    del tables.drains[drain]
    return 1


@means(drains.OF_RACK)
def _of_rack(tables: Tables, rack: int) -> Rows:
    return [{"id": drain.id} for drain in tables.drains.values() if drain.rack_id == rack]


@means("select rack_id from drain where id = %s")
def _whose(tables: Tables, drain: int) -> Rows:
    row = tables.drains.get(drain)
    return [] if row is None else [{"rack_id": row.rack_id}]


def _named(found: list[Any], name: str) -> Rows:
    """Prefer who has it as a host name."""
    named = [one for one in found if name in (one.hostname, one.system_id)]
    named.sort(key=lambda one: one.hostname != name)
    return [columns(one) for one in named[:1]]


@means(drains.REGION)
def _region(tables: Tables, name: str) -> Rows:
    return _named(list(tables.regions.values()), name)


@means(drains.RACK)
def _rack(tables: Tables, name: str) -> Rows:
    return _named([rack for rack in tables.racks.values() if rack.deleted is None], name)


# pauses


def _holds(tables: Tables) -> Instance | None:
    """Give the instance while it is paused."""
    found = tables.instance
    if found is None or found.paused_by is None:
        return None
    until = found.paused_until
    return found if until is None or until > tables.now else None


@means(drains.PAUSE)
def _pause(tables: Tables, by: str, seconds: float | None) -> Rows:
    assert tables.instance is not None
    until = None if seconds is None else tables.now + timedelta(seconds=seconds)
    tables.instance = evolve(tables.instance, paused_by=by, paused_until=until)
    return [{"paused_until": until}]


@means(drains.PAUSED)
def _paused(tables: Tables) -> Rows:
    found = _holds(tables)
    if found is None:
        return []
    return [{"paused_by": found.paused_by, "paused_until": found.paused_until}]


@means(drains.RESUME)
def _resume(tables: Tables) -> int:
    found = _holds(tables)
    if found is not None:
        tables.instance = evolve(found, paused_by=None, paused_until=None)
    return int(found is not None)
