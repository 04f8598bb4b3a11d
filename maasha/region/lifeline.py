"""The pipe by which a worker learns that its master is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IReactorFDSet

GRACE = 2
"""Seconds to end in good order; an orphan that held the API's port would block the next master."""
PIECE = 1024


class Lifeline(FileDescriptor):
    """Reads a descriptor whose other end the master holds and never writes to."""

    def __init__(self, reactor: IReactorFDSet, descriptor: int, cut: Callable[[], None]) -> None:
        super().__init__(reactor)
        self._descriptor = descriptor
        self._cut = cut

    def fileno(self) -> int:
        """Give the descriptor."""
        return self._descriptor

    def doRead(self) -> None:
        """Do nothing for data; at the end of file end this process, within the grace."""
        if not os.read(self._descriptor, PIECE):
            self.stopReading()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(GRACE)
            self._cut()
