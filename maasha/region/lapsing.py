"""Has leases end when their time is over, though the rack that granted them is dead."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.lapses import tell_lapsed
from maasha.host.routine import Routine

INTERVAL = 30.0
"""Seconds between looks; readers see an end at once, for they compare it with the time."""


class Lapsing(Routine):
    """Looks on the leader only: one is enough, and two do no harm."""

    log = Logger()

    def __init__(self, clock: IReactorTime, pool: Runner, leading: Callable[[], bool]) -> None:
        super().__init__(clock, INTERVAL, self._look, "leases that have ended")
        self._pool = pool
        self._leading = leading

    async def _look(self) -> None:
        if not self._leading():
            return
        try:
            while await self._pool.run(tell_lapsed):
                pass
        except DatabaseError as error:
            self.log.debug("ends of leases are told later: {error}", error=error)
