"""Has racks move the links of this worker that the leader wants elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import link_moves
from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.link_moves import Asked, MoveId
from maasha.host.routine import Routine
from maasha.model.cluster import Move, WorkerId
from maasha.region.connections import Connections, RackLink
from maasha.rpc.deadline import within
from maasha.rpc.errors import DeadlineExceeded, RpcError

TICK = 5.0
"""Seconds between looks that no notice asked for."""
ANSWER = 2.0
"""Seconds of a move that the rack does not get: what it did in its last moment is still heard of,
and in the database before the move is overdue there."""


class Relocation(MultiService):
    """Asks for each open move once; the racks of different moves are asked side by side.

    `worker` gives this worker's id, None before it has one. A move that is not ended here (no
    database, this worker dies) ends with its deadline.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        connections: Connections,
        worker: Callable[[], WorkerId | None],
    ) -> None:
        super().__init__()
        self._clock = clock
        self._pool = pool
        self._connections = connections
        self._worker = worker
        self._begun: set[MoveId] = set()
        self._looking = Routine(clock, TICK, self._look, "moves of links")
        self._looking.setServiceParent(self)

    def wake(self) -> None:
        """Look at once: there may be moves."""
        self._looking.wake()

    async def _look(self) -> None:
        worker = self._worker()
        if worker is None or not len(self._connections):
            return
        try:
            found = await self._pool.run(lambda tx: link_moves.asked_of(tx, worker), read_only=True)
        except DatabaseError as error:
            self.log.debug("no look at moves: {error}", error=error)
            return
        fresh = [asked for asked in found if asked.id not in self._begun]
        self._begun = {asked.id for asked in found}
        for asked in fresh:
            doing = Deferred.fromCoroutine(self._do(asked))
            doing.addErrback(lambda failure: self.log.failure("a move", failure))

    async def _do(self, asked: Asked) -> None:
        moved_to, failure = await self._ask(asked)
        try:
            await self._pool.run(lambda tx: link_moves.end_move(tx, asked.id, moved_to, failure))
        except DatabaseError as error:
            self.log.info("a move ends with its deadline: {error}", error=error)

    async def _ask(self, asked: Asked) -> tuple[WorkerId | None, str]:
        """Give the rack's new worker, or why there is none."""
        link = self._connections.by_id(asked.link)
        if link is None:
            return None, "the link ended by itself"
        move = Move(asked.to, of_the_rack(asked.seconds), asked.reason)
        end = self._clock.seconds() + asked.seconds
        try:
            worker = await link.remote.migrate(move, asked.seconds)
        except RpcError as error:
            self.log.info("{rack} does not move: {error}", rack=link.hostname, error=error)
            return None, str(error)
        self.log.info(
            "{rack} moves its link to {name}: {reason}",
            rack=link.hostname,
            name=asked.to.name if asked.to is not None else "nowhere",
            reason=asked.reason,
        )
        await self._ended(link, max(0.0, end - self._clock.seconds()))
        return None if worker is None else WorkerId(worker), ""

    async def _ended(self, link: RackLink, seconds: float) -> None:
        """Wait for the end of a link that the rack leaves: the calls on it go on to theirs."""
        with suppress(DeadlineExceeded):
            await within(seconds, self._clock, "the end of a moved link", link.remote.closed)


def of_the_rack(seconds: float) -> float:
    """Give how much of the time that is left for a move the rack has: half, where it is short."""
    return max(seconds - ANSWER, seconds / 2)
