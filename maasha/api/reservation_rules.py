"""Where a client may have an address of its own.

It is a host's address inside one subnet, and nobody else's: no gateway, DNS server or rack has it,
no dynamic range holds it (dhcpd would lease it to others too), and it is reserved once. A client
has one on each VLAN.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from maasha.api.errors import FieldErrors
from maasha.api.range_rules import address_problem, fixed_addresses
from maasha.db.ranges import RangeRow
from maasha.db.reservations import ReservationRow
from maasha.db.subnets import SubnetRow, TakenAddress
from maasha.model.network import RangeType

GROUP_BIT = 1
"""Of the first byte: the MAC is a group's (IEEE 802), and no client sends from it."""


@frozen
class ReservationSurroundings:
    """What the rules look at: the subnet with all that is in it, and others of address and MAC."""

    subnet: SubnetRow
    ranges: tuple[RangeRow, ...] = ()
    taken: tuple[TakenAddress, ...] = ()
    others: tuple[ReservationRow, ...] = ()
    """Reservations of the same address, and on the same VLAN for the same MAC; not itself."""


def check_reservation(new: ReservationRow, around: ReservationSurroundings) -> None:
    """Raise `FieldErrors` with every reason why it cannot be as it is."""
    wrong = {
        "ip": tuple(_address(new, around)),
        "mac_address": tuple(_mac(new, around)),
    }
    if any(wrong.values()):
        raise FieldErrors({field: texts for field, texts in wrong.items() if texts})


def _address(new: ReservationRow, around: ReservationSurroundings) -> Iterator[str]:
    address = new.address
    if problem := address_problem(address, around.subnet):
        yield problem
        return
    for fixed, what in fixed_addresses(around.subnet, around.taken):
        if fixed == address:
            yield f"{address} is {what}; choose another address."
    for held in around.ranges:
        if held.type is RangeType.DYNAMIC and held.overlaps(address, address):
            yield (
                f"{address} is in the {held} (id {held.id}), so DHCP would lease it to others too; "
                "choose an address outside of it, or make that range smaller first."
            )
    for other in around.others:
        if other.address == address:
            yield (
                f"{address} is reserved for {other.mac} (id {other.id}); choose another address, "
                "or delete that reservation first."
            )


def _mac(new: ReservationRow, around: ReservationSurroundings) -> Iterator[str]:
    if int(new.mac[:2], 16) & GROUP_BIT:
        yield f"{new.mac} is a group's address; give the one that the client's interface has."
    for other in around.others:
        if other.mac == new.mac and other.address != new.address:
            yield (
                f"{new.mac} has {other.address} on this VLAN already (id {other.id}); change that "
                "reservation, or delete it first."
            )
