"""A share of a pool's connections for one kind of work, so that no other kind waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from maasha.db.errors import DatabaseUnavailable
from maasha.db.pool import RETRY_AFTER
from maasha.db.transaction import Isolation, Transaction
from maasha.db.waiting import within

T = TypeVar("T")

PATIENCE = 4.0
"""Seconds that a unit of work waits for its turn; a rack waits ten for the answer to its call, and
the pool may take five more."""


class Runner(Protocol):
    """Who runs units of work on the database: a pool, or a lane of one."""

    async def run(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        read_only: bool = False,
        isolation: Isolation = Isolation.READ_COMMITTED,
    ) -> T:
        """See `Pool.run`."""


class Lane:
    """Runs at most `width` units of work of a pool at the same time; the others wait in order."""

    def __init__(
        self, clock: IReactorTime, pool: Runner, width: int, patience: float = PATIENCE
    ) -> None:
        self._clock = clock
        self._pool = pool
        self._free = width
        self._patience = patience
        self._waiters: deque[Deferred[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many units of work wait for their turn."""
        return len(self._waiters)

    async def run(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        read_only: bool = False,
        isolation: Isolation = Isolation.READ_COMMITTED,
    ) -> T:
        """See `Pool.run`; raises DatabaseUnavailable also where its turn does not come in time."""
        await self._enter()
        try:
            return await self._pool.run(work, read_only=read_only, isolation=isolation)
        finally:
            self._leave()

    async def _enter(self) -> None:
        if self._free:
            self._free -= 1
            return
        waiter: Deferred[None] = Deferred()
        self._waiters.append(waiter)
        try:
            await within(self._clock, self._patience, waiter, self._unavailable)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _leave(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.called:
                waiter.callback(None)
                return
        self._free += 1

    def _unavailable(self) -> DatabaseUnavailable:
        return DatabaseUnavailable("too much of the same kind waits before it", RETRY_AFTER)
