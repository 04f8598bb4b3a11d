"""Follows what dhcpd writes and offers what is new in it, in batches that must be acknowledged.

Two sources, one for each kind: the leases file for leases of pools, the log for hosts with fixed
addresses. The newest word on each address is in a book in memory; a `Spool` keeps it on disk, so
that a restart begins where the last one ended. A disk that takes nothing only means that a restart
tells some things again, or, of fixed addresses, that it has what the log still has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from maasha.dhcp.book import LeaseBook
from maasha.dhcp.clock_watch import ClockWatch
from maasha.dhcp.counting import PoolCounter, Pools
from maasha.dhcp.following import STRIDE, LeasesFile, LogFiles
from maasha.dhcp.spool import Spool
from maasha.dhcp.spool_lines import Mark
from maasha.host.routine import Routine
from maasha.model.lease import LeaseReport, Trouble, TroubleKind
from maasha.model.pools import PoolCount

POLL_INTERVAL = 0.25
"""Seconds between two looks at the files."""
KEEP_INTERVAL = 1.0
"""Seconds between two syncs: what a machine that dies had not synced is read again."""
LINES = 1000
"""Lines written to the spool in one turn of the reactor (about 8 ms)."""


class Elsewhere(Protocol):
    """Runs what waits for the disk in another thread."""

    def __call__(self, work: Callable[[int], None], value: int, /) -> Awaitable[None]:
        """Give what becomes of `work(value)`."""


class LeaseFeed:
    """`notify` is called when there is something to offer; `now` gives the date."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        leases: LeasesFile,
        logs: LogFiles,
        spool: Spool,
        elsewhere: Elsewhere,
        notify: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._clock = clock
        self._leases = leases
        self._logs = logs
        self._spool = spool
        self._elsewhere = elsewhere
        self._notify = notify
        self._now = now
        self._counter = PoolCounter()
        self._book = LeaseBook(self._counter)
        self._watch = ClockWatch()
        self._read = False
        self._behind = True
        self._told = False
        self._unwritten = ""
        self._beyond: int | None = None
        self._polling = Routine(clock, POLL_INTERVAL, self._poll, "follow dhcpd's files")
        self._keeping = Routine(clock, KEEP_INTERVAL, self._keep, "keep leases on disk")

    def start(self) -> None:
        """Begin to read."""
        self._polling.startService()
        self._keeping.startService()

    async def stop(self) -> None:
        """Read no more; what was read is written."""
        await maybeDeferred(self._polling.stopService)
        await maybeDeferred(self._keeping.stopService)
        try:
            while self._read and self._write_some():
                pass
            if self._read:
                self._spool.sync(self._book.acknowledged)
        except OSError as error:
            self.log.warn("the lease spool is not complete: {error}", error=error)
        for each in (self._leases, self._logs, self._spool):
            each.close()

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """All that is wrong now."""
        found = (
            (TroubleKind.DAMAGED, self._spool.damage),
            (TroubleKind.UNWRITTEN, self._unwritten),
            (TroubleKind.STEPPED, self._watch.words),
        )
        return tuple(Trouble(kind, words) for kind, words in found if words)

    def pending(self) -> LeaseReport | None:
        """Offer the oldest news, again and again until it is acknowledged; None: there is none.

        While the files are still being read there is none: their end may unsay their beginning.
        """
        return None if self._behind else self._book.pending()

    def nothing(self) -> LeaseReport:
        """Give a report without news."""
        return LeaseReport(self._book.last, (), self._book.acknowledged)

    @property
    def behind(self) -> bool:
        """Whether the files are still being read, or have not been read yet."""
        return self._behind or not self._leases.there

    def counts(self, pools: Pools) -> tuple[PoolCount, ...]:
        """Count the addresses of these pools, as far as the files have been read."""
        self._book.arrange(pools)
        return self._counter.counts

    def acknowledge(self, cursor: int) -> None:
        """Take note that the batch with this cursor is safe with a region."""
        self._book.acknowledge(cursor)

    def told(self, troubles: tuple[Trouble, ...]) -> None:
        """Take note that a region knows of these."""
        self._told = any(each.kind is TroubleKind.DAMAGED for each in troubles)

    def restart(self, beyond: int = 0) -> None:
        """Offer everything again, to a new session, under numbers higher than `beyond`."""
        if not self._read:
            self._beyond = max(beyond, self._beyond or 0)
            return
        self._book.restart(beyond)
        self._announce()

    async def _poll(self) -> None:
        """Read to the end, a piece in each turn of the reactor."""
        self._watch.look(self._now(), self._clock.seconds())
        if not self._read:
            await self._recall()
        self._behind = True
        news = await self._follow()
        self._behind = False
        self._counter.begin()
        if news:
            self._announce()

    async def _recall(self) -> None:
        """Begin with what the spool remembers."""
        spool = self._spool
        for _ in spool.read():
            await deferLater(self._clock, 0)
        self._book.recall(spool.words.values(), spool.state.acknowledged, spool.highest)
        spool.words = {}
        spool.reserve(self._book.last)
        await self._sync()
        self._logs.begin(self._book.mark)
        self._read = True
        if self._beyond is not None:
            self._book.restart(self._beyond)
        if spool.damage:
            self.log.error("{damage}; everything is told anew", damage=spool.damage)

    async def _sync(self) -> None:
        try:
            await self._elsewhere(self._spool.sync, self._book.acknowledged)
        except OSError as error:
            self._note_unwritten(f"the lease spool cannot be written: {error}")

    async def _follow(self) -> bool:
        """Read both files; say whether there was any news."""
        news, more = False, True
        while more:
            leases, more = self._leases.read()
            news |= self._book.put(leases)
            if more:
                await deferLater(self._clock, 0)
        said, more = news, True
        while more:
            found, more = self._logs.read()
            news |= self._book.take(found)
            said |= bool(found)
            if more:
                await deferLater(self._clock, 0)
        if (mark := self._logs.mark) is not None and (said or _far(mark, self._book.mark)):
            self._book.note_mark(mark)
        return news

    async def _keep(self) -> None:
        """Bring the disk in step; where it refuses, the next look tries again."""
        if not self._read:
            return
        try:
            while self._write_some():
                await deferLater(self._clock, 0)
            if self._spool_is_behind():
                await self._elsewhere(self._spool.sync, self._book.acknowledged)
            self._clean()
        except OSError as error:
            self._note_unwritten(f"the lease spool cannot be written: {error}")
        else:
            self._note_unwritten("")

    def _note_unwritten(self, why: str) -> None:
        """Say once that the disk takes nothing, and once that it does again."""
        if why and not self._unwritten:
            self.log.error("{why}; what is not reported yet is in memory", why=why)
        elif self._unwritten and not why:
            self.log.info("the lease spool is written again")
        self._unwritten = why

    def _write_some(self) -> bool:
        """Write some of what is not on disk; say whether there was any."""
        words = self._book.unwritten(LINES)
        self._spool.append(words)
        self._book.written(words)
        return bool(words)

    def _clean(self) -> None:
        """Drop what is of no use any more, once all that was read is safe."""
        worn = self._spool.tidy()
        if worn:
            self._book.rewrite(worn)
        elif not self._book.unwritten(1):
            self._logs.release()
        if not self._spool.damage:
            return
        if self._told and self._book.settled:
            self._spool.forget_damage()
            self.log.info("the lease spool is whole again")
        else:
            self._spool.keep_damage()

    def _spool_is_behind(self) -> bool:
        return self._spool.behind(self._book.acknowledged)

    def _announce(self) -> None:
        if self.pending() is not None:
            self._notify()


def _far(mark: Mark, kept: Mark | None) -> bool:
    """Whether so much was read since that it is worth a line, though nothing was in it."""
    if kept is None or kept.source != mark.source:
        return True
    return mark.position - kept.position >= STRIDE
