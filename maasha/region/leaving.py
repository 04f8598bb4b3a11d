"""The end of a worker in good order: its links go to others before it closes the rest."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.regions import begin_leaving, gives_way
from maasha.model.cluster import WorkerId
from maasha.region.connections import Connections

LOOK = 0.2
"""Seconds between looks whether links are left, and somebody to take them."""

log = Logger()


async def move_away(
    clock: IReactorTime,
    pool: Runner,
    worker: WorkerId,
    connections: Connections,
    seconds: float,
) -> None:
    """Have the leader move this worker's links, for at most so long.

    Where no other worker would take them, or there is no database, nothing is waited for.
    """
    if seconds <= 0:
        return
    end = clock.seconds() + seconds
    try:
        await pool.run(lambda tx: begin_leaving(tx, worker))
        while len(connections) and clock.seconds() < end:
            if not await pool.run(lambda tx: gives_way(tx, worker), read_only=True):
                return
            await deferLater(clock, LOOK)
    except DatabaseError as error:
        log.info("links are not moved away: {error}", error=error)
