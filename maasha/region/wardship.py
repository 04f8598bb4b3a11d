"""Which racks this worker owns, and a steward for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import ownership
from maasha.db.errors import DatabaseError
from maasha.db.ownership import Owned
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from maasha.host.routine import Routine
from maasha.model.cluster import Ownership, RackKey, WorkerId
from maasha.region.connections import Connections, RackLink
from maasha.region.steward import Steward

TICK = 2.0
"""Seconds between looks that no notice asked for."""

MakeSteward = Callable[[RackLink, Ownership], Steward]


class Wardship(MultiService):
    """Level-triggered: each look claims racks that nobody acts for, and matches the stewards.

    `worker` gives this worker's id, None before it has one.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Pool,
        connections: Connections,
        worker: Callable[[], WorkerId | None],
        make_steward: MakeSteward,
    ) -> None:
        super().__init__()
        self._pool = pool
        self._connections = connections
        self._worker = worker
        self._make_steward = make_steward
        self._stewards: dict[RackKey, Steward] = {}
        self._looking = Routine(clock, TICK, self._look, "wardship")
        self._looking.setServiceParent(self)

    def wake(self) -> None:
        """Look at once: links or owners have changed."""
        self._looking.wake()

    def wake_stewards(self, rack: RackKey | None = None) -> None:
        """Have a rack's steward look at once; None: every rack's."""
        for key, steward in self._stewards.items():
            if rack is None or key == rack:
                steward.wake()

    def steward(self, link: RackLink) -> Steward | None:
        """Give the steward that acts over this link, None where this worker does not own it."""
        steward = self._stewards.get(link.rack)
        return steward if steward is not None and steward.link is link else None

    async def _look(self) -> None:
        worker = self._worker()
        if worker is None:
            return
        try:
            owned = await self._pool.run(lambda tx: self._claim(tx, worker))
        except DatabaseError as error:
            self.log.debug("no look at owners: {error}", error=error)
        else:
            self._match({ward.rack: ward.ownership for ward in owned})

    async def _claim(self, tx: Transaction, worker: WorkerId) -> tuple[Owned, ...]:
        """Claim what is vacant and can be reached from here; gives all that this worker owns."""
        for vacancy in await ownership.claimable(tx, worker):
            if self._connections.of(vacancy.rack) is not None:
                await ownership.claim(tx, vacancy.rack, vacancy.lost, worker)
        return await ownership.owned_by(tx, worker)

    def _match(self, owned: Mapping[RackKey, Ownership]) -> None:
        """Have exactly one steward, with the right epoch and link, for each owned rack."""
        for rack, steward in tuple(self._stewards.items()):
            held = owned.get(rack)
            link = self._connections.of(rack)
            if held is None or held.epoch != steward.epoch or link is not steward.link:
                self._dismiss(rack)
        for rack, held in owned.items():
            link = self._connections.of(rack)
            if link is not None and rack not in self._stewards:
                steward = self._stewards[rack] = self._make_steward(link, held)
                steward.setServiceParent(self)

    def _dismiss(self, rack: RackKey) -> None:
        ended = self._stewards.pop(rack).disownServiceParent()
        if isinstance(ended, Deferred):
            ended.addErrback(lambda failure: self.log.failure("a steward's end", failure))
