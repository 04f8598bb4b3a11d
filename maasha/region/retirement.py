"""Lets racks go that were deleted while they were linked: told to stop serving, then closed."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import services, tombstones
from maasha.db.errors import DatabaseError
from maasha.db.pool import Pool
from maasha.host.routine import Routine
from maasha.model.stamp import Stamp
from maasha.region.connections import Connections, RackLink
from maasha.rpc.errors import RpcError

TICK = 10.0
"""Seconds between looks that no notice asked for."""
REST = 0.5
"""Seconds between two looks at least: notices come with every rack that links or leaves."""


class Retirement(Routine):
    """Looks for the tombstones of linked racks.

    A rack that was out of reach when it was deleted hears of it when it comes back: its
    registration is refused as deleted.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, pool: Pool, connections: Connections) -> None:
        super().__init__(clock, TICK, self._look, "retirement", REST)
        self._pool = pool
        self._connections = connections

    async def _look(self) -> None:
        keys = [link.rack for link in self._connections]
        if not keys:
            return
        try:
            gone = await self._pool.run(
                lambda tx: tombstones.deleted_among(tx, keys), read_only=True
            )
        except DatabaseError as error:
            self.log.debug("no look for deleted racks: {error}", error=error)
            return
        for link in tuple(self._connections):
            if link.rack in gone:
                await self._retire(link, gone[link.rack])

    async def _retire(self, link: RackLink, epoch: Stamp) -> None:
        """Only a rack that says that it has stopped is let go; another look asks it again."""
        try:
            await link.remote.retire(epoch)
            await self._pool.run(lambda tx: services.confirm_stopped(tx, link.rack))
        except (RpcError, DatabaseError) as error:
            self.log.info("{rack} was deleted: {error}", rack=link.hostname, error=error)
            return
        self.log.info("{rack} was deleted and has stopped", rack=link.hostname)
        link.remote.close("the rack was deleted")
