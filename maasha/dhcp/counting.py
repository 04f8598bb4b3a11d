"""Counts a VLAN's addresses by binding state as its leases change, at a constant cost for each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from operator import itemgetter

from attrs import define, field

from maasha.dhcp.joining import ranges
from maasha.model.lease import BindingState, Lease
from maasha.model.network import VlanId
from maasha.model.pools import PoolCount

Ends = tuple[int, int]
"""The first and the last address of a range, as numbers."""
Pools = Mapping[VlanId, tuple[Ends, ...]]


class Kind(Enum):
    """What an address is good for."""

    FREE = "free"
    BACKUP = "backup"
    ACTIVE = "active"
    RETURNING = "returning"
    ABANDONED = "abandoned"


KINDS = {
    BindingState.FREE: Kind.FREE,
    BindingState.BACKUP: Kind.BACKUP,
    BindingState.ACTIVE: Kind.ACTIVE,
    BindingState.EXPIRED: Kind.RETURNING,
    BindingState.RELEASED: Kind.RETURNING,
    BindingState.RESET: Kind.RETURNING,
    BindingState.ABANDONED: Kind.ABANDONED,
}
TO_GIVE = (Kind.FREE, Kind.BACKUP)
"""What new clients can get of one of two servers."""


def pools_of(config: str) -> Pools:
    """Read back which addresses of each VLAN a text of `maasha.dhcp.render` lets dhcpd lease."""
    return {
        vlan: tuple((int(span.start), int(span.end)) for span in spans)
        for vlan, spans in ranges(config).items()
    }


@define
class _Tally:
    """One VLAN's; addresses of which dhcpd has written nothing yet are free."""

    total: int
    known: dict[Kind, int] = field(factory=lambda: dict.fromkeys(Kind, 0))
    arrivals: int = 0
    returns: int = 0

    def count(self, vlan: VlanId) -> PoolCount:
        known = self.known
        return PoolCount(
            vlan=vlan,
            total=self.total,
            free=self.total - sum(known.values()) + known[Kind.FREE],
            backup=known[Kind.BACKUP],
            active=known[Kind.ACTIVE],
            returning=known[Kind.RETURNING],
            abandoned=known[Kind.ABANDONED],
            arrivals=self.arrivals,
            returns=self.returns,
        )


class PoolCounter:
    """Knows no lease itself: it is told of every change, and of all leases when pools change.

    Arrivals and returns count from `begin` on: what is read before is history.
    """

    def __init__(self) -> None:
        self._pools: Pools = {}
        self._starts: list[int] = []
        self._ranges: list[tuple[int, int, VlanId]] = []
        self._tallies: dict[VlanId, _Tally] = {}
        self._begun = False

    @property
    def counts(self) -> tuple[PoolCount, ...]:
        """What is where now, by VLAN."""
        return tuple(tally.count(vlan) for vlan, tally in sorted(self._tallies.items()))

    def begin(self) -> None:
        """Count arrivals and returns from now on."""
        self._begun = True

    def arrange(self, pools: Pools, leases: Iterable[Lease]) -> None:
        """Count anew over these pools; arrivals and returns of VLANs that stay go on."""
        if pools == self._pools:
            return
        before = self._tallies
        self._pools = pools
        ends = ((first, last, vlan) for vlan, ranges in pools.items() for first, last in ranges)
        self._ranges = sorted(ends, key=itemgetter(0))
        self._starts = [first for first, _, _ in self._ranges]
        self._tallies = {
            vlan: _Tally(sum(last - first + 1 for first, last in ranges))
            for vlan, ranges in pools.items()
        }
        for vlan, tally in self._tallies.items():
            if vlan in before:
                tally.arrivals, tally.returns = before[vlan].arrivals, before[vlan].returns
        for lease in leases:
            found = self._tally(lease.ip)
            if found is not None:
                found.known[KINDS[lease.state]] += 1

    def change(self, old: Lease | None, new: Lease) -> None:
        """Note that an address has another lease than before, None: it had none yet."""
        tally = self._tally(new.ip)
        if tally is None:
            return
        was, now = Kind.FREE if old is None else KINDS[old.state], KINDS[new.state]
        if old is not None:
            tally.known[was] -= 1
        tally.known[now] += 1
        if self._begun:
            tally.arrivals += was in TO_GIVE and now is Kind.ACTIVE
            tally.returns += was not in TO_GIVE and now in TO_GIVE

    def _tally(self, address: IPv4Address | IPv6Address) -> _Tally | None:
        number = int(address)
        place = bisect_right(self._starts, number) - 1
        if place < 0:
            return None
        _, last, vlan = self._ranges[place]
        return self._tallies[vlan] if number <= last else None
