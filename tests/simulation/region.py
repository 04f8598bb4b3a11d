"""A region's worker process: the parts that `maasha.daemon.worker` makes, without its sockets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Protocol, cast
from uuid import UUID

from attrs import frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, succeed

from maasha.balancer.brakes import LIMITS as BRAKES
from maasha.balancer.policy import POLICY
from maasha.db import dedicated
from maasha.db.channels import Channel
from maasha.db.connector import SessionLimits
from maasha.db.dedicated import Dedicated
from maasha.db.leadership import Leadership
from maasha.db.notices import Notices
from maasha.db.pool import Pool
from maasha.db.regions import Identity, register_region
from maasha.db.transaction import Transaction
from maasha.model.cluster import (
    Endpoint,
    Introduction,
    Move,
    Ownership,
    RackKey,
    Welcome,
    WorkerId,
)
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.stamp import Stamp
from maasha.region.appointing import Appointing
from maasha.region.balancing import Balancing
from maasha.region.clerk import Clerk
from maasha.region.connections import Connections, RackLink
from maasha.region.leaving import move_away
from maasha.region.lookouts import Lookouts
from maasha.region.presence import Presence, Standing
from maasha.region.registration import Registration
from maasha.region.relocation import Relocation
from maasha.region.rush import Rush
from maasha.region.steward import Steward
from maasha.region.wardship import Wardship
from maasha.rpc.credentials import SHARED
from maasha.rpc.pulse import Health
from maasha.rpc.rack_side import RackDuties, Session
from maasha.rpc.region_side import RegionDuties
from maasha.rpc.remote import RemoteRack
from tests.memory.server import Database
from tests.memory.wire import Opener, Way
from tests.simulation.network import DEADLINE, End, kill
from tests.simulation.time import Timers

POOL = 2
"""Connections of a worker's pool."""
MOVED_WITHIN = 5.0
"""Seconds that a worker that ends leaves the leader to move its links."""
Acts = Callable[[WorkerId, RackKey, Stamp], None]
"""Hears of a worker that begins to act for a rack."""


class FarRack(Protocol):
    """A rack's end of a link."""

    duties: RackDuties


