"""What watching VLANs needs of the host and of chance, in one place."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTCP, IReactorTime

from maasha.dhcp.failover import FAILOVER_PORT
from maasha.host.ether import OpenStation


class Dialler(IReactorTCP, IReactorTime):
    """What calling and listening need of a reactor."""


@frozen
class Scene:
    """A host."""

    reactor: Dialler
    open_station: OpenStation
    time: Callable[[], float]
    """Of the clock that people set, in seconds since 1970; clocks are compared by it."""
    nonce: Callable[[], bytes]
    """Gives 16 fresh random bytes."""
    chance: Callable[[], float]
    """Gives a random number from 0 to 1, so that VLANs take turns."""
    port: int = FAILOVER_PORT
