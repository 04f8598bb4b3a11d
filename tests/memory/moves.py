"""Moves of links, and what a balancing decision looks at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve

from maasha.db import link_moves, openings, placement, roles, watches
from tests.memory.meanings import Rows, columns, means, several, silent
from tests.memory.rows import Evenness, Move, Tables

THERE_ARE_NO_VLANS = placement.PAIRS, openings.OPENINGS, roles.PRUNE, watches.VACANCIES
for statement in THERE_ARE_NO_VLANS:
    silent(statement)


@means(link_moves.BEGIN)
def _begin(
    tables: Tables,
    links: Sequence[int],
    targets: Sequence[int | None],
    reasons: Sequence[str],
    seconds: float,
) -> int:
    begun = 0
    for link, target, reason in zip(links, targets, reasons, strict=True):
        busy = {move.rack_id for move in tables.moves.values() if move.ended is None}
        row = tables.links.get(link)
        gone = target is not None and target not in tables.workers
        if row is None or gone or row.rack_id in busy:
            continue
        key, source = tables.next("link_move"), tables.workers[row.worker_id]
        tables.moves[key] = Move(
            key,
            row.rack_id,
            link,
            source.id,
            target,
            tables.name_of(source),
            "" if target is None else tables.name_of(tables.workers[target]),
            reason,
            tables.now,
            tables.now + timedelta(seconds=seconds),
        )
        begun += 1
    return begun


@means(link_moves.ASKED)
def _asked(tables: Tables, worker: int) -> Rows:
    return [
        _asked_row(tables, move)
        for move in tables.moves.values()
        if move.source == worker
        and move.ended is None
        and move.deadline > tables.now
        and (move.target is None or move.target in tables.workers)
    ]


def _asked_row(tables: Tables, move: Move) -> dict[str, Any]:
    seconds = (move.deadline - tables.now).total_seconds()
    where: dict[str, Any] = {"pid": None, "endpoints": None, "hostname": None}
    if move.target is not None:
        to = tables.workers[move.target]
        hostname = tables.region_of(to).hostname
        where = {"pid": to.pid, "endpoints": to.endpoints, "hostname": hostname}
    return columns(move) | where | {"seconds": seconds}


@means(link_moves.END)
def _end(tables: Tables, move: int, failure: str) -> Rows:
    row = tables.moves.get(move)
    if row is None or row.ended is not None or (not failure and row.link_id in tables.links):
        return []
    tables.moves[move] = evolve(row, ended=tables.now, failure=failure)
    return [{"rack_id": row.rack_id}]


@means(link_moves.MOVED)
def _moved(tables: Tables, rack: int, worker: int) -> int:
    found = [
        link for link in tables.links.values() if (link.rack_id, link.worker_id) == (rack, worker)
    ]
    for link in found:
        tables.links[link.id] = evolve(link, moved=tables.now)
    return len(found)


def _open(tables: Tables) -> list[Move]:
    return [move for move in tables.moves.values() if move.ended is None]


@means(link_moves.ARRIVED)
def _arrived(tables: Tables) -> int:
    arrived = [move for move in _open(tables) if _has_arrived(tables, move)]
    for move in arrived:
        tables.moves[move.id] = evolve(move, ended=tables.now)
        _moved(tables, move.rack_id, move.target or 0)
    return len(arrived)


def _has_arrived(tables: Tables, move: Move) -> bool:
    gone = move.link_id not in tables.links
    if move.target is None:
        return gone
    over = gone or move.deadline < tables.now
    return over and tables.linked(move.rack_id, move.target)


@means(link_moves.OVERDUE)
def _overdue(tables: Tables) -> int:
    told = [(move, _why_over(tables, move)) for move in _open(tables)]
    over = [(move, why) for move, why in told if why]
    for move, why in over:
        tables.moves[move.id] = evolve(move, ended=tables.now, failure=why)
    return len(over)


def _why_over(tables: Tables, move: Move) -> str:
    if move.link_id not in tables.links:
        return "the link ended by itself"
    if move.target is not None and move.target not in tables.workers:
        return "the new worker is gone"
    return "no word of it in time" if move.deadline < tables.now else ""


@means(link_moves.LIST)
def _list(tables: Tables, before: int | None, limit: int) -> Rows:
    found = [move for move in tables.moves.values() if before is None or move.id < before]
    return [
        columns(move) | {"rack": tables.racks[move.rack_id].hostname}
        for move in found[::-1][:limit]
    ]


@means(link_moves.PRUNE)
def _prune(tables: Tables, days: int) -> int:
    old = [key for key, move in tables.moves.items() if move.begun < tables.ago(days * 86400.0)]
    for key in old:
        del tables.moves[key]
    return len(old)


# what a decision looks at


@means(placement.WORKERS)
def _workers(tables: Tables, late: float, ttl: float) -> Rows:
    linked = {link.worker_id for link in tables.links.values()}
    return [
        {
            "id": worker.id,
            "system_id": tables.region_of(worker).system_id,
            "capacity": worker.capacity,
            "late": not tables.lives(worker, late),
            "draining": worker.leaving or not worker.endpoints or tables.drained(worker),
        }
        for worker in sorted(tables.workers.values(), key=lambda worker: worker.id)
        if tables.lives(worker, ttl) and (worker.endpoints or worker.id in linked)
    ]


@means(placement.LINKS)
def _links(tables: Tables) -> Rows:
    return [
        {"id": each.id, "rack_id": each.rack_id, "worker_id": each.worker_id, "moved": each.moved}
        for each in tables.links.values()
        if tables.racks[each.rack_id].counts
    ]


@means(placement.RACKS)
def _racks(tables: Tables) -> Rows:
    drained = {drain.rack_id for drain in tables.drains.values()}
    return [
        {
            "id": rack.id,
            "owner": rack.owner,
            "last_seen": rack.last_seen,
            "vanished_known": rack.vanished_known,
            "draining": rack.id in drained,
        }
        for rack in tables.racks.values()
        if rack.counts
    ]


@means(placement.UNDER_WAY)
def _under_way(tables: Tables, lately: float) -> Rows:
    return [
        columns(move) | {"open": move.ended is None, "failed": move.failure != ""}
        for move in tables.moves.values()
        if move.ended is None or move.begun > tables.ago(lately)
    ]


@means("select clock_timestamp()")
def _clock(tables: Tables) -> Rows:
    return [{"clock_timestamp": tables.now}]


@means(placement.NOTE)
def _note(tables: Tables, ratio: float, links: int, workers: int, rest: float) -> int:
    last = tables.evenness[-1] if tables.evenness else None
    same = last is not None and (last.ratio, last.links, last.workers) == (ratio, links, workers)
    if same or (last is not None and last.at > tables.ago(rest)):
        return 0
    tables.evenness += (Evenness(tables.now, ratio, links, workers),)
    return 1


@means(placement.HISTORY)
def _history(tables: Tables, before: datetime | None, seconds: float | None, limit: int) -> Rows:
    since = None if seconds is None else tables.ago(seconds)
    older = [each for each in tables.evenness if since is not None and each.at < since]
    told = [*older[-1:], *tables.evenness[len(older) :]]
    found = [each for each in told if before is None or each.at < before]
    return several(found[::-1][:limit])


@means(placement.PRUNE)
def _prune_evenness(tables: Tables, days: int) -> int:
    kept = tuple(each for each in tables.evenness if each.at >= tables.ago(days * 86400.0))
    gone, tables.evenness = len(tables.evenness) - len(kept), kept
    return gone


@means(placement.WORKER_NAMES)
def _worker_names(tables: Tables) -> Rows:
    named = [(tables.region_of(worker).hostname, worker) for worker in tables.workers.values()]
    named.sort(key=lambda one: (one[0], one[1].slot))
    return [
        {"id": worker.id, "hostname": hostname, "slot": worker.slot} for hostname, worker in named
    ]


@means(placement.RACK_NAMES)
def _rack_names(tables: Tables) -> Rows:
    racks = [rack for rack in tables.racks.values() if rack.deleted is None]
    racks.sort(key=lambda rack: rack.hostname)
    return [{"id": rack.id, "hostname": rack.hostname} for rack in racks]
