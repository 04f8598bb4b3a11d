"""Keeps what racks may prove themselves with in step with the database, while the worker runs."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import instance, tokens
from maasha.db.errors import DatabaseError
from maasha.db.instance import Instance
from maasha.db.pool import Pool
from maasha.host.routine import Routine
from maasha.region.available import available

TICK = 10.0
"""Seconds between looks that no notice asked for."""


class Credentials(Routine):
    """Looks at the instance's secrets and tells `changed` when they are others than before.

    Woken by the notice of a rotation: racks with the new secret get in at once, on every worker.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, pool: Pool, changed: Callable[[Instance], None]
    ) -> None:
        super().__init__(clock, TICK, self._look, "credentials")
        self._pool = pool
        self._changed = changed
        self._known: Instance | None = None

    def know(self, found: Instance) -> None:
        """Take note of what is in use already."""
        self._known = found

    async def token_secret(self, token: str) -> bytes | None:
        """Find what a join token proves, None for an unknown one; raises Unavailable."""
        return await available(
            self._pool.run(lambda tx: tokens.secret_of(tx, token), read_only=True)
        )

    async def _look(self) -> None:
        if self._known is None:
            return
        try:
            found = await self._pool.run(instance.read, read_only=True)
        except DatabaseError as error:
            self.log.debug("no look at the racks' secrets: {error}", error=error)
            return
        if (found.secrets, found.key_root) != (self._known.secrets, self._known.key_root):
            count = len(found.secrets)
            self.log.info("the racks' secrets have changed: {count} valid now", count=count)
            self._changed(found)
        self._known = found
