"""Links of stock AMP, with the heartbeat that maasha ships and nothing else of it."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from OpenSSL import crypto
from twisted.internet import endpoints, ssl
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory
from twisted.protocols import amp

from benchmarks.desk import Answer, Counts, Desk, clock
from benchmarks.processes import BACKLOG, LOOPBACK
from maasha.rpc.commands import Ping
from maasha.rpc.ground import TIMING
from maasha.rpc.tls import self_made

COUNTS = Counts()


class StockDesk(Desk):
    """Answers the heartbeat too, and counts it by hand."""

    def counts(self) -> Counts:
        """Give what this process has counted."""
        return counts()

    @Ping.responder
    def ping(self) -> Answer:
        """Answer the heartbeat."""
        COUNTS.beats += 1
        return {}


class Stock(amp.AMP):
    """One end; it asks a peer that was silent for a whole period, as maasha's does."""

    _heard = False
    _timer: IDelayedCall | None = None

    def makeConnection(self, transport: Any) -> None:
        """Begin, without a line in the log and in any phase."""
        amp.BinaryBoxProtocol.makeConnection(self, transport)
        phase = random.uniform(0, TIMING.heartbeat)  # noqa: S311  # no secret
        self._timer = clock.callLater(phase, self._beat)

    def dataReceived(self, data: bytes) -> None:
        """Take it as a sign of life."""
        self._heard = True
        super().dataReceived(data)

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]  # AMP's own signature
        """End, without a line in the log."""
        if self._timer is not None:
            self._timer.cancel()
        amp.BinaryBoxProtocol.connectionLost(self, reason)

    def _beat(self) -> None:
        self._timer = clock.callLater(TIMING.heartbeat, self._beat)
        heard, self._heard = self._heard, False
        if not heard:
            self.callRemote(Ping).addCallbacks(_answered, _ignore)


def _answered(_: object) -> None:
    COUNTS.beats += 1


def _ignore(_: object) -> None:
    """Do nothing about a heartbeat that failed: the connection is about to end."""


def counts() -> Counts:
    """Give what this process has counted."""
    return COUNTS


def listen(port: int, tls: bool) -> Deferred[Any]:
    """Listen for links."""
    endpoint: Any = (
        endpoints.SSL4ServerEndpoint(clock, port, _offered(), BACKLOG, LOOPBACK)
        if tls
        else endpoints.TCP4ServerEndpoint(clock, port, BACKLOG, LOOPBACK)
    )
    factory = Factory.forProtocol(lambda: Stock(locator=StockDesk()))
    factory.noisy = False
    listening: Deferred[Any] = endpoint.listen(factory)
    return listening


async def connect(port: int, tls: bool) -> Any:
    """Make one link."""
    endpoint: Any = (
        endpoints.SSL4ClientEndpoint(clock, LOOPBACK, port, _dialled())
        if tls
        else endpoints.TCP4ClientEndpoint(clock, LOOPBACK, port)
    )
    return await endpoints.connectProtocol(endpoint, Stock(locator=StockDesk()))


def _offered() -> ssl.CertificateOptions:
    """Give Twisted's own context of a server, with a certificate as maasha makes its own."""
    certificate, key = self_made()
    return ssl.CertificateOptions(
        privateKey=crypto.PKey.from_cryptography_key(key),
        certificate=crypto.X509.from_cryptography(certificate),
        raiseMinimumTo=ssl.TLSVersion.TLSv1_3,
    )


@cache
def _dialled() -> ssl.CertificateOptions:
    """Give Twisted's own context of a client; like maasha's it verifies no certificate."""
    return ssl.CertificateOptions(raiseMinimumTo=ssl.TLSVersion.TLSv1_3)