class RackEnd(End):
    """A region's end of a link, in the place of `RemoteRack`; calls wait for the welcome."""

    remote: str
    round_trip = None
    health = Health.HEALTHY
    _welcome: Welcome | None = None
    _early: list[Deferred[None]] | None = None
    _duties: RegionDuties | None = None

    async def take_in(self, process: Process, introduction: Introduction) -> Welcome:
        """Register the rack."""
        self._early = []
        rack = cast(RemoteRack, self)
        try:
            welcome, self._duties = await process.registration.register(
                introduction, rack, self.remote, SHARED
            )
        except Exception:
            self.timers.callLater(0.0, self.end, "the registration was refused")
            raise
        self._welcome = welcome
        self.closed.addCallback(self._part)
        self.timers.callLater(0.0, self.open)
        return welcome

    def _part(self, reason: str) -> None:
        Deferred.fromCoroutine(self.at_region.lost(reason))

    @property
    def at_region(self) -> RegionDuties:
        """What the worker does for the rack."""
        assert self._duties is not None
        return self._duties

    @property
    def _rack(self) -> RackDuties:
        return cast(FarRack, self.far).duties

    @property
    def _worker(self) -> WorkerId:
        assert self._welcome is not None
        return self._welcome.worker

    def open(self) -> None:
        """Let calls through."""
        early, self._early = self._early or [], None
        for turn in early:
            turn.callback(None)

    async def _welcomed(self) -> None:
        if self._early is not None:
            turn: Deferred[None] = Deferred()
            self._early.append(turn)
            await turn

    async def own(self, epoch: Stamp, deadline: float = DEADLINE) -> DhcpReport:
        """See `RemoteRack`."""
        await self._welcomed()
        return await self.call("own", lambda: self._rack.own(self._worker, epoch), deadline)

    async def configure_dhcp(self, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """See `RemoteRack`."""
        await self._welcomed()
        return await self.call(
            "configure", lambda: self._rack.configure_dhcp(self._worker, epoch, plan)
        )

    async def farewell(self) -> int:
        """See `maasha.rpc.region_side`: agree where no call is under way from here."""
        calls = self.in_flight
        if not calls:
            self.part()
        return calls

    async def migrate(self, move: Move, deadline: float = DEADLINE) -> int | None:
        """See `RemoteRack`."""
        await self._welcomed()
        link = cast(Session, self.far)
        return await self.call("migrate", lambda: self._rack.migrate(link, move), deadline)

    def close(self, reason: str) -> Deferred[str]:
        """See `RemoteRack`."""
        self.end(reason)
        return succeed(reason)


@frozen
class Place:
    """Which process it is: of which region, in which slot, with which number."""

    region: str
    slot: int
    pid: int

    @property
    def endpoint(self) -> Endpoint:
        """Where it takes racks."""
        return Endpoint(self.region, 5250 + self.slot)


class Process(MultiService):
    """A worker; `acts` hears of each rack that it begins to act for."""

    def __init__(
        self,
        timers: Timers,
        database: Database,
        way: Way,
        place: Place,
        limit: int,
        acts: Acts,
        dice: Random,
    ) -> None:
        super().__init__()
        self.timers = timers
        self.way = way
        self.place = place
        self.listens = False
        self.leaves = False
        self.ends: list[RackEnd] = []
        self._acts = acts
        self._openers = [
            Opener(database, timers, way, limits) for limits in (SessionLimits(), dedicated.LIMITS)
        ]
        pooled, alone = self._openers
        self.pool = Pool(timers, pooled, POOL, jitter=dice.random)
        self._dedicated = Dedicated(timers, alone, jitter=dice.random)
        self._notices = Notices(self._dedicated)
        self._leadership = Leadership(self._dedicated)
        self.connections = Connections()
        self._make_parts(limit)

    def _make_parts(self, limit: int) -> None:
        timers, pool = self.timers, self.pool
        self.presence = Presence(
            timers,
            pool,
            self._identity,
            self._endpoints,
            self._established,
            self._relink,
            self.superseded,
            self._leads,
        )
        self._wardship = Wardship(
            timers, pool, self.connections, self._worker_id, self._make_steward
        )
        self._rush = Rush(timers)
        self._clerk = Clerk(timers, pool)
        self.registration = Registration(
            timers,
            pool,
            pool,
            self.connections,
            self._wardship,
            lambda: self.presence.standing,
            lambda: self.presence.gives_way,
            self._rush,
            lambda: datetime.fromtimestamp(timers.seconds(), UTC),
            limit,
        )
        self._relocation = Relocation(timers, pool, self.connections, self._worker_id)
        self._balancing = Balancing(
            timers,
            self._dedicated.run,
            self._leads,
            Appointing(self._dedicated.run),
            self._rush,
            POLICY,
            BRAKES,
            self._worker_id,
            lambda: self.presence.regained,
        )
        self._dedicated.on_close(self._balancing.deposed)
        self._lookouts = Lookouts(
            timers, pool, self._rush, lambda: self._wardship.stewards, self._key_root
        )
        for part in (
            self.presence,
            self._wardship,
            self.registration,
            self._relocation,
            self._balancing,
            self._lookouts,
        ):
            part.setServiceParent(self)

    def startService(self) -> None:
        """Start it."""
        self.pool.start()
        self._dedicated.start()
        self._notices.subscribe(Channel.RACKS, self._racks_changed)
        self._notices.subscribe(Channel.DHCP, self._dhcp_changed)
        self._notices.subscribe(Channel.MOVES, lambda _: self._relocation.wake())
        self._notices.subscribe(Channel.PLACEMENT, self._placement_changed)
        super().startService()

    def _racks_changed(self, _: str) -> None:
        self._wardship.wake()
        self._lookouts.wake()
        self._balancing.news()

    def _placement_changed(self, _: str) -> None:
        self.presence.wake()
        self._balancing.news()

    def _dhcp_changed(self, rack: str) -> None:
        self._wardship.wake_stewards(RackKey(int(rack)) if rack else None)
        self._lookouts.wake()
        self._balancing.news()

    # how others see it

    @property
    def called(self) -> str:
        """What racks call it."""
        return f"{self.place.region}:pid={self.place.pid}"

    @property
    def runs(self) -> bool:
        """Whether it does anything."""
        return not (self.timers.stopped or self.timers.dead)

    @property
    def takes_racks(self) -> bool:
        """Whether a rack that comes would be taken in now, or soon."""
        there = self.runs and self.listens and not self.leaves
        return there and self.way.up and not self.way.refused

    @property
    def leads(self) -> bool:
        """Whether it takes itself for the leader."""
        return self._leads()

    @property
    def id(self) -> WorkerId | None:
        """Its number in the database."""
        return self._worker_id()

    # what happens to it

    def stop(self) -> Deferred[None]:
        """SIGTERM: have the links moved away, then end."""
        self.leaves = True
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        worker = self._worker_id()
        if worker is not None:
            await move_away(self.timers, self.pool, worker, self.connections, MOVED_WITHIN)
        for link in tuple(self.connections):
            link.remote.close("the region worker stops")
        await MultiService.stopService(self)
        await self.presence.leave()
        self.die()

    def die(self) -> None:
        """SIGKILL: the kernel closes what it had."""
        for opener in self._openers:
            opener.vanish()
        kill(self.timers, self.ends)
        super().stopService()
        for part in (self._dedicated, self.pool):
            Deferred.fromCoroutine(part.stop())

    def superseded(self) -> None:
        """End: a newer process has the slot."""
        self.timers.callLater(0.0, self.die)

    def lose_database(self) -> None:
        """Hear from the kernel that the server is gone."""
        for opener in self._openers:
            opener.break_off()

    # what its parts ask

    async def _identity(self, tx: Transaction) -> Identity:
        place = self.place
        region = await register_region(tx, place.region, "0.1.0")
        return Identity(region, place.slot, place.pid, UUID(int=place.pid), place.region)

    def _endpoints(self) -> tuple[Endpoint, ...]:
        return (self.place.endpoint,) if self.listens else ()

    def _established(self, _: Standing) -> None:
        self.listens = True
        self._wardship.wake()

    async def _relink(self, tx: Transaction, standing: Standing) -> None:
        await self.registration.relink(tx, standing)

    def _worker_id(self) -> WorkerId | None:
        standing = self.presence.standing
        return None if standing is None else standing.worker

    def _key_root(self) -> str | None:
        standing = self.presence.standing
        return None if standing is None else standing.instance.key_root

    def _leads(self) -> bool:
        return self._leadership.leading

    def _make_steward(self, link: RackLink, held: Ownership, *, patient: bool) -> Steward:
        self._acts(held.worker, link.rack, held.epoch)
        whose = self.timers, self.pool, self._clerk, self._rush
        return Steward(*whose, link, held.epoch, lambda _: 5.0, patient=patient)
