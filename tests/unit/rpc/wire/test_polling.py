"""A hastened reactor reads from named connections straight away, and does all else as before."""

from __future__ import annotations

import errno
import gc
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python import context
from twisted.python.failure import Failure
from twisted.python.log import ILogContext

from maasha.rpc.wire.polling import hasten, hear
from tests.unit.rpc.parts import Listener


class Ear(Protocol):
    """Notes what it hears, in which log context, and how it ends."""

    def __init__(self, named: bool) -> None:
        self.named = named
        self.heard: list[bytes] = []
        self.systems: list[Any] = []
        self.lost: list[Failure] = []

    def connectionMade(self) -> None:
        """Be named, or not."""
        if self.named:
            hear(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Note it; `!` does harm."""
        self.systems.append(context.get(ILogContext).get("system"))
        if data == b"!":
            raise ValueError("harm")
        self.heard.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note it; a connection that was told `?` fails."""
        self.lost.append(reason)
        if self.heard == [b"?"]:
            raise ValueError("harm at the end")


class Site:
    """A reactor that listens, and sockets that are connected to it."""

    def __init__(self) -> None:
        self.reactor: Any = EPollReactor()
        self.ears: list[Ear] = []
        self.sockets: list[socket.socket] = []
        factory = Factory()
        factory.noisy = False
        factory.buildProtocol = self._build  # type: ignore[method-assign, assignment]
        self._port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")

    def _build(self, _: object) -> Ear:
        self.ears.append(Ear(named=not self.ears))
        return self.ears[-1]

    def connect(self) -> tuple[socket.socket, Ear]:
        """Make a connection; the first one is named."""
        made = socket.create_connection(("127.0.0.1", self._port.getHost().port))
        self.sockets.append(made)
        before = len(self.ears)
        while len(self.ears) == before:
            self.reactor.iterate(0.1)
        return made, self.ears[-1]

    def close(self) -> None:
        """Let go of everything."""
        for each in self.sockets:
            each.close()
        for reader in self.reactor.removeAll():
            reader.connectionLost(Failure(ConnectionDone()))
        self.reactor._poller.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """Give a hastened reactor."""
    made = Site()
    assert hasten(made.reactor)
    yield made
    made.close()


def test_a_named_connection_is_read_without_a_log_context(site: Site) -> None:
    """Another one has it, as Twisted gives it."""
    (one, named), (two, plain) = site.connect(), site.connect()
    one.send(b"a")
    two.send(b"b")
    while not (named.heard and plain.heard):
        site.reactor.iterate(0.1)
    assert (named.heard, plain.heard) == ([b"a"], [b"b"])
    assert named.systems == ["-"]
    assert "Ear" in plain.systems[0]


def test_an_end_is_told(site: Site) -> None:
    """As the reactor tells it."""
    one, named = site.connect()
    one.close()
    while not named.lost:
        site.reactor.iterate(0.1)
    assert named.lost[0].check(ConnectionDone)


def test_what_does_harm_ends_its_own_connection_only(site: Site, logged: Listener) -> None:
    """It is logged, and the others are heard."""
    (one, named), (two, plain) = site.connect(), site.connect()
    one.send(b"!")
    two.send(b"b")
    while not (named.lost and plain.heard):
        site.reactor.iterate(0.1)
    assert named.lost[0].check(ValueError)
    assert plain.lost == []
    assert any("did harm" in line for line in logged.lines)


def test_what_does_harm_at_its_end_harms_nobody_else(site: Site, logged: Listener) -> None:
    """The others are heard in the same turn."""
    (one, named), (two, plain) = site.connect(), site.connect()
    one.send(b"?")
    while not named.heard:
        site.reactor.iterate(0.1)
    one.close()
    two.send(b"b")
    while not (named.lost and plain.heard):
        site.reactor.iterate(0.1)
    assert any("the end of a connection did harm" in line for line in logged.lines)


class Broken:
    """An epoll that fails."""

    def __init__(self, number: int) -> None:
        self.number = number

    def poll(self, *_: object) -> list[tuple[int, int]]:
        """Fail."""
        raise OSError(self.number, "failed")

    def close(self) -> None:
        """Have nothing to close."""


def test_a_signal_ends_the_wait_and_another_error_is_raised(site: Site) -> None:
    """A signal may come at any time (epoll_wait(2))."""
    real, site.reactor._poller = site.reactor._poller, Broken(errno.EINTR)
    try:
        site.reactor.doIteration(0.1)
        site.reactor._poller = Broken(errno.EBADF)
        with pytest.raises(OSError, match="failed"):
            site.reactor.doIteration(None)
    finally:
        site.reactor._poller = real


def test_another_reactor_stays_as_it_is() -> None:
    """Or one of a Twisted that is made otherwise."""
    assert not hasten(Clock())
    reactor: Any = EPollReactor()
    poller = reactor._poller
    del reactor._poller
    assert not hasten(reactor)
    assert "doIteration" not in vars(reactor)
    poller.close()
    gc.collect()


def test_what_is_no_plain_connection_is_not_named() -> None:
    """TLS above it has a name of its own."""
    hear(Clock())
