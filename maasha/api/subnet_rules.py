"""What a subnet may look like, given its neighbours, its ranges and the racks in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from maasha.api.errors import FieldErrors
from maasha.api.range_rules import address_problem
from maasha.db.ranges import RangeRow
from maasha.db.reservations import ReservationRow
from maasha.db.subnets import Address, SubnetRow, TakenAddress
from maasha.model.network import RangeType


@frozen
class SubnetSurroundings:
    """What the rules look at: overlapping subnets, the subnet's ranges, who has addresses in it.

    Of the clients' reservations those suffice that cannot stay: outside of the network, and those
    of its gateway and DNS servers.
    """

    overlapping: tuple[SubnetRow, ...] = ()
    ranges: tuple[RangeRow, ...] = ()
    taken: tuple[TakenAddress, ...] = ()
    reserved: tuple[ReservationRow, ...] = ()


def check_subnet(subnet: SubnetRow, around: SubnetSurroundings) -> None:
    """Raise `FieldErrors` with every reason why the subnet cannot be as it is."""
    wrong = {
        "cidr": tuple(_cidr(subnet, around)),
        "gateway_ip": tuple(_gateway(subnet, around)),
        "dns_servers": tuple(_dns_servers(subnet, around)),
        "ntp_servers": tuple(_other_family(subnet, subnet.ntp_servers)),
    }
    if any(wrong.values()):
        raise FieldErrors({field: texts for field, texts in wrong.items() if texts})


def _cidr(subnet: SubnetRow, around: SubnetSurroundings) -> Iterator[str]:
    for other in around.overlapping:
        yield f"{subnet.cidr} overlaps subnet {other.cidr} (id {other.id}); choose another network."
    for held in around.ranges:
        if held.start not in subnet.cidr or held.end not in subnet.cidr:
            yield f"The {held} would be outside of {subnet.cidr}; delete it first."
    for taken in around.taken:
        if taken.address not in subnet.cidr:
            yield f"{taken.address} of {taken.holder} would be outside of {subnet.cidr}."
    for row in around.reserved:
        if address_problem(row.address, subnet):
            yield f"The {row} (id {row.id}) would not fit {subnet.cidr}; delete or change it first."


def _gateway(subnet: SubnetRow, around: SubnetSurroundings) -> Iterator[str]:
    gateway, cidr = subnet.gateway, subnet.cidr
    if gateway is None:
        return
    if gateway not in cidr:
        yield f"{gateway} is outside of {cidr}; give an address in it, or none."
    elif cidr.version == 4 and cidr.prefixlen < 31 and gateway in (cidr[0], cidr[-1]):
        yield f"{gateway} is the network or broadcast address of {cidr}; give a host's address."
    yield from _handed_out(gateway, around)


def _dns_servers(subnet: SubnetRow, around: SubnetSurroundings) -> Iterator[str]:
    yield from _other_family(subnet, subnet.dns_servers)
    for server in subnet.dns_servers:
        yield from _handed_out(server, around)


def _other_family(subnet: SubnetRow, servers: Iterable[Address]) -> Iterator[str]:
    for server in servers:
        if server.version != subnet.cidr.version:
            yield (
                f"{server} is not an IPv{subnet.cidr.version} address, so DHCP cannot tell it in "
                f"{subnet.cidr}; give one."
            )


def _handed_out(address: Address, around: SubnetSurroundings) -> Iterator[str]:
    for held in around.ranges:
        dynamic = held.type is RangeType.DYNAMIC and held.start.version == address.version
        if dynamic and held.overlaps(address, address):
            yield f"{address} is in the {held}, so DHCP may hand it out; choose another."
    for row in around.reserved:
        if row.address == address:
            yield f"{address} is reserved for {row.mac} (id {row.id}); choose another."
