"""Takes racks in: one short transaction, and only then is a link visible to anybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import (
    acts,
    findings,
    interfaces,
    leases,
    ownership,
    pools,
    racks,
    roles,
    services,
    tokens,
)
from maasha.db.errors import DatabaseError, OutcomeUnknown, QueryFailed
from maasha.db.lane import Runner
from maasha.db.lease_alarms import judge_troubles
from maasha.db.pool import RETRY_AFTER
from maasha.db.racks import RackDeleted, RackForgotten, RackRefused, Registered
from maasha.db.regions import event_loops
from maasha.db.returning import Arrival, register_returning
from maasha.db.strays import note_stray
from maasha.db.tokens import TokenSpent, TokenTooOld
from maasha.db.tombstones import tombstone
from maasha.db.transaction import Transaction
from maasha.host.routine import Routine
from maasha.model.cluster import Introduction, LinkId, Ownership, SystemId, Welcome
from maasha.model.dhcp import DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.orders import Act
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding
from maasha.model.sighting import Sighting
from maasha.region.available import available
from maasha.region.connections import Connections, RackLink
from maasha.region.gathering import Gathering, TooMany
from maasha.region.lease_health import LeaseHealth
from maasha.region.presence import Standing
from maasha.region.rush import Rush
from maasha.region.steward import Steward
from maasha.region.wardship import Wardship
from maasha.rpc.credentials import Credential, Kind
from maasha.rpc.errors import (
    Deleted,
    Forgotten,
    NotOwner,
    Redirect,
    RegistrationRefused,
    RpcError,
    TokenExpired,
    TokenUsed,
    TooManyLinks,
    Unavailable,
)
from maasha.rpc.region_side import RegionDuties
from maasha.rpc.remote import RemoteRack

MAX_LINKS = 10_000
"""Links of one worker; about 75 KiB of memory each over TLS."""
TOGETHER = 64
"""Racks that come back are registered in one transaction, so many at most: it takes 10 ms."""
WAITING = 2048
"""Racks that wait for theirs; more are told to come again."""
PATIENCE = 3.0
"""Seconds that a rack waits for its turn; it waits ten for its welcome, and a pool has five."""
SWEEP = 2.0
"""Seconds between tries to drop the rows of links that ended while there was no database."""


class Knock:
    """A rack that has proved itself and waits to be taken in."""

    def __init__(
        self, introduction: Introduction, rack: RemoteRack, credential: Credential
    ) -> None:
        self.introduction = introduction
        self.credential = credential
        self.remote = rack.remote
        self._ended: list[str] = []
        rack.closed.addCallback(self._ended.append)  # what the link keeps while it lives is no more

    @property
    def left(self) -> bool:
        """Whether its link has ended: then nothing is begun for it any more."""
        return bool(self._ended)


class Registration(Routine):
    """The region's `Admission`; as a routine it removes rows of links that it could not at once."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        acting: Runner,
        connections: Connections,
        wardship: Wardship,
        standing: Callable[[], Standing | None],
        gives_way: Callable[[], bool],
        rush: Rush,
        now: Callable[[], datetime],
        limit: int = MAX_LINKS,
    ) -> None:
        super().__init__(clock, SWEEP, self._sweep, "registration")
        self._pool = pool
        self._acting = acting
        self._arriving = 0
        self._connections = connections
        self._wardship = wardship
        self._standing = standing
        self._gives_way = gives_way
        self._rush = rush
        self._now = now
        self._limit = limit
        self._left: set[LinkId] = set()
        self._unsure: set[str] = set()
        self._returning: Gathering[Knock, Registered | None] = Gathering(
            clock, self._enter_together, TOGETHER, WAITING, PATIENCE
        )

    async def register(
        self, introduction: Introduction, rack: RemoteRack, remote: str, credential: Credential
    ) -> tuple[Welcome, RegionDuties]:
        """Take a rack in; raises what `commands.Register` declares."""
        standing = self._standing()
        if standing is None:
            raise Unavailable("the region worker has no place in the database yet", RETRY_AFTER)
        if self._gives_way():
            raise Unavailable("this worker is drained, others take the rack", RETRY_AFTER)
        if len(self._connections) + self._arriving >= self._limit:
            raise await self._full(standing)
        if credential.kind is Kind.TOKEN and introduction.system_id is not None:
            raise RegistrationRefused(
                "a join token makes a rack, it proves nobody's name; run maasha-rack register again"
            )
        self._rush.came()
        self._arriving += 1
        try:
            made = await self._enter(standing, Knock(introduction, rack, credential))
        finally:
            self._arriving -= 1
        link = RackLink(
            made.link, made.worker, made.rack, made.system_id, introduction.hostname, rack
        )
        self._connections.add(link)
        if made.owner is not None and made.owner.worker == made.worker:
            self._wardship.adopt(link, made.owner, patient=True)
        self.log.info(
            "rack {rack} ({id}) linked from {remote}",
            rack=introduction.hostname,
            id=made.system_id,
            remote=remote,
        )
        welcome = Welcome(
            system_id=made.system_id,
            instance=standing.instance.id,
            region=standing.identity.region,
            worker=made.worker,
            omapi_secret=standing.instance.omapi_secret,
        )
        return welcome, LinkDuties(self._acting, self._wardship, link, self.part, self._now)

    async def relink(self, tx: Transaction, standing: Standing) -> None:
        """Write all living links anew, in the transaction of the worker's own row."""
        for link in tuple(self._connections):
            again = await racks.relink(tx, link.system_id, standing.worker, link.remote.remote)
            if again is not None:
                # also of a link that closes: `part` drops this row
                self._connections.renumber(link, again.link)
            if again is None or link.worker != standing.worker:
                link.remote.close("the region's database has changed: introduce yourself again")

    async def part(self, link: RackLink, reason: str) -> None:
        """Forget a link that has ended, at once or as soon as there is a database."""
        self._connections.remove(link)
        self.log.info("rack {rack} unlinked: {reason}", rack=link.hostname, reason=reason)
        self._left.add(link.id)
        self.wake()

    async def _full(self, standing: Standing) -> RpcError:
        """Name the worker that has the least to carry of those that are not full."""
        look = partial(event_loops, but=standing.worker, below=self._limit)
        loops = await available(self._pool.run(look))
        lightest = min(loops, key=lambda loop: loop.load, default=None)
        return TooManyLinks(self._limit) if lightest is None else Redirect(lightest)

    async def _enter(self, standing: Standing, knock: Knock) -> Registered:
        try:
            back = None
            if knock.introduction.system_id is not None:
                back = await available(self._returning.add(knock))
            if back is not None:
                return back
            alone = self._pool.run(lambda tx: self._enter_alone(tx, standing, knock))
            return await available(alone)
        except TooMany:
            raise Unavailable("too many racks register at once", RETRY_AFTER) from None
        except Unavailable as error:
            if isinstance(error.__cause__, OutcomeUnknown):
                self._unsure.add(knock.remote)
            raise
        except RackRefused as error:
            raise await self._refusal(error, knock) from error

    async def _enter_together(self, knocks: Sequence[Knock]) -> Sequence[Registered | None]:
        """Take in those that come back as they were."""
        standing = self._standing()
        there = [knock for knock in knocks if not knock.left]
        if standing is None or not there:
            return [None] * len(knocks)
        worker = standing.worker
        arrivals = [Arrival(knock.introduction, knock.remote) for knock in there]
        try:
            made = await self._pool.run(lambda tx: register_returning(tx, arrivals, worker))
        except QueryFailed:  # what one of them says does harm: each is judged alone
            return [None] * len(knocks)
        found = dict(zip(there, made, strict=True))
        return [found.get(knock) for knock in knocks]

    async def _enter_alone(self, tx: Transaction, standing: Standing, knock: Knock) -> Registered:
        """Take in a rack of which more is to be judged or written than its link."""
        if knock.left:
            raise Unavailable("the rack left while it waited", RETRY_AFTER)
        credential, introduction = knock.credential, knock.introduction
        if credential.kind is Kind.TOKEN:
            await tokens.use_token(tx, credential.token, introduction.registration)
        known = credential.kind is Kind.KEY
        made = await racks.register_link(
            tx, introduction, standing.worker, knock.remote, known=known
        )
        if credential.kind is Kind.TOKEN:
            await tokens.note_user(tx, credential.token, made.rack, made.system_id)
        await interfaces.store_interfaces(tx, made.rack, introduction.interfaces)
        return made

    async def _refusal(self, refused: RackRefused, knock: Knock) -> RpcError:
        """Say it in the protocol's words, after writing down what is to be remembered of it."""
        introduction, remote = knock.introduction, knock.remote
        match refused:
            case RackDeleted(system_id):
                if not introduction.serving:
                    await available(self._pool.run(lambda tx: self._farewell(tx, system_id)))
                return Deleted(system_id)
            case RackForgotten(system_id):
                await available(self._pool.run(lambda tx: note_stray(tx, introduction, remote)))
                return Forgotten(system_id)
            case TokenSpent(token):
                return TokenUsed(token)
            case TokenTooOld(token):
                return TokenExpired(token)
        return RegistrationRefused(str(refused))

    async def _farewell(self, tx: Transaction, system_id: SystemId) -> None:
        """Count a deleted rack as stopped: it has come back to say so."""
        rack = await tombstone(tx, system_id)
        if rack is not None:
            await services.confirm_stopped(tx, rack)

    async def _sweep(self) -> None:
        for remote in tuple(self._unsure):
            if not await self._find_stray(remote):
                return
            self._unsure.discard(remote)
        if self._left:
            await self._drop(tuple(self._left))

    async def _find_stray(self, remote: str) -> bool:
        """Have the link dropped whose row may have been written while nobody could say so."""
        standing = self._standing()
        if standing is None:
            return False
        known = [link.id for link in self._connections if link.remote.remote == remote]
        try:
            self._left |= set(
                await self._pool.run(
                    lambda tx: racks.links_from(tx, standing.worker, remote, known)
                )
            )
        except DatabaseError as error:
            self.log.info("a link from {remote} is in doubt: {error}", remote=remote, error=error)
            return False
        return True

    async def _drop(self, links: Sequence[LinkId]) -> None:
        try:
            await self._pool.run(lambda tx: racks.drop_links(tx, links))
        except DatabaseError as error:
            self.log.info("the rows of links stay for now: {error}", error=error)
        else:
            self._left -= set(links)
            self._wardship.wake()


