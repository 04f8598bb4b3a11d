"""The one process that runs a singleton: whoever holds a session's advisory lock."""

from __future__ import annotations

from twisted.logger import Logger

from maasha.db.dedicated import Dedicated
from maasha.db.locks import SPACE, Lock

log = Logger()


class Leadership:
    """Tries for the lock with each ping; `leading` says how it went.

    The lock lives and dies with the dedicated connection: PostgreSQL ends a session that is silent
    for 3 s, and a leader that was frozen longer finds its connection closed.
    """

    def __init__(self, dedicated: Dedicated) -> None:
        self._dedicated = dedicated
        self.leading = False
        dedicated.on_ping(self._try_lock)
        dedicated.on_close(self._closed)

    @property
    def _keys(self) -> tuple[int, int]:
        return SPACE, Lock.LEADER.value

    async def _try_lock(self) -> None:
        if self.leading:
            return
        if await self._dedicated.ask("select pg_try_advisory_lock(%s, %s)", self._keys):
            self.leading = True
            log.info("this process leads")

    def _closed(self, reason: str) -> None:
        if self.leading:
            self.leading = False
            log.info("this process leads no more: {reason}", reason=reason)
