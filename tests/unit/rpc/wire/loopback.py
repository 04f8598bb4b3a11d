"""Two ends over a real connection, plain or with TLS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet import reactor, ssl
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater

from maasha.rpc.wire import AMP
from maasha.rpc.wire.secured import Securing
from tests.unit.rpc.wire.parts import Desk

clock: Any = reactor
PATIENCE = 10.0
"""Seconds that anything here may take."""


async def until(condition: Callable[[], object]) -> None:
    """Let the reactor turn until the condition holds; fails if it never does."""
    ends = clock.seconds() + PATIENCE
    while not condition():
        assert clock.seconds() < ends
        await deferLater(clock, 0.001, lambda: None)


class Counted:
    """A socket that counts what is sent through it."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.sent: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def send(self, data: bytes) -> int:
        """Note it and send it."""
        count: int = self._socket.send(data)
        self.sent.append(bytes(data[:count]))
        return count


class Loopback:
    """Two ends over a real connection; `server` has a Desk."""

    def __init__(self, server: Any = None) -> None:
        self.server: Any = server or AMP(locator=Desk())
        self.client: Any = AMP()
        self.port: Any = None

    async def open(self, listening: Any, connecting: Any) -> None:
        """Listen and connect."""
        factory = Factory()
        factory.noisy = False
        factory.buildProtocol = lambda _: self.server  # type: ignore[method-assign, assignment]  # one
        self.port = await listening.listen(factory)
        await connectProtocol(connecting(self.port.getHost().port), self.client)

    async def closed(self) -> None:
        """Wait until both ends know that it is over."""
        await until(lambda: not (self.client.transport or self.server.transport))
        await self.port.stopListening()

    async def close(self) -> None:
        """Close both ends and wait until they know."""
        self.client.transport.loseConnection()
        await self.closed()


async def plain(server: Any = None) -> Loopback:
    """Connect over TCP."""
    line = Loopback(server)
    await line.open(
        TCP4ServerEndpoint(clock, 0, interface="127.0.0.1"),
        lambda port: TCP4ClientEndpoint(clock, "127.0.0.1", port),
    )
    return line


@frozen
class OurServer:
    """Listens with our layer."""

    context: Any

    def listen(self, factory: Any) -> Any:
        """Listen somewhere."""
        endpoint = TCP4ServerEndpoint(clock, 0, interface="127.0.0.1")
        return endpoint.listen(Securing(self.context, False, factory, clock))


@frozen
class OurClient:
    """Connects with our layer."""

    context: Any
    port: int

    def connect(self, factory: Any) -> Any:
        """Connect."""
        endpoint = TCP4ClientEndpoint(clock, "127.0.0.1", self.port)
        connecting: Any = endpoint.connect(Securing(self.context, True, factory, clock))
        return connecting.addCallback(lambda layer: layer.wrappedProtocol)


async def secured(server_layer: str = "ours", client_layer: str = "ours") -> Loopback:
    """Connect over TLS, either end with our layer or Twisted's ("stock")."""
    line = Loopback()
    certificate = ssl.KeyPair.generate().selfSignedCert(1, CN="localhost").options()
    trusting = ssl.CertificateOptions()
    if server_layer == "stock":
        listening: Any = SSL4ServerEndpoint(clock, 0, certificate, interface="127.0.0.1")
    else:
        listening = OurServer(certificate)

    def connecting(port: int) -> Any:
        if client_layer == "stock":
            return SSL4ClientEndpoint(clock, "127.0.0.1", port, trusting)
        return OurClient(trusting, port)

    await line.open(listening, connecting)
    return line
