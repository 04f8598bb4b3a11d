"""What probing needs of the host and of chance, and how often it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from maasha.host.ether import OpenStation

Ask = Callable[[IPv4Address, IPv4Address], Awaitable[bool]]
"""Asks, from the first address, the name server at the second; gives whether it answers.

Raises OSError where nobody can ask from there.
"""


@frozen
class Pace:
    """How often networks are asked, in seconds; each time a little earlier by chance."""

    eager: float = 60.0
    """Between two probes for DHCP servers, while there is one or may be one."""
    steady: float = 600.0
    """The same where it is known that there is none."""
    window: float = 10.0
    """For offers; a server may look for three seconds whether the address is free."""
    resolvers: float = 60.0
    """Between two questions to name servers."""
    spread: float = 0.25
    """Part of each by which it may come early."""


PACE = Pace()


@frozen
class Instruments:
    """A host."""

    clock: IReactorTime
    open_station: OpenStation
    """Of stations that hear offers of DHCP servers, and need hear nothing else."""
    ask: Ask
    chance: Callable[[], float]
    """Gives a random number from 0 to 1, so that racks and VLANs take turns."""
    number: Callable[[], int]
    """Gives a random number of 32 bits."""
    pace: Pace = PACE
