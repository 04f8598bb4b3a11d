"""Writes how this worker's links fare, so that an operator sees it."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db.errors import DatabaseError
from maasha.db.pool import Pool
from maasha.db.round_trips import Fare, note_round_trips
from maasha.host.routine import Routine
from maasha.region.connections import Connections, RackLink
from maasha.rpc.pulse import Health

INTERVAL = 10.0
"""Seconds between two notes."""


class RoundTrips(Routine):
    """One statement for all links in a transaction of its own.

    The worker's heartbeat is not to wait for it, and a note that fails is not made up for.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, pool: Pool, connections: Connections) -> None:
        super().__init__(clock, INTERVAL, self._note, "round trips")
        self._pool = pool
        self._connections = connections

    async def _note(self) -> None:
        fares = tuple(fare_of(link) for link in self._connections)
        if not fares:
            return
        try:
            await self._pool.run(lambda tx: note_round_trips(tx, fares))
        except DatabaseError as error:
            self.log.debug("round trips are not noted: {error}", error=error)


def fare_of(link: RackLink) -> Fare:
    """Give how a link fares now."""
    taken, suspect = link.remote.round_trip, link.remote.health is Health.SUSPECT
    if taken is None:
        return Fare(link.id, None, None, suspect)
    return Fare(link.id, taken.mean, taken.deviation, suspect)
