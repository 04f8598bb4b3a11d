"""Gives a worker's figures to its siblings, who ask by connecting to its Unix socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from os import getpid
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IReactorTime,
    IReactorUNIX,
)
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.region.metrics.families import Family, written

OWNER_ONLY = 0o600
PATIENCE = 2.0
"""Seconds from the connection to the end of the answer; who asked waits one."""

Read = Callable[[], Awaitable[tuple[Family, ...]]]
"""Gives this worker's figures."""

log = Logger()


class UnixReactor(IReactorUNIX, IReactorTime):
    """What the socket needs of a reactor."""


def socket_of(folder: Path, slot: int) -> Path:
    """Say where the worker of a slot listens."""
    return folder / f"worker-{slot}.sock"


class Offer(Service):
    """Listens on the Unix socket `path`, which nobody else can open, while the service runs.

    Where it cannot, this worker is missing in what its siblings tell; all else goes on. The socket
    takes the place of a dead process's, or of one that is about to end, in one step: it is made
    under a name of its own and renamed.
    """

    def __init__(self, reactor: UnixReactor, path: Path, read: Read) -> None:
        self._reactor = reactor
        self._path = path
        self._draft = path.with_name(f"{path.name}.{getpid()}")
        self._factory = Tellers(reactor, read)
        self._port: IListeningPort | None = None
        self._inode = 0

    def startService(self) -> None:
        """Listen."""
        super().startService()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._draft.unlink(missing_ok=True)
            self._port = self._reactor.listenUNIX(
                str(self._draft), self._factory, mode=OWNER_ONLY, wantPID=False
            )
            self._inode = self._draft.stat().st_ino
            self._draft.rename(self._path)
        except Exception:
            log.failure("no socket at {path}: siblings miss our metrics", path=self._path)

    def stopService(self) -> Deferred[None]:
        """Close the socket, and take it away unless it is another process's by now."""
        super().stopService()
        self._factory.end()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        port, self._port = self._port, None
        if port is None:
            return
        try:
            self._draft.touch()  # Twisted is to find what it unlinks
            await maybeDeferred(port.stopListening)
            if self._path.exists() and self._path.stat().st_ino == self._inode:
                self._path.unlink()
        except OSError as error:
            log.warn("the socket {path} is not taken away: {error}", path=self._path, error=error)


class Tellers(ServerFactory):
    """Those who are told something just now."""

    noisy = False

    def __init__(self, clock: IReactorTime, read: Read) -> None:
        self.clock = clock
        self.read = read
        self.connected: set[Teller] = set()

    def buildProtocol(self, _: IAddress | None) -> Teller:
        """Make one more."""
        return Teller(self)

    def end(self) -> None:
        """Hang up on everyone."""
        for one in tuple(self.connected):
            one.abort()


class Teller(Protocol):
    """One connection: the figures, the end. It is cut off where that takes too long."""

    _channel: Any

    def __init__(self, all_of_them: Tellers) -> None:
        self._all = all_of_them
        self._work: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Read the figures, write them, close."""
        self._all.connected.add(self)
        self._channel = self.transport
        self._timer = self._all.clock.callLater(PATIENCE, self.abort)
        self._work = Deferred.fromCoroutine(self._tell())
        self._work.addErrback(self._failed)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Stop working for nobody."""
        self._all.connected.discard(self)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._work is not None:
            self._work.cancel()

    def abort(self) -> None:
        """End it at once."""
        self._channel.abortConnection()

    async def _tell(self) -> None:
        self._channel.write(written(await self._all.read()))
        self._channel.loseConnection()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            log.failure("a sibling asked for metrics in vain", failure)
            self.abort()
