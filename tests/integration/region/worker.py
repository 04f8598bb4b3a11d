"""A region worker's parts, wired as in production, without its sockets and without notices."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from twisted.application.service import MultiService
from twisted.internet.task import Clock

from maasha.db.pool import Pool
from maasha.db.regions import Identity, register_region
from maasha.db.transaction import Transaction
from maasha.model.cluster import Endpoint, Ownership, RackKey, WorkerId
from maasha.region.clerk import Clerk
from maasha.region.connections import Connections, RackLink
from maasha.region.presence import Presence, Standing
from maasha.region.registration import Registration
from maasha.region.relocation import Relocation
from maasha.region.retirement import Retirement
from maasha.region.rush import Rush
from maasha.region.steward import Steward
from maasha.region.wardship import Wardship

LIMIT = 8
"""Links that a worker takes here."""
REST = 7.0
"""Seconds that a refused plan rests here."""


class Worker(MultiService):
    """One process of the region `region1`; notes what happens to it."""

    def __init__(self, pool: Pool, clock: Clock, slot: int = 0) -> None:
        super().__init__()
        self._pool = pool
        self._clock = clock
        self._slot = slot
        self._token = uuid4()
        self.host = "boot"
        self.endpoints: tuple[Endpoint, ...] = (Endpoint("192.0.2.1", 5250 + slot),)
        self.established: list[Standing] = []
        self.superseded = 0
        self.leading = True
        self.connections = Connections()
        self.presence = Presence(
            clock,
            pool,
            self._begin,
            lambda: self.endpoints,
            self.established.append,
            self._relink,
            self._end,
            lambda: self.leading,
        )
        self.wardship = Wardship(clock, pool, self.connections, lambda: self.id, self._make_steward)
        self.rush = Rush(clock)
        self.clerk = Clerk(clock, pool)
        self.registration = Registration(
            clock,
            pool,
            pool,
            self.connections,
            self.wardship,
            lambda: self.presence.standing,
            lambda: self.presence.gives_way,
            self.rush,
            lambda: datetime.now(UTC),
            LIMIT,
        )
        self.retirement = Retirement(clock, pool, self.connections)
        self.relocation = Relocation(clock, pool, self.connections, lambda: self.id)
        for part in (
            self.presence,
            self.wardship,
            self.registration,
            self.retirement,
            self.relocation,
        ):
            part.setServiceParent(self)

    @property
    def id(self) -> WorkerId | None:
        """The row's id, None before there is one."""
        return self.presence.standing.worker if self.presence.standing else None

    @property
    def standing(self) -> Standing:
        """The standing that the worker has by now."""
        assert self.presence.standing is not None
        return self.presence.standing

    def steward_of(self, rack: RackKey) -> Steward | None:
        """Give the steward that acts for a rack over its newest link here."""
        link = self.connections.of(rack)
        return self.wardship.steward(link) if link is not None else None

    async def _begin(self, tx: Transaction) -> Identity:
        region = await register_region(tx, "region1", "0.1.0")
        return Identity(region, self._slot, 100 + self._slot, self._token, self.host)

    async def _relink(self, tx: Transaction, standing: Standing) -> None:
        await self.registration.relink(tx, standing)

    def _make_steward(self, link: RackLink, held: Ownership, *, patient: bool) -> Steward:
        whose = self._clock, self._pool, self.clerk, self.rush
        return Steward(*whose, link, held.epoch, lambda _: REST, patient=patient)

    def _end(self) -> None:
        self.superseded += 1
