"""AMP links under test: stock ones, and ours with deadlines, traces, metrics and a proof."""

from __future__ import annotations

import hmac
import os
import random
from functools import cache
from typing import Any

from twisted.internet import endpoints, reactor, task
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols import amp
from twisted.python.failure import Failure

from benchmarks import certificates
from benchmarks.contract import BLOB, SLOW, Lookup, LookupBlob, Ping, Prove, Report, Sleep
from maasha.rpc.wire import AMP
from maasha.rpc.wire.metrics import METRICS
from maasha.rpc.wire.rhythm import Rhythm
from maasha.rpc.wire.secured import SecuredClient, SecuredServer
from maasha.rpc.wire.timekeeper import Timekeeper

SECRET = b"s" * 32
HEARTBEAT = 1.0
"""Seconds between two pings, both ways: what maasha ships, and stock sends the same here."""
TIMEOUT = 10.0
"""Seconds that each call of ours may take."""
BACKLOG = 4096
clock: Any = reactor
RHYTHM = Rhythm(clock, HEARTBEAT)

CONTEXT = cache(certificates.client)
"""One for all connections, as a controller has."""

Answer = dict[str, object]


class Desk(amp.CommandLocator):
    """What all links answer; `pings` counts those of the whole process."""

    pings = 0

    @Lookup.responder
    def lookup(self, id: int, name: str) -> Answer:  # noqa: ARG002  # AMP passes it
        """Answer the small call."""
        return {"ok": True, "count": id + 1}

    @LookupBlob.responder
    def lookup_blob(self, id: int, name: str, data: bytes) -> Answer:  # noqa: ARG002  # likewise
        """Answer the large call."""
        return {"ok": len(data) == len(BLOB), "count": id + 1}

    @Sleep.responder
    def sleep(self, id: int) -> Deferred[Answer]:  # noqa: ARG002  # likewise
        """Answer late."""
        return task.deferLater(clock, SLOW, dict)

    @Ping.responder
    def ping(self) -> Answer:
        """Answer the heartbeat."""
        Desk.pings += 1
        return {}

    @Report.responder
    def report(self) -> Answer:
        """Tell what was counted in this process."""
        served = sum(series.count for series in METRICS.served.values())
        return {"served": served, "detours": METRICS.request_detours, "pings": Desk.pings}


class Doorstep(amp.CommandLocator):
    """What a stranger may call."""

    def __init__(self, link: Any) -> None:
        self._link = link

    @Prove.responder
    def prove(self, nonce: bytes, proof: bytes) -> Answer:
        """Check, prove in return, and open the door."""
        if not hmac.compare_digest(proof, proof_of(b"client", nonce)):
            raise ValueError("wrong secret")
        self._link.locator = Desk()
        beat_later(self._link)
        return {"proof": proof_of(b"server", nonce)}


class Ours(AMP):
    """A link with all features on."""

    timekeeper = Timekeeper(clock)
    timeout = TIMEOUT
    trace = os.urandom(4).hex().encode() + b"."
    announces = False

    def beat(self) -> None:
        """Send a heartbeat."""
        self.callRemote(Ping).addErrback(_ignore)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the heartbeat."""
        RHYTHM.leave(self.beat)
        super().connectionLost(reason)


class Stock(amp.AMP):
    """A link of stock AMP, as quiet as ours."""

    def makeConnection(self, transport: Any) -> None:
        """Begin without a line in the log."""
        amp.BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]  # AMP's own signature
        """End without a line in the log."""
        amp.BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None


def proof_of(side: bytes, nonce: bytes) -> bytes:
    """Prove the secret."""
    return hmac.digest(SECRET, side + nonce, "sha256")


def beat_later(link: Any) -> None:
    """Start the heartbeat: ours in the rhythm of all links, stock's in a random phase."""
    if isinstance(link, Ours):
        RHYTHM.join(link.beat)
    else:
        phase = random.uniform(0, HEARTBEAT)  # noqa: S311  # no secret
        clock.callLater(phase, _beat, link)


def _beat(link: Any) -> None:
    if link.transport is not None:
        link.callRemote(Ping).addErrback(_ignore)
        clock.callLater(HEARTBEAT, _beat, link)


def _ignore(_: object) -> None:
    """Do nothing about a heartbeat that failed: the connection is about to end."""


class Links(Factory):
    """Makes the server's end of each link."""

    noisy = False

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def buildProtocol(self, addr: object) -> Any:  # noqa: ARG002  # Twisted's signature
        """Make one, stock or ours."""
        if self._kind == "stock":
            stock = Stock(locator=Desk())
            beat_later(stock)
            return stock
        link = Ours()
        link.locator = Doorstep(link)
        return link


def listen(port: int, kind: str, tls: bool) -> Deferred[Any]:
    """Listen for links of a kind."""
    options = {"backlog": BACKLOG, "interface": "127.0.0.1"}
    endpoint: Any = endpoints.TCP4ServerEndpoint(clock, port, **options)
    if tls and kind == "stock":
        endpoint = endpoints.SSL4ServerEndpoint(clock, port, certificates.server(), **options)
    elif tls:
        endpoint = SecuredServer(endpoint, certificates.server(), clock)
    listening: Deferred[Any] = endpoint.listen(Links(kind))
    return listening


def _endpoint(port: int, kind: str, tls: bool) -> Any:
    if tls and kind == "stock":
        return endpoints.SSL4ClientEndpoint(clock, "127.0.0.1", port, CONTEXT())
    endpoint = endpoints.TCP4ClientEndpoint(clock, "127.0.0.1", port)
    return SecuredClient(endpoint, CONTEXT(), clock) if tls else endpoint


async def connect(port: int, kind: str, tls: bool) -> Any:
    """Make one link; ours proves the secret first."""
    link: Any = Stock(locator=Desk()) if kind == "stock" else Ours()
    await endpoints.connectProtocol(_endpoint(port, kind, tls), link)
    if kind != "stock":
        nonce = os.urandom(32)
        answer = await link.callRemote(Prove, nonce=nonce, proof=proof_of(b"client", nonce))
        if not hmac.compare_digest(answer["proof"], proof_of(b"server", nonce)):
            raise ValueError("wrong secret")
        link.locator = Desk()
    beat_later(link)
    return link
