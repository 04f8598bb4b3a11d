"""Does harm for a while: `python -m tests.acceptance.attacker KIND HOST PORT SECONDS SOURCE...`.

Keeps up many connections from the sources in turn and opens a new one for each that is closed;
prints how many it opened. It knows everything of the protocol but the secret.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import cycle
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall, deferLater, react
from twisted.python.failure import Failure

from benchmarks.bars import ATTACKERS
from maasha.model.cluster import Introduction
from maasha.rpc.errors import RpcError
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.rack_side import join
from maasha.rpc.tls import SecureEndpoint
from tests.acceptance.stranger import Idle, nonce

HELLO = b"\0\4_ask\0\0011\0\x08_command\0\5Hello\0\6lowest\0"
"""Half a box."""
HUGE = b"\0\x08_command" + b"\xff\xff" + b"x" * 65535 + b"\0\4more"


class Visitor(Protocol):
    """A connection that says something and stays until it is thrown out."""

    trusted = True  # to the TLS below

    def __init__(self, says: bytes = b"", drop: float = 0.0) -> None:
        self.ended: Deferred[None] = Deferred()
        self._says = says
        self._drop = drop
        self._drops = LoopingCall(self._next)

    def connectionMade(self) -> None:
        """Say it, or begin to."""
        assert self.transport is not None
        if self._drop:
            self._drops.start(self._drop)
        else:
            self.transport.write(self._says)

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Note the end."""
        if self._drops.running:
            self._drops.stop()
        self.ended.callback(None)

    def _next(self) -> None:
        assert self.transport is not None
        self.transport.write(self._says[:1])
        self._says = self._says[1:]


class Attack:
    """One kind of harm from several sources."""

    def __init__(self, reactor: EPollReactor, host: str, port: int, sources: list[str]) -> None:
        self.reactor = reactor
        self.opened = 0
        self._place = host, port
        self._sources = cycle(sources)

    def plain(self) -> TCP4ClientEndpoint:
        """Lead to the region from the next source."""
        self.opened += 1
        return TCP4ClientEndpoint(
            self.reactor, *self._place, timeout=5, bindAddress=(next(self._sources), 0)
        )

    def secure(self) -> SecureEndpoint:
        """Lead there over TLS."""
        return SecureEndpoint(self.plain(), self.reactor)

    async def keep(self, visit: Callable[[Attack], Awaitable[None]]) -> None:
        """Visit again and again."""
        while True:
            with suppress(Exception):  # whatever the region does about it, come again
                await visit(self)
            await deferLater(self.reactor, 0)


def raw(says: bytes = b"", drop: float = 0.0) -> Callable[[Attack], Awaitable[None]]:
    """Visit over plain TCP, from where also the TLS of a region is reached."""

    async def visit(attack: Attack) -> None:
        visitor = Visitor(says, drop)
        await connectProtocol(attack.plain(), visitor)
        await visitor.ended

    return visit


def secured(says: bytes) -> Callable[[Attack], Awaitable[None]]:
    """Visit over TLS."""

    async def visit(attack: Attack) -> None:
        visitor = Visitor(says)
        await connectProtocol(attack.secure(), visitor)
        await visitor.ended

    return visit


async def noise(attack: Attack) -> None:
    """Say something at random."""
    await raw(secrets.token_bytes(5000))(attack)


async def handshake(attack: Attack) -> None:
    """Make the region work for TLS, and go."""
    visitor = Visitor()
    await connectProtocol(attack.secure(), visitor)
    assert visitor.transport is not None
    visitor.transport.write(b"\0")
    await deferLater(attack.reactor, 0.05)
    visitor.transport.abortConnection()  # type: ignore[attr-defined]  # TCP below
    await visitor.ended


async def proof(attack: Attack) -> None:
    """Prove a secret that is wrong."""
    facts = RackFacts("0.1.0", secrets.token_bytes(32))
    here = Introduction(hostname="attacker", version="0.1.0")
    with suppress(RpcError):
        await join(Ground(attack.reactor), attack.plain(), facts, lambda: here, Idle(), nonce)


def client_hello() -> bytes:
    """Give what TLS opens with."""
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    client.set_connect_state()
    with suppress(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65536)


KINDS: dict[str, Callable[[Attack], Awaitable[None]]] = {
    "slowloris": raw(client_hello(), drop=1.0),
    "idle": raw(),
    "noise": noise,
    "truncated": secured(HELLO),
    "huge": secured(HUGE),
    "proofs": proof,
    "handshakes": handshake,
}
"""What each visitor does; `ATTACKERS` of them at a time."""


async def main(reactor: Any, kind: str, host: str, port: str, seconds: str, *from_: str) -> None:
    """Do it."""
    attack = Attack(reactor, host, int(port), list(from_))
    for _ in range(ATTACKERS[kind]):
        Deferred.fromCoroutine(attack.keep(KINDS[kind]))
    await deferLater(reactor, float(seconds))
    print(attack.opened, flush=True)


if __name__ == "__main__":
    react(lambda *arguments: Deferred.fromCoroutine(main(*arguments)), sys.argv[1:])
