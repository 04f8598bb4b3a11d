"""How many database connections each process of a region may hold."""

from __future__ import annotations

from attrs import frozen

LIMIT = 40
"""Connections per region, whatever `num_workers` is: two regions fit PostgreSQL's default of 100
connections, with room for an administrator and for a restore."""
MASTER = 1
"""Kept back for the master and the commands of a region's host (migrations, `maasha-region`)."""
DEDICATED = 1
"""Per worker: LISTEN, the leader's lock and the leader's writes."""
MAX_POOL = 8
MIN_PER_PROCESS = 3
"""The dedicated one, one to work with and one more, so that one slow query does not stop a worker
(and so that a second connection can cancel what runs on the first)."""


@frozen
class TooManyWorkers(ValueError):
    """So many workers would leave each with fewer than three connections."""

    num_workers: int
    most: int

    def __str__(self) -> str:
        return (
            f"num_workers: {self.num_workers} workers would leave each with fewer than"
            f" {MIN_PER_PROCESS} of a region's {LIMIT} database connections;"
            f" set it to a number from 1 to {self.most}"
        )


@frozen
class Shares:
    """What one worker may open: a pool of `pool` connections and `dedicated` more."""

    pool: int
    dedicated: int = DEDICATED

    @property
    def per_worker(self) -> int:
        """All connections of one worker."""
        return self.pool + self.dedicated


def shares(num_workers: int) -> Shares:
    """Divide the region's connections; raises TooManyWorkers, also for less than one worker."""
    most = (LIMIT - MASTER) // MIN_PER_PROCESS
    if not 1 <= num_workers <= most:
        raise TooManyWorkers(num_workers, most)
    return Shares(pool=min(MAX_POOL, (LIMIT - MASTER) // num_workers - DEDICATED))


def lane(pool: int) -> int:
    """Give the share of a pool for what racks bring, and as much again for what is done for them.

    So half of the pool is always there for the API and for the worker's own rows; of the smallest
    pool, two, nothing is: there they take turns, a few milliseconds each.
    """
    return max(1, pool // 4)
