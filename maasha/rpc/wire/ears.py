"""Hears many connections for the reactor, which then has one descriptor to look at instead of all.

Twisted's reactor spends more on finding out whom an event is for (a log context, a dict, three
calls) than it takes to answer a small request. A transport asks its reactor, any IReactorFDSet, to
tell it when there is something to read; this is one with an epoll of its own, which is readable
itself when one of its descriptors is (epoll(7)), and all that are ready are read from in one event
of the reactor. Everything but reading stays with the reactor.
"""

from __future__ import annotations

from collections.abc import Callable
from select import EPOLLIN, epoll
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from maasha.rpc.wire.direct import is_plain

log = Logger()


@implementer(IReactorFDSet, IReadDescriptor)
class Ears:
    """What stands for `reactor` in the transports that were moved here."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._epoll: epoll | None = None
        self._heard: dict[int, Any] = {}
        """Transports by their descriptor."""
        self._writing: dict[Any, bool] = {}
        """Those that wait until they can write, and whether they are being read from: meanwhile the
        reactor has them for both, since what has come must be read before a failed write counts."""

    def move(self, transport: Any) -> None:
        """Hear a plain transport that is being read from; any other stays where it is."""
        if is_plain(transport) and transport.connected and transport.reactor is self._reactor:
            self._reactor.removeReader(transport)
            transport.reactor = self
            self.addReader(transport)

    # what a transport asks of its reactor

    def addReader(self, reader: Any) -> None:
        """Tell it when there is something to read."""
        if reader in self._writing:
            self._writing[reader] = True
            self._reactor.addReader(reader)
            return
        if self._epoll is None:
            self._epoll = epoll()
            self._reactor.addReader(self)
        fd = reader.fileno()
        if fd not in self._heard:
            self._epoll.register(fd, EPOLLIN)
            self._heard[fd] = reader

    def removeReader(self, reader: Any) -> None:
        """Leave it alone."""
        if reader in self._writing:
            self._writing[reader] = False
            self._reactor.removeReader(reader)
            return
        fd = reader.fileno()
        if self._epoll is not None and self._heard.get(fd) is reader:
            self._epoll.unregister(fd)
            del self._heard[fd]
            if not self._heard:
                self._reactor.removeReader(self)
                self._epoll.close()
                self._epoll = None

    def addWriter(self, writer: Any) -> None:
        """Tell it when it can write, and meanwhile in the reactor's own way when it can read."""
        if writer not in self._writing:
            reads = self._heard.get(writer.fileno()) is writer
            self.removeReader(writer)
            self._writing[writer] = reads
            if reads:
                self._reactor.addReader(writer)
        self._reactor.addWriter(writer)

    def removeWriter(self, writer: Any) -> None:
        """Hear it here again."""
        self._reactor.removeWriter(writer)
        if self._writing.pop(writer, False):
            self._reactor.removeReader(writer)
            self.addReader(writer)

    def removeAll(self) -> list[Any]:
        """Let go of everybody; gives whom."""
        heard = self.getReaders()
        for transport in heard:
            self.removeReader(transport)
        return heard

    def getReaders(self) -> list[Any]:
        """Give those that are heard here."""
        return list(self._heard.values())

    def getWriters(self) -> list[Any]:
        """Nobody writes here."""
        return []

    def __getattr__(self, name: str) -> Any:
        """Whatever else a reactor has."""
        return getattr(self._reactor, name)

    # what the reactor asks of a descriptor

    def fileno(self) -> int:
        """Give the descriptor of all."""
        return -1 if self._epoll is None else self._epoll.fileno()

    def logPrefix(self) -> str:
        """Name it in a log."""
        return "links"

    def doRead(self) -> None:
        """Let all read that can, as the reactor does.

        Fewer would do harm where there is too much to do: heartbeats are sent between two events,
        and their answers have to be read as fast.
        """
        if self._epoll is None:
            return
        heard = self._heard
        for fd, _ in self._epoll.poll(0, len(heard)):
            transport = heard.get(fd)
            if transport is not None:
                try:
                    lost = transport.doRead()
                except BaseException as error:
                    log.failure("a connection is dropped, for what it received did harm")
                    lost = error
                if lost is not None:
                    self._lose(transport, Failure(lost))

    def _lose(self, transport: Any, why: Failure) -> None:
        """End it as the reactor does."""
        self.removeReader(transport)
        if why.check(ConnectionDone):
            _tell(transport.readConnectionLost, why)
        else:
            self.removeWriter(transport)
            _tell(transport.connectionLost, why)

    def connectionLost(self, reason: Failure) -> None:
        """Lose all connections: the reactor stops."""
        for transport in self.removeAll():
            _tell(transport.connectionLost, reason)


def _tell(lost: Callable[[Failure], None], why: Failure) -> None:
    """Tell a connection that it is lost; what goes wrong then is not the others' loss."""
    try:
        lost(why)
    except BaseException:
        log.failure("the end of a connection did harm")
