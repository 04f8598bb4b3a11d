"""Follows a leases file and offers what is new in it, in batches that must be acknowledged.

The file is the durable spool: dhcpd keeps the last state of every address in it. So nothing is kept
beside it; whoever begins anew is offered everything once more, and writing a lease down twice does
no harm.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from maasha.dhcp.book import LeaseBook
from maasha.dhcp.counting import PoolCounter, Pools
from maasha.dhcp.leases import LeaseParser
from maasha.host.routine import Routine
from maasha.model.lease import LeaseReport
from maasha.model.pools import PoolCount

POLL_INTERVAL = 0.25
"""Seconds between two looks at the file."""
PIECE = 256 << 10
"""Bytes parsed in one turn of the reactor (about 10 ms)."""


class LeaseFeed:
    """Reads a leases file as it grows; `notify` is called when there is something to offer.

    dhcpd replaces the file now and then by a shorter one that says the same.
    """

    def __init__(self, clock: IReactorTime, path: Path, notify: Callable[[], None]) -> None:
        self._clock = clock
        self._path = path
        self._notify = notify
        self._counter = PoolCounter()
        self._book = LeaseBook(self._counter)
        self._parser = LeaseParser()
        self._file: FileIO | None = None
        self._behind = False
        self._polling = Routine(clock, POLL_INTERVAL, self._poll, "follow the leases file")

    def start(self) -> None:
        """Begin to read."""
        self._polling.startService()

    async def stop(self) -> None:
        """Read no more."""
        await maybeDeferred(self._polling.stopService)
        self._close()

    def pending(self) -> LeaseReport | None:
        """Offer the oldest news, again and again until it is acknowledged; None: there is none.

        While the file is still being read there is none: its end may unsay its beginning.
        """
        return None if self._behind else self._book.pending()

    @property
    def behind(self) -> bool:
        """Whether the file is still being read, or has not been read yet."""
        return self._behind or self._file is None

    def counts(self, pools: Pools) -> tuple[PoolCount, ...]:
        """Count the addresses of these pools, as far as the file has been read."""
        self._book.arrange(pools)
        return self._counter.counts

    def acknowledge(self, cursor: int) -> None:
        """Take note that the batch with this cursor is safe with a region."""
        self._book.acknowledge(cursor)

    def restart(self) -> None:
        """Offer everything again, to a new session."""
        self._book.restart()
        self._announce()

    async def _poll(self) -> None:
        """Read to the end, a piece in each turn of the reactor."""
        self._behind = True
        news = False
        while self._behind:
            current = self._current()
            piece = (current.read(PIECE) or b"") if current is not None else b""
            news |= self._book.put(self._parser.feed(piece))
            self._behind = len(piece) == PIECE
            if self._behind:
                await deferLater(self._clock, 0)
        if self._file is not None:
            self._counter.begin()
        if news:
            self._announce()

    def _announce(self) -> None:
        if self.pending() is not None:
            self._notify()

    def _current(self) -> FileIO | None:
        """Give the file that has the name now, from its beginning if it is another than before."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return None
        if self._file is None or not _goes_on(self._file, there):
            self._close()
            self._file = FileIO(self._path)
            self._parser = LeaseParser()
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _goes_on(file: FileIO, there: os.stat_result) -> bool:
    """Whether the open file is the one that is there now, and not cut shorter meanwhile."""
    return os.path.samestat(os.fstat(file.fileno()), there) and there.st_size >= file.tell()