class LinkDuties:
    """What a region does for one registered link."""

    def __init__(
        self,
        pool: Runner,
        wardship: Wardship,
        link: RackLink,
        part: Callable[[RackLink, str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._wardship = wardship
        self._link = link
        self._part = part
        self._now = now
        self._health = LeaseHealth()

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Write down what the rack's dhcpd does."""
        await available(self._steward().take_report(report))

    async def report_dhcp6(self, report: DhcpReport) -> None:
        """Write down what the rack's DHCPv6 server does."""
        await available(self._steward().take_report6(report))

    async def report_leases(self, report: LeaseReport) -> int:
        """Commit the leases, as long as this worker owns the rack, and give the highest number."""
        steward = self._steward()
        held = Ownership(self._link.worker, steward.epoch)
        health = self._health.judge(report, self._now())
        news = self._health.is_news(health)

        async def commit(tx: Transaction) -> int:
            if not await ownership.still_owns(tx, self._link.rack, held):
                raise NotOwner(None)
            if news:
                await judge_troubles(tx, self._link.system_id, health)
            return await leases.take(tx, self._link.rack, report)

        if not (news or report.leases):
            return report.cursor
        known = await available(self._pool.run(commit))
        self._health.note(health)
        return known

    async def report_interfaces(self, found: tuple[Interface, ...]) -> None:
        """Bring the rack's interfaces and networks in step."""
        await available(
            self._pool.run(lambda tx: interfaces.store_interfaces(tx, self._link.rack, found))
        )

    async def report_sightings(self, sightings: tuple[Sighting, ...]) -> None:
        """Write down what the rack knows of others; a rack of another worker's tells that one."""
        self._steward()
        await available(
            self._pool.run(lambda tx: roles.store_sightings(tx, self._link.rack, sightings))
        )

    async def report_acts(self, told: tuple[Act, ...]) -> None:
        """Write down what people did on the rack's host."""
        self._steward()
        await available(self._pool.run(lambda tx: acts.take_acts(tx, self._link.rack, told)))

    async def report_pools(self, counts: tuple[PoolCount, ...]) -> None:
        """Write down what the rack can still hand out, as long as this worker owns it."""
        held = Ownership(self._link.worker, self._steward().epoch)

        async def commit(tx: Transaction) -> None:
            if not await ownership.still_owns(tx, self._link.rack, held):
                raise NotOwner(None)
            await pools.store_counts(tx, self._link.rack, counts)

        await available(self._pool.run(commit))

    async def report_findings(self, found: tuple[Finding, ...]) -> None:
        """Write down what the rack found; a rack of another worker's tells that one."""
        self._steward()
        await available(
            self._pool.run(lambda tx: findings.store_findings(tx, self._link.rack, found))
        )

    async def claim(self, lost: Ownership) -> None:
        """Take the rack over from an owner whose link is gone."""
        link = self._link
        won = await available(
            self._pool.run(lambda tx: ownership.claim(tx, link.rack, lost, link.worker))
        )
        if won is None:
            raise NotOwner(None)
        self._wardship.adopt(link, won, patient=False)

    async def lost(self, reason: str) -> None:
        """Forget the link."""
        await self._part(self._link, reason)

    def _steward(self) -> Steward:
        """Give the steward that acts over this link; raises NotOwner."""
        steward = self._wardship.steward(self._link)
        if steward is None:
            raise NotOwner(None)
        return steward
