"""The pipe by which a worker learns that its master is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure

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

    def doRead(self) -> Exception | None:
        """Take no notice of data; at the end of file tell the reactor, which ends us."""
        return None if os.read(self._descriptor, PIECE) else CONNECTION_LOST

    def connectionLost(self, reason: Failure) -> None:
        """End this process, within the grace; also called for a bare hang-up without a read."""
        super().connectionLost(reason)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(GRACE)
        self._cut()
