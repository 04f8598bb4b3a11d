"""This worker's row in the database: written, kept fresh, and written anew when it is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import evolve, frozen
from twisted.application.service import MultiService
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import instance, regions
from maasha.db.connector import CONNECT_TIMEOUT
from maasha.db.errors import DatabaseError
from maasha.db.instance import Instance, NoInstance
from maasha.db.migrate import check
from maasha.db.pool import Pool
from maasha.db.regions import HEARTBEAT_INTERVAL, WORKER_TTL, Identity, Superseded
from maasha.db.transaction import Transaction
from maasha.host.routine import Routine
from maasha.model.cluster import Endpoint, WorkerId
from maasha.model.stamp import Stamp
from maasha.region.contact import Contact

COMEBACK = CONNECT_TIMEOUT + HEARTBEAT_INTERVAL
"""Seconds that others may need longer than this worker to find a database that was away: each of
them may have just begun a dial in vain, and to wait for its beat."""


@frozen
class Standing:
    """This worker as the database knows it."""

    instance: Instance
    identity: Identity
    worker: WorkerId
    epoch: Stamp


Begin = Callable[[Transaction], Awaitable[Identity]]
"""Registers the region and says which process this is."""
Relink = Callable[[Transaction, Standing], Awaitable[None]]
"""Writes this worker's links anew, in the transaction that writes its row anew."""


class Presence(MultiService):
    """Registers the worker, keeps its heartbeat and removes the rows of dead workers.

    Only the leader judges, the one worker for which `leading` is true.

    `established` is called with the first standing, before any rack can link. A worker whose slot
    belongs to a newer process calls `superseded` and acts no more.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Pool,
        begin: Begin,
        endpoints: Callable[[], tuple[Endpoint, ...]],
        established: Callable[[Standing], None],
        relink: Relink,
        superseded: Callable[[], None],
        leading: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._clock = clock
        self._pool = pool
        self._begin = begin
        self._endpoints = endpoints
        self._established = established
        self._relink = relink
        self._superseded = superseded
        self._leading = leading
        self._contact = Contact(gap=2 * HEARTBEAT_INTERVAL)
        self._published: tuple[Endpoint, ...] = ()
        self._complaint = ""
        self._beating = Routine(clock, HEARTBEAT_INTERVAL, self._beat, "heartbeat")
        self._beating.setServiceParent(self)
        self.standing: Standing | None = None
        self.gives_way = False
        """Whether this worker is drained while others are not: it takes no new links."""

    @property
    def regained(self) -> float | None:
        """When the last gap without a database ended, by the clock; None: there was none."""
        return self._contact.regained

    def wake(self) -> None:
        """Look at once, for example since the endpoints changed."""
        self._beating.wake()

    async def leave(self) -> None:
        """Take the row away at an orderly end, so that nobody waits for the time-to-live."""
        standing = self.standing
        if standing is None:
            return
        try:
            await self._pool.run(
                lambda tx: regions.unregister_worker(tx, standing.worker, standing.epoch)
            )
        except DatabaseError as error:
            self.log.info("the worker's row stays: {error}", error=error)

    async def _beat(self) -> None:
        try:
            await self._present()
        except Superseded as error:
            self.log.critical("{error}", error=error)
            self._superseded()
        except (DatabaseError, NoInstance) as error:
            self._contact.lost()
            self._complain(str(error))
        else:
            self._complain("")
            self._contact.made(self._clock.seconds())

    async def _present(self) -> None:
        """Do what one heartbeat does; raises DatabaseError, NoInstance, Superseded."""
        if self.standing is None:
            standing = await self._pool.run(self._register)
            self._established(standing)
            self.standing = standing
        standing = self.standing
        if not await self._pool.run(lambda tx: self._touch(tx, standing)):
            standing = self.standing = await self._pool.run(self._return)
            self._published = ()
        await self._publish(standing)
        if self._leading() and self._judges():
            await self._judge(standing)

    async def _touch(self, tx: Transaction, standing: Standing) -> bool:
        """Give whether the row is there; the database may be another one since the last time."""
        await instance.confirm_incarnation(tx)
        self.gives_way = await regions.gives_way(tx, standing.worker)
        return await regions.heartbeat(tx, standing.worker, standing.epoch)

    async def _register(self, tx: Transaction) -> Standing:
        await check(tx)
        await instance.confirm_incarnation(tx)
        identity = await self._begin(tx)
        worker, epoch = await regions.register_worker(tx, identity)
        return Standing(await instance.read(tx), identity, worker, epoch)

    async def _return(self, tx: Transaction) -> Standing:
        """Write the row and the links anew: they were reaped, or the database was restored."""
        before = self.standing
        if before is None:
            return await self._register(tx)
        await check(tx)
        await instance.confirm_incarnation(tx)
        identity = await self._begin(tx)
        worker, epoch = await regions.reinsert_worker(tx, identity, before.worker, before.epoch)
        again = evolve(before, identity=identity, worker=worker, epoch=epoch)
        await self._relink(tx, again)
        self.log.warn(
            "this worker's row had gone: written anew as {worker}, epoch {epoch}",
            worker=worker,
            epoch=epoch,
        )
        return again

    async def _publish(self, standing: Standing) -> None:
        endpoints = self._endpoints()
        if endpoints == self._published:
            return
        if await self._pool.run(
            lambda tx: regions.publish_endpoints(tx, standing.worker, standing.epoch, endpoints)
        ):
            self._published = endpoints
            shown = ", ".join(map(str, endpoints))
            self.log.info("racks reach this worker at {endpoints}", endpoints=shown)

    def _judges(self) -> bool:
        """Whether whoever lives has had the time to say so."""
        silence = WORKER_TTL if self.regained is None else WORKER_TTL + COMEBACK
        return self._contact.lasts(self._clock.seconds()) >= silence

    async def _judge(self, standing: Standing) -> None:
        dead = await self._pool.run(lambda tx: regions.reap_dead(tx, WORKER_TTL, standing.worker))
        for worker in dead:
            self.log.warn(
                "worker {slot} of region {region} is dead", slot=worker.slot, region=worker.region
            )

    def _complain(self, reason: str) -> None:
        """Say once why there is no heartbeat, and once that there is one again."""
        if reason and not self._complaint:
            self.log.warn("no heartbeat: {reason}", reason=reason)
        elif self._complaint and not reason:
            self.log.info("the heartbeat is back")
        self._complaint = reason
