"""The port on which a worker takes racks' links, and what strangers may cost there."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from twisted.internet import tcp
from twisted.internet.interfaces import IProtocolFactory, IReactorCore

from maasha.config import RegiondSettings
from maasha.region.sockets import dual_stack
from maasha.rpc.gate import Limits
from maasha.rpc.pace import Pace

ACCEPTED_TOGETHER = 2
"""Connections; each costs a third of a millisecond (measured), and racks' calls wait behind it.
Twisted would take a hundred and more."""


class NoFreePort(Exception):
    """Every port that the worker may use is taken."""

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        super().__init__(
            f"no free TCP port from {first} to {last} for racks' links: "
            "end what holds them or widen rpc_first_port..rpc_last_port in regiond.conf"
        )


def candidates(first: int, last: int, slot: int, *, fixed: bool) -> Iterator[int]:
    """Give the ports to try in order: the slot's own, then, unless `fixed`, all others upwards."""
    own = first + slot
    yield own
    if not fixed:
        yield from (port for port in range(first, last + 1) if port != own)


def listen(first: int, last: int, slot: int, *, fixed: bool) -> socket.socket:
    """Bind the first free port; raises NoFreePort."""
    for port in candidates(first, last, slot, fixed=fixed):
        try:
            return dual_stack(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise NoFreePort(first + slot if fixed else first, first + slot if fixed else last)


class UnhurriedPort(tcp.Port):
    """A port on which newcomers come in when the strangers before them have had their turn.

    Until then they wait in the kernel, where they cost nothing and no time counts for them.
    """

    pace: Pace

    def doRead(self) -> None:
        """Have some accepted when it is their turn."""
        self.stopReading()
        self.pace.add(self._accept)

    def _accept(self) -> None:
        if self.connected and not self.disconnecting:
            self.numberAccepts = ACCEPTED_TOGETHER
            self.startReading()
            super().doRead()


def serve(
    reactor: IReactorCore, listening: socket.socket, factory: IProtocolFactory, pace: Pace
) -> None:
    """Accept on a socket from now on, at a pace; the reactor takes a copy of it."""
    # what adoptStreamPort does, for a class of port that it does not know
    port = UnhurriedPort._fromListeningDescriptor(
        reactor, listening.fileno(), listening.family, factory
    )
    port.pace = pace
    port.startListening()


def limits_of(settings: RegiondSettings) -> Limits:
    """Give the limits that regiond.conf sets."""
    return Limits(
        unproved=settings.rpc_unproved,
        unproved_per_source=settings.rpc_unproved_per_source,
        rate_per_source=float(settings.rpc_rate_per_source),
    )
