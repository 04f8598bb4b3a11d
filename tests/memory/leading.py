"""What the leader lets others see, and which vanished racks people know of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from maasha.db import leading
from maasha.db.locks import SPACE, Lock
from tests.memory.meanings import Rows, columns, means
from tests.memory.rows import Leader, Tables


@means(leading.NOTE)
def _note(tables: Tables, worker: int | None, outlook: str) -> int:
    row = None if worker is None else tables.workers.get(worker)
    name = "" if row is None else tables.name_of(row)
    seen = Leader(tables.backend, name, json.loads(outlook), tables.now)
    if tables.leader is not None and evolve(tables.leader, changed=tables.now) == seen:
        return 0
    tables.leader = seen
    return 1


@means(leading.READ)
def _read(tables: Tables, space: int, lock: int) -> Rows:
    assert (space, lock) == (SPACE, Lock.LEADER.value)
    row = tables.leader
    return [] if row is None or row.backend != tables.leading else [columns(row)]


@means(leading.ACKNOWLEDGE)
def _acknowledge(tables: Tables, until: datetime, by: str) -> int:
    if tables.instance is None:
        return 0
    latest = max(until, tables.instance.vanished_known or until)
    tables.instance = evolve(tables.instance, vanished_known=latest, vanished_known_by=by)
    return 1


@means(leading.ACKNOWLEDGE_RACKS)
def _acknowledge_racks(tables: Tables, until: datetime, racks: Sequence[int]) -> int:
    known = [rack for rack in racks if rack in tables.racks]
    for rack in known:
        tables.racks[rack] = evolve(tables.racks[rack], vanished_known=until)
    return len(known)


@means(leading.KNOWN)
def _known(tables: Tables) -> Rows:
    found = tables.instance
    if found is None or found.vanished_known is None:
        return []
    known = found.vanished_known, found.vanished_known_by
    return [dict(zip(("vanished_known", "vanished_known_by"), known, strict=True))]
