"""Which addresses of a VLAN's subnets dhcpd may lease, and what keeps it from leasing any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address
from itertools import pairwise

from attrs import field, frozen

from maasha.model.network import IPRange, RangeType, Subnet
from maasha.model.options import Snippet

MAX_ADDRESSES = 1 << 17
"""Per VLAN. dhcpd makes an entry (350 bytes) of each at every start and walks the free ones."""


@frozen(order=True)
class Span:
    """Addresses from `start` to `end`, both included."""

    start: IPv4Address
    end: IPv4Address
    snippets: tuple[Snippet, ...] = field(default=(), order=False)

    def __contains__(self, address: IPv4Address) -> bool:
        return self.start <= address <= self.end

    def __len__(self) -> int:
        return int(self.end) - int(self.start) + 1

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"


def pools(subnet: Subnet, taken: Iterable[IPv4Address]) -> tuple[Span, ...]:
    """Give the dynamic ranges of a subnet without the addresses that are somebody's own.

    Those are `taken` (the racks'), the gateway, the DNS servers, and the subnet's network and
    broadcast addresses.
    """
    dynamic = (entry for entry in subnet.ranges if entry.type is RangeType.DYNAMIC)
    spans = sorted(Span(entry.start, entry.end, entry.snippets) for entry in dynamic)
    if not spans:
        return ()
    own = sorted({*taken, *subnet.dns_servers, *_fixed(subnet)})
    return tuple(piece for span in spans for piece in _without(span, own))


def range_fault(subnet: Subnet) -> str:
    """Say which range of the subnet cannot be, and why; empty: all can."""
    spans = sorted(subnet.ranges, key=lambda entry: (entry.start, entry.end))
    for entry in spans:
        if entry.start > entry.end:
            return f"range {_shown(entry)} ends before it starts"
        if entry.start not in subnet.cidr or entry.end not in subnet.cidr:
            return f"range {_shown(entry)} is outside subnet {subnet.cidr}"
    return _overlap(spans)


def _overlap(spans: Sequence[IPRange]) -> str:
    for before, after in pairwise(spans):
        if after.start <= before.end:
            return f"ranges {_shown(before)} and {_shown(after)} overlap"
    return ""


def _fixed(subnet: Subnet) -> Iterator[IPv4Address]:
    if subnet.gateway is not None:
        yield subnet.gateway
    if subnet.cidr.num_addresses > 2:
        yield subnet.cidr.network_address
        yield subnet.cidr.broadcast_address


def _without(span: Span, own: Sequence[IPv4Address]) -> Iterator[Span]:
    """Cut the (sorted) addresses `own` out of the span."""
    start = int(span.start)
    for address in own:
        if address in span:
            if start < int(address):
                yield Span(IPv4Address(start), address - 1, span.snippets)
            start = int(address) + 1
    if start <= int(span.end):
        yield Span(IPv4Address(start), span.end, span.snippets)


def _shown(entry: IPRange) -> str:
    return str(Span(entry.start, entry.end))
