"""The addresses that may be leased."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.pools import Span, pools, range_fault
from maasha.model.network import RangeType
from tests.unit.dhcp.networks import span, subnet


def shown(spans: tuple[Span, ...]) -> list[str]:
    """Give the spans as text."""
    return [str(entry) for entry in spans]


def test_a_range_is_leased_as_it_is() -> None:
    """Dynamic ranges become pools, in order; reserved ones do not."""
    net = subnet(
        span("10.0.0.200", "10.0.0.210"),
        span("10.0.0.3", "10.0.0.49", RangeType.RESERVED),
        span("10.0.0.50", "10.0.0.99"),
    )
    assert shown(pools(net, ())) == ["10.0.0.50-10.0.0.99", "10.0.0.200-10.0.0.210"]


def test_nobodys_own_address_is_leased() -> None:
    """Racks, gateway, DNS servers, network and broadcast are cut out of a range."""
    net = evolve(
        subnet(span("10.0.0.0", "10.0.0.255"), gateway="10.0.0.254"),
        dns_servers=(IPv4Address("10.0.0.7"),),
    )
    taken = [IPv4Address("10.0.0.1"), IPv4Address("10.0.0.6")]
    assert shown(pools(net, taken)) == ["10.0.0.2-10.0.0.5", "10.0.0.8-10.0.0.253"]


def test_the_two_addresses_of_a_point_to_point_link_can_be_leased() -> None:
    """A /31 has no network or broadcast address (RFC 3021)."""
    net = subnet(span("10.0.0.0", "10.0.0.1"), cidr="10.0.0.0/31")
    assert shown(pools(net, ())) == ["10.0.0.0-10.0.0.1"]


@given(st.sets(st.integers(40, 120)), st.integers(50, 90), st.integers(0, 20))
def test_pools_are_the_range_without_what_is_taken(own: set[int], first: int, more: int) -> None:
    """Cutting loses no address and leaves none that is taken."""
    net = subnet(span(f"10.0.0.{first}", f"10.0.0.{first + more}"))
    found = pools(net, [IPv4Address(f"10.0.0.{n}") for n in own])
    left = {n for n in range(256) if any(IPv4Address(f"10.0.0.{n}") in entry for entry in found)}
    assert left == set(range(first, first + more + 1)) - own
    assert sum(len(entry) for entry in found) == len(left)


def test_ranges_that_cannot_be_are_named() -> None:
    """A backward, foreign or overlapping range is refused in words."""
    assert "ends before it starts" in range_fault(subnet(span("10.0.0.9", "10.0.0.8")))
    assert "is outside subnet 10.0.0.0/24" in range_fault(subnet(span("10.0.0.9", "10.0.1.8")))
    assert "is outside subnet" in range_fault(subnet(span("9.0.0.9", "10.0.0.8")))
    both = subnet(span("10.0.0.9", "10.0.0.20"), span("10.0.0.20", "10.0.0.30"))
    assert range_fault(both) == "ranges 10.0.0.9-10.0.0.20 and 10.0.0.20-10.0.0.30 overlap"
    assert range_fault(subnet(span("10.0.0.9", "10.0.0.20"), span("10.0.0.21", "10.0.0.21"))) == ""
