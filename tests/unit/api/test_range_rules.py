from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.api.errors import WHOLE_REQUEST, FieldErrors
from maasha.api.range_rules import RangeSurroundings, check_range
from maasha.db.ranges import RangeRow
from maasha.db.subnets import TakenAddress
from maasha.model.network import RangeId, RangeType
from tests.unit.api.samples import DYNAMIC, SUBNET

FULL = evolve(
    SUBNET,
    gateway=ip_address("10.0.0.254"),
    dns_servers=(ip_address("10.0.0.200"), ip_address("8.8.8.8")),
)
RACK = TakenAddress(ip_address("10.0.0.1"), "rack-1:eth0")
AROUND = RangeSurroundings(FULL, (DYNAMIC,), (RACK,))


def between(start: str, end: str, kind: RangeType = RangeType.DYNAMIC) -> RangeRow:
    """Make a range."""
    return RangeRow(RangeId(0), SUBNET.id, kind, ip_address(start), ip_address(end))


@pytest.mark.parametrize(
    ("new", "field", "words"),
    [
        (between("10.0.1.1", "10.0.0.9"), "start_ip", "outside of subnet 10.0.0.0/24"),
        (between("10.0.0.2", "10.0.1.9"), "end_ip", "outside of subnet"),
        (between("10.0.0.0", "10.0.0.9"), "start_ip", "network address"),
        (between("10.0.0.100", "10.0.0.255"), "end_ip", "broadcast address"),
        (between("fd00::1", "fd00::2"), "start_ip", "outside of subnet"),
        (between("10.0.0.30", "10.0.0.20"), "end_ip", "swap the two"),
        (between("10.0.0.40", "10.0.0.50"), WHOLE_REQUEST, "10.0.0.50-10.0.0.99 .id 9."),
        (between("10.0.0.99", "10.0.0.99", RangeType.RESERVED), WHOLE_REQUEST, "overlaps"),
        (between("10.0.0.1", "10.0.0.9"), WHOLE_REQUEST, "the address of rack-1:eth0"),
        (between("10.0.0.250", "10.0.0.254"), WHOLE_REQUEST, "the subnet's gateway"),
        (between("10.0.0.200", "10.0.0.200"), WHOLE_REQUEST, "a DNS server"),
    ],
)
def test_refusals(new: RangeRow, field: str, words: str) -> None:
    """A range that breaks a rule is refused at the field to mend."""
    with pytest.raises(FieldErrors, match=words) as caught:
        check_range(new, AROUND)
    assert field in caught.value.fields


def test_all_reasons() -> None:
    """All that is in the way is named at once."""
    with pytest.raises(FieldErrors) as caught:
        check_range(between("10.0.0.1", "10.0.0.254"), AROUND)
    assert len(caught.value.fields[WHOLE_REQUEST]) == 4


def test_the_page_s_ranges() -> None:
    """The page's two ranges fit beside each other and the racks."""
    check_range(between("10.0.0.3", "10.0.0.49", RangeType.RESERVED), AROUND)
    check_range(between("10.0.0.50", "10.0.0.99"), evolve(AROUND, others=()))


def test_reserved_may_hold_fixed_addresses() -> None:
    """A reserved range keeps addresses from DHCP: also the gateway's and the racks'."""
    check_range(between("10.0.0.1", "10.0.0.2", RangeType.RESERVED), AROUND)


def test_tiny_subnets_have_no_broadcast() -> None:
    """In a /31 both addresses are hosts' (RFC 3021)."""
    tiny = evolve(SUBNET, cidr=ip_network("10.0.0.0/31"))
    check_range(between("10.0.0.0", "10.0.0.1"), RangeSurroundings(tiny, (), ()))


def test_without_gateway() -> None:
    """A subnet without gateway and racks leaves every host's address free."""
    check_range(between("10.0.0.1", "10.0.0.254"), RangeSurroundings(SUBNET, (), ()))


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=8))
def test_accepted_ranges_never_overlap(pairs: list[tuple[int, int]]) -> None:
    """However ranges are added, no address is in two and none is network or broadcast."""
    network = ip_network("10.0.0.0/24")
    held: list[RangeRow] = []
    for start, end in pairs:
        new = between(str(network[start]), str(network[end]))
        try:
            check_range(new, RangeSurroundings(SUBNET, tuple(held), ()))
        except FieldErrors:
            continue
        held.append(new)
    seen = [number for each in held for number in range(int(each.start), int(each.end) + 1)]
    assert len(seen) == len(set(seen))
    assert not {int(network[0]), int(network[-1])} & set(seen)
