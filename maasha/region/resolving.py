"""Says where this region's name server is: its host's addresses, or what regiond.conf names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.resolvers import FRESH, publish_resolvers
from maasha.host.routine import Routine
from maasha.model.cluster import SystemId
from maasha.region.addresses import Address


class Resolving(Routine):
    """Level-triggered: writes only what is not on record; each worker of a region says the same.

    `region` gives this region's, None before it has one; `own` the host's addresses, empty before
    they are known. `by_hand` is what an operator names; None: nothing.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        region: Callable[[], SystemId | None],
        own: Callable[[], Sequence[Address]],
        by_hand: Sequence[Address] | None,
    ) -> None:
        super().__init__(clock, FRESH / 2, self._publish, "name servers")
        self._pool = pool
        self._region = region
        self._own = own
        self._by_hand = by_hand

    async def _publish(self) -> None:
        region, given = self._region(), self._by_hand
        addresses = self._own() if given is None else given
        if region is None or (given is None and not addresses):
            return
        try:
            await self._pool.run(
                lambda tx: publish_resolvers(tx, region, addresses, by_hand=given is not None)
            )
        except DatabaseError as error:
            self.log.debug("name servers are not on record: {error}", error=error)
