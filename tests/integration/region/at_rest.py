"""Waiting without hope: until everything that was begun on a database has come to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from twisted.internet import reactor as global_reactor
from twisted.internet.task import Clock, deferLater

from maasha.db.errors import OutcomeUnknown
from maasha.db.pool import Pool
from maasha.db.transaction import Isolation, Transaction

T = TypeVar("T")

AT_MOST = 20.0
"""Seconds until a test gives up on work that does not end."""
reactor: Any = global_reactor  # its type depends on the platform


class WatchedPool(Pool):
    """A pool that counts the units of work that are under way.

    What follows a unit of work follows it in the same turn: seen from another turn, a count of
    nought means that nobody waits for the database.
    """

    under_way = 0
    loses_answers = False
    """Whether what is committed from now on is not told: the connection breaks before that."""

    async def run(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        read_only: bool = False,
        isolation: Isolation = Isolation.READ_COMMITTED,
    ) -> T:
        """Run `work`, counted."""
        self.under_way += 1
        try:
            answer = await super().run(work, read_only=read_only, isolation=isolation)
            if self.loses_answers:
                raise OutcomeUnknown("the connection was lost")
            return answer
        finally:
            self.under_way -= 1


async def at_rest(pool: WatchedPool, clock: Clock) -> None:
    """Wait until nothing is under way and nothing is due."""
    until = reactor.seconds() + AT_MOST
    clock.advance(0)
    while pool.under_way:
        assert reactor.seconds() < until, "the work does not end"
        await deferLater(reactor, 0.001)
        clock.advance(0)


async def after(pool: WatchedPool, clock: Clock, *steps: float) -> None:
    """Let seconds go by, each step followed by rest."""
    for step in steps:
        clock.advance(step)
        await at_rest(pool, clock)
