"""What racks report, where there are no VLANs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from maasha.db import acts, services, services6, situations, snippets, unchanged
from maasha.model.stamp import Stamp
from tests.memory.meanings import Rows, columns, means, silent
from tests.memory.rows import Tables

for statement in (
    "select * from service where rack_id = %s",
    services.ASK_NO_MORE,
    services.SETTLE,
    services.NO_PROBLEM,
    services6.ASK_NO_MORE,
    services6.STOPPED,
    situations.SIX_ONLY,
    situations.VLANS,
    situations.LOCKED_VLANS,
    situations.RELAYED,
    situations.SUBNETS,
    situations.NAMINGS,
    situations.RANGES,
    situations.MEMBERS,
    situations.ADDRESSES,
    snippets.IN_FORCE,
):
    silent(statement)


@means(services.OWNED_AT)
def _owned_at(tables: Tables, key: int, incarnation: int, counter: int) -> Rows:
    row = tables.racks.get(key)
    same = row is not None and row.epoch == Stamp(incarnation, counter)
    return [columns(row)] if same else []


@means(services.COMPANY)
def _company(_: Tables, rack: int) -> Rows:
    return [{"member": rack}]


@means(services.FORGET_ORDERS)
def _forget_orders(tables: Tables, key: int) -> int:
    tables.racks[key] = evolve(tables.racks[key], orders=[], acts=-1, resume_upto=0)
    return 1


@means(acts.KNOW)
def _know(tables: Tables, rack: int, **told: Any) -> int:
    assert told["orders"] == "[]", "there are no VLANs"
    told["orders"] = []
    tables.racks[rack] = evolve(tables.racks[rack], **told)
    return 1


@means(services.COMMAND)
def _command(tables: Tables, key: int) -> int:
    tables.racks[key] = evolve(tables.racks[key], commanded=True)
    return 1


@means(services.REPORT)
def _report(tables: Tables, rack: int, settles: bool, **said: Any) -> int:
    row = tables.racks[rack]
    commanded = row.commanded and not settles
    tables.racks[rack] = evolve(row, last_seen=tables.now, commanded=commanded, **said)
    return 1


@means(services.RUNNING)
def _running(tables: Tables, incarnation: int, counter: int, hosts: str, key: int) -> int:
    row = tables.racks[key]
    tables.racks[key] = evolve(
        row,
        running_incarnation=incarnation,
        running_counter=counter,
        running_hosts=hosts,
    )
    return 1


@means(services.JUDGED)
def _judged(tables: Tables, incarnation: int, counter: int, key: int) -> int:
    row = tables.racks[key]
    tables.racks[key] = evolve(row, judged_incarnation=incarnation, judged_counter=counter)
    return 1


@means(situations.RACK)
def _rack(tables: Tables, rack: int) -> Rows:
    row = tables.racks.get(rack)
    if row is None or row.deleted is not None:
        return []
    secret = None if tables.instance is None else tables.instance.omapi_secret
    return [columns(row) | {"omapi_secret": secret, "six": False}]


@means(unchanged.SAME)
def _same(tables: Tables, **said: Sequence[Any]) -> Rows:
    assert not said["vlans"], "there are no VLANs"
    places = range(1, len(said["racks"]) + 1)
    same = [place for place in places if _is_same(tables, {k: said[k][place - 1] for k in EACH})]
    tables.heard(said["racks"][place - 1] for place in same)
    return [{"place": place} for place in same]


EACH = (
    "racks",
    "incarnations",
    "counters",
    "serving",
    "digests",
    "problems",
    "stores",
    "generations",
    "generation_counters",
    "acts",
    "damaged",
    "hosts",
)


def _is_same(tables: Tables, word: dict[str, Any]) -> bool:
    row = tables.racks.get(word["racks"])
    return (
        row is not None
        and row.epoch == Stamp(word["incarnations"], word["counters"])
        and (row.serving, row.digest, row.problem, row.hosts)
        == (word["serving"], word["digests"], word["problems"], word["hosts"])
        and (row.acts, row.damaged) == (word["acts"], word["damaged"])
        and word["stores"] in ("", row.lease_store)
        and not row.commanded
        and Stamp(word["generations"], word["generation_counters"]) <= row.wanted
    )
