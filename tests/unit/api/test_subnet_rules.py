from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from attrs import evolve

from maasha.api.errors import FieldErrors
from maasha.api.subnet_rules import SubnetSurroundings, check_subnet
from maasha.db.subnets import SubnetRow, TakenAddress
from maasha.model.network import RangeType, SubnetId
from tests.unit.api.samples import DYNAMIC, SUBNET

AROUND = SubnetSurroundings(
    ranges=(DYNAMIC,), taken=(TakenAddress(ip_address("10.0.0.1"), "rack-1:eth0"),)
)
OTHER = evolve(SUBNET, id=SubnetId(6), cidr=ip_network("10.0.0.0/16"))


def with_gateway(address: str) -> SubnetRow:
    """Give the subnet another gateway."""
    return evolve(SUBNET, gateway=ip_address(address))


@pytest.mark.parametrize(
    ("subnet", "field", "words"),
    [
        (evolve(SUBNET, cidr=ip_network("10.0.0.0/26")), "cidr", "range .* would be outside"),
        (evolve(SUBNET, cidr=ip_network("10.0.0.32/27")), "cidr", "10.0.0.1 of rack-1:eth0"),
        (with_gateway("10.0.1.1"), "gateway_ip", "outside of 10.0.0.0/24"),
        (with_gateway("10.0.0.0"), "gateway_ip", "network or broadcast"),
        (with_gateway("10.0.0.255"), "gateway_ip", "network or broadcast"),
        (with_gateway("10.0.0.50"), "gateway_ip", "DHCP may hand it out"),
        (evolve(SUBNET, dns_servers=(ip_address("::1"),)), "dns_servers", "not an IPv4 address"),
        (evolve(SUBNET, dns_servers=(ip_address("10.0.0.60"),)), "dns_servers", "hand it out"),
    ],
)
def test_refusals(subnet: SubnetRow, field: str, words: str) -> None:
    """A subnet that breaks a rule is refused at the field to mend."""
    with pytest.raises(FieldErrors, match=words) as caught:
        check_subnet(subnet, AROUND)
    assert field in caught.value.fields


def test_overlap() -> None:
    """A network that shares addresses with another is refused, which is named."""
    with pytest.raises(FieldErrors, match=r"overlaps subnet 10.0.0.0/16 \(id 6\)"):
        check_subnet(SUBNET, SubnetSurroundings(overlapping=(OTHER,)))


def test_good_subnets() -> None:
    """Gateways and DNS servers outside of dynamic ranges are taken; a /31 has no broadcast."""
    check_subnet(evolve(SUBNET, dns_servers=(ip_address("8.8.8.8"),)), AROUND)
    check_subnet(with_gateway("10.0.0.254"), AROUND)
    tiny = evolve(SUBNET, cidr=ip_network("10.9.0.0/31"), gateway=ip_address("10.9.0.0"))
    check_subnet(tiny, SubnetSurroundings())


def test_gateway_in_a_reserved_range() -> None:
    """A reserved range may hold the gateway: DHCP does not hand it out."""
    reserved = evolve(DYNAMIC, type=RangeType.RESERVED)
    check_subnet(with_gateway("10.0.0.50"), SubnetSurroundings(ranges=(reserved,)))


def test_ipv6_subnets_are_stored() -> None:
    """An IPv6 subnet is judged like any other, its first address included."""
    six = evolve(SUBNET, cidr=ip_network("fd00::/64"), gateway=ip_address("fd00::"))
    check_subnet(six, SubnetSurroundings())
