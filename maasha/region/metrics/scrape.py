"""Asks every worker of the region for its figures, whichever of them was asked by Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionClosed, ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.region.metrics.exposition import exposition
from maasha.region.metrics.families import LONGEST, Family, read
from maasha.region.metrics.offer import Read, UnixReactor, socket_of
from maasha.rpc.deadline import within
from maasha.rpc.errors import DeadlineExceeded

WITHIN = 1.0
"""Seconds that a sibling has for its answer, connection included."""

log = Logger()


class Scrape:
    """Gives the figures of all `workers` of a region, of which this one has `slot`."""

    def __init__(
        self, reactor: UnixReactor, folder: Path, slot: int, workers: int, own: Read
    ) -> None:
        self._reactor = reactor
        self._folder = folder
        self._slot = slot
        self._workers = workers
        self._own = own

    async def text(self) -> bytes:
        """Write them as Prometheus reads them; who does not answer in time is left out."""
        slots = range(self._workers)
        asked = (Deferred.fromCoroutine(self._of(slot)) for slot in slots)
        told = await gatherResults(list(asked), consumeErrors=True)
        parts = []
        for part in exposition(dict(zip(slots, told, strict=True))):
            parts.append(part)
            await deferLater(self._reactor, 0)  # racks' calls go on in between
        return b"".join(parts)

    async def _of(self, slot: int) -> tuple[Family, ...] | None:
        if slot == self._slot:
            return await self._own()
        return await ask(self._reactor, socket_of(self._folder, slot))


async def ask(reactor: UnixReactor, path: Path) -> tuple[Family, ...] | None:
    """Ask the worker that listens there; None where it gives no figures within a second."""
    asking = Deferred.fromCoroutine(_heard(reactor, path))
    try:
        data = await within(WITHIN, reactor, "metrics", asking)
    except (ConnectError, ConnectionClosed, DeadlineExceeded) as error:
        log.debug("no metrics from {path}: {error}", path=path, error=error)
        return None
    return read(data)


async def _heard(reactor: UnixReactor, path: Path) -> bytes:
    hearing: Hearing = await connectProtocol(UNIXClientEndpoint(reactor, str(path)), Hearing())
    try:
        return await hearing.all
    finally:
        hearing.hang_up()


class Hearing(Protocol):
    """Listens to the end; `all` is what was said."""

    _channel: Any

    def __init__(self) -> None:
        self.all: Deferred[bytes] = Deferred()
        self._parts: list[bytes] = []
        self._length = 0

    def connectionMade(self) -> None:
        """Keep the connection."""
        self._channel = self.transport

    def dataReceived(self, data: bytes) -> None:
        """Take a part; more than a worker ever says ends it."""
        self._parts.append(data)
        self._length += len(data)
        if self._length > LONGEST:
            self.hang_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give all of it, or the reason why there is not."""
        if self.all.called:
            return
        if reason.check(ConnectionDone):
            self.all.callback(b"".join(self._parts))
        else:
            self.all.errback(reason)

    def hang_up(self) -> None:
        """End the connection at once."""
        self._channel.abortConnection()
