"""Where a range of addresses may lie.

A range is inside one subnet and takes neither its network nor its broadcast address. No two ranges
overlap; a dynamic one also leaves out the gateway, DNS servers, the racks' own addresses and those
that are reserved for one client.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from maasha.api.errors import WHOLE_REQUEST, FieldErrors
from maasha.db.ranges import RangeRow
from maasha.db.reservations import ReservationRow
from maasha.db.subnets import Address, SubnetRow, TakenAddress
from maasha.model.network import RangeType


@frozen
class RangeSurroundings:
    """What the rules look at: the subnet, its other ranges and the addresses that are somebody's.

    Of the clients' reservations those suffice that are in the range.
    """

    subnet: SubnetRow
    others: tuple[RangeRow, ...]
    taken: tuple[TakenAddress, ...]
    reserved: tuple[ReservationRow, ...] = ()


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
        problem = address_problem(address, subnet)
        if problem:
            yield field, (problem,)


def address_problem(address: Address, subnet: SubnetRow) -> str:
    """Say why it is no host's address of the subnet; empty: it is one."""
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
            for address, what in fixed_addresses(around.subnet, around.taken)
            if new.overlaps(address, address)
        )
        yield from (
            f"{new.start}-{new.end} holds {held.address}, which is reserved for {held.mac} "
            f"(id {held.id}); leave it out, or delete the reservation first."
            for held in around.reserved
            if new.overlaps(held.address, held.address)
        )


def fixed_addresses(
    subnet: SubnetRow, racks: tuple[TakenAddress, ...]
) -> Iterator[tuple[Address, str]]:
    """Give the addresses that are somebody's own without DHCP, and whose."""
    if subnet.gateway is not None:
        yield subnet.gateway, "the subnet's gateway"
    for server in subnet.dns_servers:
        if server in subnet.cidr:
            yield server, "a DNS server of the subnet"
    for taken in racks:
        yield taken.address, f"the address of {taken.holder}"
