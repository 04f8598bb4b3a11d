"""Takes racks in: one short transaction, and only then is a link visible to anybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import interfaces, leases, ownership, racks, services
from maasha.db.errors import DatabaseError, DatabaseUnavailable, OutcomeUnknown
from maasha.db.pool import Pool
from maasha.db.racks import RackDeleted, RackRefused, Registered
from maasha.db.tombstones import tombstone
from maasha.db.transaction import Transaction
from maasha.host.routine import Routine
from maasha.model.cluster import Introduction, LinkId, Ownership, SystemId, Welcome
from maasha.model.dhcp import DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.region.connections import Connections, RackLink
from maasha.region.presence import Standing
from maasha.region.steward import Steward
from maasha.region.wardship import Wardship
from maasha.rpc.errors import Deleted, NotOwner, RegistrationRefused, Unavailable
from maasha.rpc.region_side import RegionDuties
from maasha.rpc.remote import RemoteRack

T = TypeVar("T")

RETRY_AFTER = 2.0
"""Seconds after which a rack may try again where the database did not say."""
SWEEP = 2.0
"""Seconds between tries to drop the rows of links that ended while there was no database."""


class Registration(Routine):
    """The region's `Admission`; as a routine it removes rows of links that it could not at once."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Pool,
        connections: Connections,
        wardship: Wardship,
        standing: Callable[[], Standing | None],
    ) -> None:
        super().__init__(clock, SWEEP, self._sweep, "registration")
        self._pool = pool
        self._connections = connections
        self._wardship = wardship
        self._standing = standing
        self._left: set[LinkId] = set()
        self._unsure: set[str] = set()

    async def register(
        self, introduction: Introduction, rack: RemoteRack, remote: str
    ) -> tuple[Welcome, RegionDuties]:
        """Take a rack in; raises Deleted, RegistrationRefused, Unavailable."""
        standing = self._standing()
        if standing is None:
            raise Unavailable("the region worker has no place in the database yet", RETRY_AFTER)
        made = await self._enter(standing, introduction, remote)
        link = RackLink(
            made.link, standing.worker, made.rack, made.system_id, introduction.hostname, rack
        )
        self._connections.add(link)
        self._wardship.wake()
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
            worker=standing.worker,
            omapi_secret=standing.instance.omapi_secret,
        )
        return welcome, LinkDuties(self._pool, self._wardship, link, self.part)

    async def relink(self, tx: Transaction, standing: Standing) -> None:
        """Write all living links anew, in the transaction of the worker's own row."""
        for link in tuple(self._connections):
            again = await racks.relink(tx, link.system_id, standing.worker, link.remote.remote)
            if again is not None:
                link.id = again.link  # also of a link that closes: `part` drops this row
            if again is None or link.worker != standing.worker:
                link.remote.close("the region's database has changed: introduce yourself again")

    async def part(self, link: RackLink, reason: str) -> None:
        """Forget a link that has ended, at once or as soon as there is a database."""
        self._connections.remove(link)
        self.log.info("rack {rack} unlinked: {reason}", rack=link.hostname, reason=reason)
        self._left.add(link.id)
        await self._sweep()
        self._wardship.wake()

    async def _enter(
        self, standing: Standing, introduction: Introduction, remote: str
    ) -> Registered:
        async def enter(tx: Transaction) -> Registered:
            made = await racks.register_link(tx, introduction, standing.worker, remote)
            await interfaces.store_interfaces(tx, made.rack, introduction.interfaces)
            return made

        try:
            return await available(self._pool.run(enter))
        except Unavailable as error:
            if isinstance(error.__cause__, OutcomeUnknown):
                self._unsure.add(remote)
            raise
        except RackDeleted as error:
            gone = error.system_id
        except RackRefused as error:
            raise RegistrationRefused(str(error)) from error
        if not introduction.serving:
            await available(self._pool.run(lambda tx: self._farewell(tx, gone)))
        raise Deleted(gone)

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
        for link in tuple(self._left):
            if not await self._drop(link):
                return
            self._left.discard(link)

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

    async def _drop(self, link: LinkId) -> bool:
        try:
            await self._pool.run(lambda tx: racks.drop_link(tx, link))
        except DatabaseError as error:
            self.log.info("the row of a link stays for now: {error}", error=error)
            return False
        return True


class LinkDuties:
    """What a region does for one registered link."""

    def __init__(
        self,
        pool: Pool,
        wardship: Wardship,
        link: RackLink,
        part: Callable[[RackLink, str], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._wardship = wardship
        self._link = link
        self._part = part

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Write down what the rack's dhcpd does."""
        await available(self._steward().take_report(report))

    async def report_leases(self, report: LeaseReport) -> int:
        """Commit the leases, as long as this worker owns the rack, and give the cursor."""
        steward = self._steward()
        held = Ownership(self._link.worker, steward.epoch)

        async def commit(tx: Transaction) -> None:
            if not await ownership.still_owns(tx, self._link.rack, held):
                raise NotOwner(None)
            await leases.upsert(tx, self._link.rack, report.leases)

        await available(self._pool.run(commit))
        return report.cursor

    async def report_interfaces(self, found: tuple[Interface, ...]) -> None:
        """Bring the rack's interfaces and networks in step."""
        await available(
            self._pool.run(lambda tx: interfaces.store_interfaces(tx, self._link.rack, found))
        )

    async def claim(self, lost: Ownership) -> None:
        """Take the rack over from an owner whose link is gone."""
        link = self._link
        won = await available(
            self._pool.run(lambda tx: ownership.claim(tx, link.rack, lost, link.worker))
        )
        self._wardship.wake()
        if won is None:
            raise NotOwner(None)

    async def lost(self, reason: str) -> None:
        """Forget the link."""
        await self._part(self._link, reason)

    def _steward(self) -> Steward:
        """Give the steward that acts over this link; raises NotOwner."""
        steward = self._wardship.steward(self._link)
        if steward is None:
            raise NotOwner(None)
        return steward


async def available(work: Awaitable[T]) -> T:
    """Wait for the database's answer; raises Unavailable where there is none."""
    try:
        return await work
    except DatabaseUnavailable as error:
        raise Unavailable(error.reason, error.retry_after) from error
    except RackRefused:
        raise
    except DatabaseError as error:
        raise Unavailable(str(error), RETRY_AFTER) from error
