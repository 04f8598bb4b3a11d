"""Where a range of addresses may lie.

A range is inside one subnet and takes neither its network nor its broadcast address. No two ranges
overlap; a dynamic one also leaves out the gateway, DNS servers and the racks' own addresses.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from maasha.api.errors import WHOLE_REQUEST, FieldErrors
from maasha.db.ranges import RangeRow
from maasha.db.subnets import Address, SubnetRow, TakenAddress
from maasha.model.network import RangeType


@frozen
class RangeSurroundings:
    """What the rules look at: the subnet, its other ranges and the racks' addresses in it."""

    subnet: SubnetRow
    others: tuple[RangeRow, ...]
    taken: tuple[TakenAddress, ...]


def check_range(new: RangeRow, around: RangeSurroundings) -> None:
    """Raise `FieldErrors` with every reason why the range cannot be where it is."""
    wrong = dict(_ends(new, around.subnet))
    if not wrong and int(new.start) > int(new.end):
        wrong["end_ip"] = (f"{new.end} is before start_ip {new.start}; swap the two.",)
    if not wrong:
        clashes = tuple(_clashes(new, around))
        wrong.update({WHOLE_REQUEST: clashes} if clashes else {})
    if wrong:
        raise FieldErrors(wrong)


def _ends(new: RangeRow, subnet: SubnetRow) -> Iterator[tuple[str, tuple[str, ...]]]:
    for field, address in (("start_ip", new.start), ("end_ip", new.end)):
        problem = _address_problem(address, subnet)
        if problem:
            yield field, (problem,)


def _address_problem(address: Address, subnet: SubnetRow) -> str:
    cidr = subnet.cidr
    if address.version == 6:
        return f"{address} is IPv6, which maasha does not hand out; give IPv4 addresses."
    if address not in cidr:
        return f"{address} is outside of subnet {cidr}; give an address in it."
    if cidr.prefixlen < 31 and address == cidr.network_address:
        return f"{address} is the network address of {cidr}; give the next one."
    if cidr.prefixlen < 31 and address == cidr.broadcast_address:
        return f"{address} is the broadcast address of {cidr}; give the one before."
    return ""


def _clashes(new: RangeRow, around: RangeSurroundings) -> Iterator[str]:
    for other in around.others:
        if other.overlaps(new.start, new.end):
            yield (
                f"{new.start}-{new.end} overlaps the {other} (id {other.id}); choose other "
                "addresses or delete that range first."
            )
    if new.type is RangeType.DYNAMIC:
        yield from (
            f"{new.start}-{new.end} holds {address}, {what}; leave it out."
            for address, what in _fixed(around)
            if new.overlaps(address, address)
        )


def _fixed(around: RangeSurroundings) -> Iterator[tuple[Address, str]]:
    subnet = around.subnet
    if subnet.gateway is not None:
        yield subnet.gateway, "the subnet's gateway"
    for server in subnet.dns_servers:
        if server in subnet.cidr:
            yield server, "a DNS server of the subnet"
    for taken in around.taken:
        yield taken.address, f"the address of {taken.holder}"
