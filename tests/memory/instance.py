"""The instance, its history, and what is said of the schema."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from attrs import evolve

from maasha.db import events, instance, locks, system_ids
from maasha.db.migrate import known
from tests.memory.meanings import NOTHING, Rows, columns, means, several, there
from tests.memory.rows import Event, Instance, Tables

FINGERPRINT = "in memory"
SCHEMA = tuple({"number": m.number, "name": m.name, "sha256": m.sha256} for m in known())


@means("select to_regclass('schema_version')")
def _is_migrated(_: Tables) -> Rows:
    return [{"to_regclass": "schema_version"}]


@means("select number, name, sha256 from schema_version order by number")
def _schema(_: Tables) -> Rows:
    return SCHEMA


@means("select pg_advisory_xact_lock(%s, %s)", "select pg_advisory_xact_lock(%s, hashtext(%s))")
def _hold(_: Tables, space: int, key: object) -> Rows:
    """Nobody else is there while a transaction runs."""
    assert locks.SPACE <= space < locks.SPACE + 2 * len(locks.Lock), key
    return [NOTHING]


@means(instance.FINGERPRINT)
def _fingerprint(_: Tables) -> Rows:
    return [{"concat_ws": FINGERPRINT}]


@means(instance.CREATE)
def _create(tables: Tables, secret: str, omapi: str, root: str, fingerprint: str) -> Rows:
    if tables.instance is not None:
        return []
    tables.instance = Instance(UUID(int=1), secret, omapi, root, fingerprint)
    return [{"incarnation": 1}]


@means("select * from instance", "select * from instance for update")
def _read(tables: Tables) -> Rows:
    return [] if tables.instance is None else [columns(tables.instance)]


@means(instance.RAISE)
def _raise(tables: Tables, by: int, at_least: int, fingerprint: str) -> Rows:
    assert tables.instance is not None
    new = max(tables.instance.incarnation + by, at_least)
    tables.instance = evolve(tables.instance, incarnation=new, fingerprint=fingerprint)
    return [{"incarnation": new}]


@means(instance.SUPERSEDE)
def _supersede(tables: Tables, new: int) -> int:
    for rack in tuple(tables.racks.values()):
        tables.racks[rack.id] = evolve(
            rack,
            owner=None,
            owner_incarnation=new,
            owner_counter=rack.owner_counter + 1,
            wanted_incarnation=new,
            wanted_counter=rack.wanted_counter + 1,
        )
    return len(tables.racks)


@means(system_ids.TAKEN)
def _taken(tables: Tables, id: str) -> Rows:
    regions = {region.system_id for region in tables.regions.values()}
    return there(id in regions | {rack.system_id for rack in tables.racks.values()})


# events


@means(events.INSERT)
def _record(tables: Tables, *told: Any) -> Rows:
    who, subject, kind, severity, detail, clears = told
    key = tables.next("event")
    tables.events[key] = Event(key, tables.now, who, subject, kind, severity, detail, clears)
    return [{"id": key}]


def _open(tables: Tables) -> list[Event]:
    cleared = {event.clears for event in tables.events.values()}
    return [e for e in tables.events.values() if e.severity == "alarm" and e.id not in cleared]


@means(events.OPEN_OF)
def _open_of(tables: Tables, subject: str, kind: str) -> Rows:
    return several([e for e in _open(tables) if (e.subject, e.kind) == (subject, kind)])


@means(events.OPEN_ALL)
def _open_all(tables: Tables) -> Rows:
    return several(_open(tables))


@means(events.LIST)
def _list(tables: Tables, before: int | None, subject: str | None, limit: int) -> Rows:
    found = [
        event
        for event in tables.events.values()
        if (before is None or event.id < before) and subject in (None, event.subject)
    ]
    return several(found[::-1][:limit])
