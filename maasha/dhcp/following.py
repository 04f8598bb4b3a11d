"""Reads what dhcpd writes, as it grows: its leases file, and its logs one after the other."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from twisted.logger import Logger

from maasha.dhcp.lease_log import LogParser, Released
from maasha.dhcp.leases import LeaseParser
from maasha.dhcp.logs import Logs
from maasha.dhcp.spool_lines import Mark
from maasha.host.holes import data_from, punch
from maasha.model.lease import Lease

PIECE = 256 << 10
"""Bytes parsed in one turn of the reactor (about 10 ms)."""
KEPT = 16 << 20
"""Bytes of a log that stay behind what was read, for people to look at."""
STRIDE = 1 << 20
"""Bytes that are freed at once."""


class LeasesFile:
    """Follows a leases file; dhcpd replaces it now and then by a shorter one that says the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = LeaseParser()
        self._file: FileIO | None = None

    def read(self) -> tuple[tuple[Lease, ...], bool]:
        """Read one piece; give what is in it, and whether there may be more at once."""
        current = self._current()
        piece = (current.read(PIECE) or b"") if current is not None else b""
        return self._parser.feed(piece), len(piece) == PIECE

    @property
    def there(self) -> bool:
        """Whether there is a file, as far as was seen."""
        return self._file is not None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _current(self) -> FileIO | None:
        """Give the file that has the name now, from its beginning if it is another than before."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return None
        if self._file is None or not _goes_on(self._file, there):
            self.close()
            self._file = FileIO(self._path)
            self._parser = LeaseParser()
        return self._file


class LogFiles:
    """Follows the logs of one dhcpd after the other, from a mark on.

    dhcpd appends to a log for as long as it runs; nobody may cut it shorter meanwhile, for the part
    in between would become zeros. What is consumed is freed by holes; where the filesystem knows
    none the log grows until dhcpd is started anew, on a log of its own.
    """

    log = Logger()

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._file: FileIO | None = None
        self._path: Path | None = None
        self._start = 0
        self._parser = LogParser()
        self._freed = 0
        self._punches = True

    @property
    def mark(self) -> Mark | None:
        """How far everything was read; None: nothing was."""
        if self._path is None:
            return None
        return Mark(self._path.name, self._start + self._parser.consumed)

    def begin(self, mark: Mark | None) -> None:
        """Go on from a mark; None: with the oldest that is there."""
        for path in self._logs.all():
            if mark is None or path.name == mark.source:
                self._open(path, mark.position if mark is not None else 0)
                return
        later = [path for path in self._logs.all() if mark and self._logs.later(path, mark.source)]
        if later:
            self._open(later[0], 0)

    def read(self) -> tuple[tuple[Lease | Released, ...], bool]:
        """Read one piece, in the next log where one is at its end; as `LeasesFile.read`."""
        if self._file is None:
            self.begin(None)
        if self._file is None or self._path is None:
            return (), False
        following = self._next(self._path)
        piece = self._file.read(PIECE) or b""
        at = datetime.fromtimestamp(int(os.fstat(self._file.fileno()).st_mtime), UTC)
        found = self._parser.feed(piece, at)
        if not piece and following is not None:
            self._open(following, 0)
            return found, True
        return found, len(piece) == PIECE or following is not None

    def release(self) -> None:
        """Free what was read and is safe elsewhere by now."""
        mark = self.mark
        if mark is None or self._path is None:
            return
        self._logs.remove_before(mark.source)
        end = mark.position - KEPT
        if self._punches and end - self._freed >= STRIDE:
            self._freed = end
            try:
                punch(self._path, end)
            except OSError as error:
                self._punches = False
                self.log.info("dhcpd's log grows until its next start: {error}", error=error)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self, path: Path) -> Path | None:
        """Give the log after this one; asked before this one is read to an end that is its last."""
        later = [each for each in self._logs.all() if self._logs.later(each, path.name)]
        return later[0] if later else None

    def _open(self, path: Path, position: int) -> None:
        self.close()
        with suppress(FileNotFoundError):
            size = path.stat().st_size
            self._start = data_from(path, position if position <= size else 0)
            self._file = FileIO(path)
            self._file.seek(self._start)
            self._path, self._freed, self._parser = path, 0, LogParser()


def _goes_on(file: FileIO, there: os.stat_result) -> bool:
    """Whether the open file is the one that is there now, and not cut shorter meanwhile."""
    return os.path.samestat(os.fstat(file.fileno()), there) and there.st_size >= file.tell()
