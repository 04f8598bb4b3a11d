"""The one process that runs a singleton: whoever holds a session's advisory lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.logger import Logger

from maasha.db.dedicated import Dedicated
from maasha.db.errors import DatabaseUnavailable
from maasha.db.locks import SPACE, Lock
from maasha.db.pool import RETRY_AFTER
from maasha.db.transaction import Transaction

T = TypeVar("T")
log = Logger()


class Leadership:
    """Tries for the lock with each ping; `gained` and `lost` say how it went.

    The lock lives and dies with the dedicated connection: PostgreSQL ends a session that is silent
    for 3 s, and a leader that was frozen longer finds its connection closed. So what the leader
    writes through `run` is written under the lock, or not at all.
    """

    def __init__(
        self,
        dedicated: Dedicated,
        gained: Callable[[], None],
        lost: Callable[[str], None],
        lock: Lock = Lock.LEADER,
    ) -> None:
        self._dedicated = dedicated
        self._gained = gained
        self._lost = lost
        self._lock = lock
        self.leading = False
        dedicated.on_ping(self._try_lock)
        dedicated.on_close(self._closed)

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` under the lock; raises DatabaseUnavailable when not leading."""
        if not self.leading:
            raise DatabaseUnavailable("this process does not lead", RETRY_AFTER)
        return await self._dedicated.run(work)

    async def resign(self) -> None:
        """Give the lock away; with the next ping this process tries again like any other."""
        if self.leading:
            await self._dedicated.ask("select pg_advisory_unlock(%s, %s)", self._keys)
            self._closed("resigned")

    @property
    def _keys(self) -> tuple[int, int]:
        return SPACE, self._lock.value

    async def _try_lock(self) -> None:
        if self.leading:
            return
        if await self._dedicated.ask("select pg_try_advisory_lock(%s, %s)", self._keys):
            self.leading = True
            log.info("this process leads")
            self._gained()

    def _closed(self, reason: str) -> None:
        if self.leading:
            self.leading = False
            log.info("this process leads no more: {reason}", reason=reason)
            self._lost(reason)
