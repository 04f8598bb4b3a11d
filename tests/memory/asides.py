"""What tests do to the tables behind the back of `maasha.db`, as they do to PostgreSQL's."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from tests.integration.db import cluster
from tests.memory.meanings import Rows, means
from tests.memory.rows import Tables


@means(cluster.SILENCE)
def _silence(tables: Tables, seconds: float, key: int) -> int:
    worker = tables.workers[key]
    heartbeat = worker.heartbeat - timedelta(seconds=seconds)
    tables.workers[key] = evolve(worker, heartbeat=heartbeat)
    return 1


@means(cluster.CAPACITY)
def _capacity(tables: Tables, capacity: float, key: int) -> int:
    tables.workers[key] = evolve(tables.workers[key], capacity=capacity)
    return 1


@means(cluster.NO_WORKERS)
def _no_workers(tables: Tables) -> int:
    tables.dismiss(tuple(tables.workers))
    return 1


@means(cluster.NO_LINKS)
def _no_links(tables: Tables) -> int:
    return tables.cut(tuple(tables.links))


@means(cluster.OLD_MOVES)
def _old_moves(tables: Tables, seconds: float) -> int:
    for move in tuple(tables.moves.values()):
        begun = move.begun - timedelta(seconds=seconds)
        tables.moves[move.id] = evolve(move, begun=begun)
    return len(tables.moves)


@means(cluster.OLD_EVENNESS)
def _old_evenness(tables: Tables, seconds: float) -> int:
    back = timedelta(seconds=seconds)
    tables.evenness = tuple(evolve(each, at=each.at - back) for each in tables.evenness)
    return len(tables.evenness)


@means(cluster.OVER)
def _over(tables: Tables, key: int) -> int:
    expires = tables.now - timedelta(seconds=1)
    tables.drains[key] = evolve(tables.drains[key], expires=expires)
    return 1


@means(cluster.PAUSE_OVER)
def _pause_over(tables: Tables) -> int:
    assert tables.instance is not None
    tables.instance = evolve(tables.instance, paused_until=tables.now - timedelta(seconds=1))
    return 1


@means(cluster.RACKS)
def _racks(tables: Tables) -> Rows:
    return [{"count": len(tables.racks)}]


@means(cluster.LINKS)
def _links(tables: Tables) -> Rows:
    return [{"count": len(tables.links)}]
