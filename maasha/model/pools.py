"""How many addresses of a VLAN a rack's dhcpd can still hand out, and how fast that changes."""

from __future__ import annotations

from math import exp

from attrs import evolve, frozen

from maasha.model.network import VlanId

MEMORY = 1800.0
"""Seconds after which an arrival counts for a third of a new one: half an hour tells a rush from
a habit, and forgets a rush within two."""
PATIENCE = 600.0
"""Seconds without arrivals that are taken as seen before the first: a burst in the first minute
is not taken for what comes all day."""
FEW = 5.0
"""Arrivals; fewer say nothing of a rate."""
HOUR = 3600.0


@frozen
class PoolCount:
    """The addresses of one VLAN's pools by dhcpd's binding states, as one rack's server has them.

    Of failover peers, `free` ones are the primary's to hand out and `backup` ones the secondary's.
    """

    vlan: VlanId
    total: int
    free: int
    backup: int = 0
    active: int = 0
    returning: int = 0
    """Expired, released or reset, and nobody's to hand out until both peers know of it."""
    abandoned: int = 0
    """Somebody uses them without a lease."""
    arrivals: int = 0
    """Addresses that clients took up which had none, since this rack counts."""
    returns: int = 0
    """Addresses that can be handed out again, likewise."""


@frozen
class Flow:
    """How many addresses were taken up and given back lately; what is older counts for less."""

    arrivals: float = 0.0
    returns: float = 0.0
    seconds: float = 0.0
    """In which that was."""

    def later(self, seconds: float, arrivals: int, returns: int) -> Flow:
        """Give what it is after so many seconds more, in which there were so many."""
        passed = max(seconds, 0.0)
        share = exp(-passed / MEMORY)
        return Flow(
            self.arrivals * share + arrivals,
            self.returns * share + returns,
            self.seconds * share + passed,
        )

    @property
    def without_returns(self) -> Flow:
        """Give what it is where nothing that was given back counts any more."""
        return evolve(self, returns=0.0)

    @property
    def hourly(self) -> float:
        """Clients an hour that take up an address."""
        return self._hourly(self.arrivals)

    @property
    def net_hourly(self) -> float:
        """The same, less the addresses that are given back."""
        return self._hourly(self.arrivals - self.returns)

    def _hourly(self, number: float) -> float:
        """Give no rate where too little was seen."""
        if self.arrivals < FEW:
            return 0.0
        return number * HOUR / (self.seconds + PATIENCE)


NO_FLOW = Flow()


def since(before: int, now: int) -> int:
    """Give by how much a counter has grown; one that fell began anew."""
    return now - before if now >= before else now
