"""Which racks this worker owns, and a steward for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import ownership
from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.ownership import Owned
from maasha.db.transaction import Transaction
from maasha.host.routine import Routine
from maasha.model.cluster import Ownership, RackKey, WorkerId
from maasha.region.connections import Connections, RackLink
from maasha.region.steward import Steward

TICK = 2.0
"""Seconds between looks that no notice asked for."""
REST = 0.2
"""Seconds between a look and the next one at least: every worker is told of every rack that links
or leaves, and each look reads all racks."""


class MakeSteward(Protocol):
    """Makes a steward; a `patient` one lets a rush of racks go first."""

    def __call__(self, link: RackLink, held: Ownership, *, patient: bool) -> Steward:
        """Make it."""


class Wardship(MultiService):
    """Level-triggered: each look claims racks that nobody acts for, and matches the stewards.

    `worker` gives this worker's id, None before it has one.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        connections: Connections,
        worker: Callable[[], WorkerId | None],
        make_steward: MakeSteward,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._pool = pool
        self._connections = connections
        self._worker = worker
        self._make_steward = make_steward
        self._stewards: dict[RackKey, Steward] = {}
        self._adopted: set[RackKey] = set()
        self._looking = Routine(clock, TICK, self._look, "wardship", REST)
        self._looking.setServiceParent(self)

    @property
    def racks(self) -> int:
        """How many racks this worker acts for."""
        return len(self._stewards)

    @property
    def stewards(self) -> Mapping[RackKey, Steward]:
        """Whom it acts for, and who does, at this moment."""
        return dict(self._stewards)

    def wake(self) -> None:
        """Look at once: links or owners have changed."""
        self._looking.wake()

    def adopt(self, link: RackLink, held: Ownership, *, patient: bool) -> None:
        """Act for a rack over its link without a look: its registration or claim made it ours.

        That begins in the next turn, when a rack that registers has been welcomed.
        """
        self._adopted.add(link.rack)
        self._clock.callLater(0, self._begin, link, held, patient)

    def _begin(self, link: RackLink, held: Ownership, patient: bool) -> None:
        if self.running and self._connections.of(link.rack) is link:
            self._appoint(link, held, patient=patient)

    def wake_stewards(self, rack: RackKey | None = None) -> None:
        """Have a rack's steward look at once; None: every rack's."""
        woken = self._stewards.values() if rack is None else (self._stewards.get(rack),)
        for steward in tuple(woken):
            if steward is not None:
                steward.wake()

    def steward(self, link: RackLink) -> Steward | None:
        """Give the steward that acts over this link, None where this worker does not own it."""
        steward = self._stewards.get(link.rack)
        return steward if steward is not None and steward.link is link else None

    async def _look(self) -> None:
        worker = self._worker()
        if worker is None:
            return
        self._adopted.clear()
        try:
            owned = await self._pool.run(lambda tx: self._claim(tx, worker))
        except DatabaseError as error:
            self.log.debug("no look at owners: {error}", error=error)
        else:
            self._match({ward.rack: ward.ownership for ward in owned})

    async def _claim(self, tx: Transaction, worker: WorkerId) -> tuple[Owned, ...]:
        """Claim what is vacant and can be reached from here; gives all that this worker owns."""
        vacant = [rack.rack for rack in await ownership.claimable(tx, worker)]
        reached = [rack for rack in vacant if self._connections.of(rack) is not None]
        if reached:
            await ownership.claim_vacant(tx, reached, worker)
        return await ownership.owned_by(tx, worker)

    def _match(self, owned: Mapping[RackKey, Ownership]) -> None:
        """Have exactly one steward, with the right epoch and link, for each owned rack.

        What was adopted since the look began is newer than what it saw.
        """
        for rack, steward in tuple(self._stewards.items()):
            held = owned.get(rack)
            link = self._connections.of(rack)
            lost = held is None or held.epoch != steward.epoch
            if link is not steward.link or (lost and rack not in self._adopted):
                self._dismiss(rack)
        for rack, held in owned.items():
            link = self._connections.of(rack)
            if link is not None and rack not in self._adopted:
                self._appoint(link, held, patient=False)

    def _appoint(self, link: RackLink, held: Ownership, *, patient: bool) -> None:
        """Have a steward act over this link since that epoch, unless it does already."""
        steward = self._stewards.get(link.rack)
        if steward is not None and (steward.link, steward.epoch) == (link, held.epoch):
            return
        if steward is not None:
            self._dismiss(link.rack)
        steward = self._stewards[link.rack] = self._make_steward(link, held, patient=patient)
        steward.setServiceParent(self)

    def _dismiss(self, rack: RackKey) -> None:
        ended = self._stewards.pop(rack).disownServiceParent()
        if isinstance(ended, Deferred):
            ended.addErrback(lambda failure: self.log.failure("a steward's end", failure))
