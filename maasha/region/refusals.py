"""Makes refused racks visible: one warning per host and reason, open until the host proves itself.

Who has no secret decides how often he knocks, and from how many addresses. So everything that this
costs has a bound: what is remembered, what waits for the database, what is written into history.
"""

from __future__ import annotations

from collections.abc import Collection

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.db.errors import DatabaseError
from maasha.db.pool import Pool
from maasha.db.refusals import Noted, forgive, note_refusal
from maasha.db.transaction import Transaction
from maasha.model.cluster import Introduction, Welcome
from maasha.region.tally import Tally
from maasha.rpc.addresses import source_at
from maasha.rpc.credentials import Credential
from maasha.rpc.errors import RpcError, Unavailable, WrongSecret
from maasha.rpc.region_side import Admission, RegionDuties
from maasha.rpc.remote import RemoteRack
from maasha.rpc.seldom import INTERVAL, Seldom

WAITING = 20
"""Refusals that wait for the database at most; the log has all."""

Told = tuple[str, str]
"""A host, and why it was refused."""


class Refusals:
    """Hears of every rack that failed the proof, and is the way in for those that passed it."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, pool: Pool, who: str, within: Admission, tally: Tally
    ) -> None:
        self._tally = tally
        self._clock = clock
        self._pool = pool
        self._who = who
        self._within = within
        self._seldom = Seldom()
        self._told: list[Told] = []
        self._proved: set[str] = set()
        self._writing = False
        self._silent_until = 0.0

    def refused(self, remote: str, error: RpcError) -> None:
        """Count it; log it and open a warning, unless the same was told in the last minute."""
        self._tally.refused[type(error).__name__] += 1
        host, now = _host(remote), self._clock.seconds()
        credential = error.credential if isinstance(error, WrongSecret) else ""
        source = source_at(host.strip("[]"))
        if not self._seldom.allows(f"{source} {type(error).__name__} {credential}", now):
            return
        self.log.warn("refused a rack at {remote}: {error}", remote=remote, error=error)
        if len(self._told) < WAITING and now >= self._silent_until:
            self._told.append((host, str(error)))
            self._write()

    async def register(
        self, introduction: Introduction, rack: RemoteRack, remote: str, credential: Credential
    ) -> tuple[Welcome, RegionDuties]:
        """Let a rack in as `within` does, and clear what was said of its host before."""
        try:
            welcome = await self._within.register(introduction, rack, remote, credential)
        except Unavailable:
            self._tally.put_off += 1
            raise
        self._tally.registered += 1
        self._proved.add(_host(remote))
        self._write()
        return welcome

    def _write(self) -> None:
        if not self._writing:
            self._writing = True
            Deferred.fromCoroutine(self._write_all()).addErrback(self._unwritten)

    async def _write_all(self) -> None:
        """Write what waits, one transaction after the other, until nothing does."""
        try:
            while self._told or self._proved:
                told, proved = tuple(self._told), frozenset(self._proved)
                self._told.clear()
                self._proved.clear()
                if await self._pool.run(lambda tx: self._note(tx, told, proved)):  # noqa: B023  awaited
                    self._silent_until = self._clock.seconds() + INTERVAL
        finally:
            self._writing = False

    async def _note(self, tx: Transaction, told: Collection[Told], proved: Collection[str]) -> bool:
        """Open and clear warnings; whether this hour has had too many."""
        noted = [await note_refusal(tx, self._who, host, reason) for host, reason in told]
        await forgive(tx, self._who, proved)
        return Noted.TOO_MANY in noted

    def _unwritten(self, failure: Failure) -> None:
        failure.trap(DatabaseError)
        self.log.info("the history lacks refusals: {why}", why=failure.getErrorMessage())


def _host(remote: str) -> str:
    return remote.rpartition(":")[0]
