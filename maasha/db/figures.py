"""The figures that an operator's monitoring takes from rows."""

from __future__ import annotations

from attrs import frozen

from maasha.db.transaction import Transaction
from maasha.model.cluster import WorkerId

CAPACITY = "select capacity from worker where id = %s"
RATIO = "select ratio from evenness order by at desc limit 1"
MOVES = """
select count(*) filter (where ended is null) as open,
    count(*) filter (where ended is not null and failure = '') as done,
    count(*) filter (where failure <> '') as failed
from link_move where begun > clock_timestamp() - make_interval(secs => %s)
"""
LATELY = 3600.0
"""Seconds for which a move that was begun is counted."""


@frozen
class Balance:
    """How even the cluster was when that was noted last, and the moves begun `LATELY`.

    `ratio` is the greatest load over the mean, None before the first note.
    """

    ratio: float | None
    open: int
    done: int
    failed: int


async def capacity_of(tx: Transaction, worker: WorkerId) -> float | None:
    """Give how many links a worker is to have compared with others, None where it has no row."""
    row = await tx.one(CAPACITY, worker)
    return None if row is None else float(row.capacity)


async def balance(tx: Transaction) -> Balance:
    """Count it."""
    noted, (moves,) = await tx.one(RATIO), await tx.rows(MOVES, LATELY)
    ratio = None if noted is None else float(noted.ratio)
    return Balance(ratio, moves.open, moves.done, moves.failed)
