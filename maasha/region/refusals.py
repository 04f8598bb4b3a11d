"""Makes refused racks visible: one event per source and reason, not one per try."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from maasha.rpc.addresses import source_at
from maasha.rpc.errors import RpcError
from maasha.rpc.seldom import Seldom

KIND = "rack.refused"


class Refusals:
    """Hears of every rack that failed the proof."""

    log = Logger()

    def __init__(self, clock: IReactorTime, pool: Pool, who: str) -> None:
        self._clock = clock
        self._pool = pool
        self._who = who
        self._seldom = Seldom()

    def refused(self, remote: str, error: RpcError) -> None:
        """Log and write an event, unless the same was told in the last minute."""
        host = remote.rpartition(":")[0]
        source = f"{source_at(host.strip('[]'))} {type(error).__name__}"
        if not self._seldom.allows(source, self._clock.seconds()):
            return
        self.log.warn("refused a rack at {remote}: {error}", remote=remote, error=error)
        written = Deferred.fromCoroutine(self._pool.run(lambda tx: self._write(tx, host, error)))
        written.addErrback(self._unwritten)

    async def _write(self, tx: Transaction, host: str, error: RpcError) -> None:
        await record(tx, self._who, f"host:{host}", KIND, "warning", str(error))

    def _unwritten(self, failure: Failure) -> None:
        failure.trap(DatabaseError)
        self.log.info("the refusal is in no event: {why}", why=failure.getErrorMessage())
