"""The newest lease of every address, and which of them nobody has acknowledged yet."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address
from itertools import islice, takewhile

from maasha.dhcp.counting import PoolCounter, Pools
from maasha.model.lease import Lease, LeaseReport

BATCH = 500
"""Leases offered at once."""


class LeaseBook:
    """Offers leases in the order of their changes, in batches that are to be acknowledged.

    Every change gets a number that only grows; a lease that changes again while it is on its way
    has a new number then, which the acknowledgement of the old one does not reach. `counter` hears
    of every change.
    """

    def __init__(self, counter: PoolCounter | None = None) -> None:
        self._counter = counter or PoolCounter()
        self._leases: dict[IPv4Address, Lease] = {}
        self._due: dict[IPv4Address, int] = {}
        self._last = 0

    def put(self, leases: Iterable[Lease]) -> bool:
        """Take leases in the file's order; say whether any was new."""
        before = self._last
        for lease in leases:
            known = self._leases.get(lease.ip)
            if known != lease:
                self._counter.change(known, lease)
                self._leases[lease.ip] = lease
                self._mark(lease.ip)
        return self._last != before

    def pending(self) -> LeaseReport | None:
        """Offer what changed longest ago, up to BATCH leases; None: all is acknowledged."""
        batch = list(islice(self._due.items(), BATCH))
        if not batch:
            return None
        return LeaseReport(batch[-1][1], tuple(self._leases[address] for address, _ in batch))

    def acknowledge(self, cursor: int) -> None:
        """Forget about the changes up to a report's cursor."""
        done = list(takewhile(lambda entry: entry[1] <= cursor, self._due.items()))
        for address, _ in done:
            del self._due[address]

    def arrange(self, pools: Pools) -> None:
        """Have the counter count these pools."""
        self._counter.arrange(pools, self._leases.values())

    def restart(self) -> None:
        """Offer everything again: somebody listens who may know nothing."""
        for address in self._leases:
            self._mark(address)

    def _mark(self, address: IPv4Address) -> None:
        self._last += 1
        self._due.pop(address, None)
        self._due[address] = self._last
