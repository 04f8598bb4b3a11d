"""Writes down what racks report: together what is no news, one by one what is."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from maasha.db import services, services6
from maasha.db.errors import DatabaseUnavailable, QueryFailed
from maasha.db.lane import Runner
from maasha.db.pool import RETRY_AFTER
from maasha.db.unchanged import Word, note_unchanged
from maasha.region.gathering import Gathering, TooMany

TOGETHER = 128
"""Reports that are compared in one transaction."""
WAITING = 4096
PATIENCE = 3.0
"""Seconds that a report waits for its turn; a rack waits ten for the answer."""


class Clerk:
    """Most reports say what is on record: after a region's restart nearly all of them."""

    def __init__(self, clock: IReactorTime, pool: Runner) -> None:
        self._pool = pool
        self._words: Gathering[Word, bool] = Gathering(
            clock, self._compare, TOGETHER, WAITING, PATIENCE
        )

    async def record(self, word: Word) -> None:
        """Write it down, if the epoch is still the owner's; raises DatabaseError."""
        try:
            known = await self._words.add(word)
        except TooMany:
            raise DatabaseUnavailable("too many reports come at once", RETRY_AFTER) from None
        if not known:
            await self._pool.run(
                lambda tx: services.record_report(
                    tx, word.rack, word.epoch, word.report, settles=word.settles
                )
            )

    async def record6(self, word: Word) -> None:
        """Write down what a rack says of DHCPv6, likewise; few racks have anything to say."""
        await self._pool.run(
            lambda tx: services6.record_report(
                tx, word.rack, word.epoch, word.report, settles=word.settles
            )
        )

    async def _compare(self, words: Sequence[Word]) -> Sequence[bool]:
        try:
            return await self._pool.run(lambda tx: note_unchanged(tx, words))
        except QueryFailed:  # what one of them says does harm: each is judged alone
            return [False] * len(words)
