"""Which address a client can have for its own."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from attrs import evolve

from maasha.api.errors import FieldErrors
from maasha.api.picture import picture_of
from maasha.api.range_rules import RangeSurroundings, check_range
from maasha.api.reservation_rules import ReservationSurroundings, check_reservation
from maasha.api.reservation_shapes import reservation_json, reservations_json
from maasha.api.shapes import subnet_json
from maasha.api.subnet_rules import SubnetSurroundings, check_subnet
from maasha.db.ranges import RangeRow
from maasha.db.reservations import ReservationRow
from maasha.db.subnets import TakenAddress
from maasha.model.network import RangeId, RangeType, ReservationId
from tests.unit.api.samples import DYNAMIC, NETWORKS, SOLO_RACK, SUBNET

FULL = evolve(
    SUBNET,
    gateway=ip_address("10.0.0.254"),
    dns_servers=(ip_address("10.0.0.200"), ip_address("8.8.8.8")),
)
RACK = TakenAddress(ip_address("10.0.0.1"), "rack-1:eth0")
MAC, OTHER_MAC = "52:54:00:00:00:01", "52:54:00:00:00:02"


def reserved(address: str, mac: str = MAC, number: int = 0) -> ReservationRow:
    """Make a reservation."""
    return ReservationRow(ReservationId(number), SUBNET.id, ip_address(address), mac, "web")


AROUND = ReservationSurroundings(FULL, (DYNAMIC,), (RACK,), (reserved("10.0.0.10", OTHER_MAC, 4),))


@pytest.mark.parametrize(
    ("new", "field", "words"),
    [
        (reserved("10.0.1.5"), "ip", "outside of subnet 10.0.0.0/24"),
        (reserved("10.0.0.0"), "ip", "network address"),
        (reserved("10.0.0.255"), "ip", "broadcast address"),
        (reserved("fd00::1"), "ip", "is IPv6"),
        (reserved("10.0.0.1"), "ip", "the address of rack-1:eth0; choose another"),
        (reserved("10.0.0.254"), "ip", "the subnet's gateway; choose another"),
        (reserved("10.0.0.200"), "ip", "a DNS server of the subnet; choose another"),
        (reserved("10.0.0.50"), "ip", "10.0.0.50-10.0.0.99 .id 9., so DHCP would lease it"),
        (reserved("10.0.0.10"), "ip", f"reserved for {OTHER_MAC} .id 4."),
        (reserved("10.0.0.11", OTHER_MAC), "mac_address", "has 10.0.0.10 on this VLAN already"),
        (reserved("10.0.0.12", "01:00:5e:00:00:01"), "mac_address", "a group's address"),
    ],
)
def test_refusals(new: ReservationRow, field: str, words: str) -> None:
    """A reservation that breaks a rule is refused at the field to mend."""
    with pytest.raises(FieldErrors, match=words) as caught:
        check_reservation(new, AROUND)
    assert list(caught.value.fields) == [field]


def test_all_reasons() -> None:
    """All that is wrong is said at once."""
    with pytest.raises(FieldErrors) as caught:
        check_reservation(reserved("10.0.0.60", "ff:ff:ff:ff:ff:ff"), AROUND)
    assert list(caught.value.fields) == ["ip", "mac_address"]


def test_good_reservations() -> None:
    """Any other host's address; a range that is kept from DHCP may hold it."""
    check_reservation(reserved("10.0.0.5"), AROUND)
    kept = evolve(DYNAMIC, type=RangeType.RESERVED)
    check_reservation(reserved("10.0.0.60"), evolve(AROUND, ranges=(kept,)))
    tiny = evolve(SUBNET, cidr=ip_network("10.0.0.0/31"))
    check_reservation(reserved("10.0.0.0"), ReservationSurroundings(tiny))


def dynamic(start: str, end: str, kind: RangeType = RangeType.DYNAMIC) -> RangeRow:
    """Make a range."""
    return RangeRow(RangeId(0), SUBNET.id, kind, ip_address(start), ip_address(end))


def test_a_dynamic_range_leaves_reservations_out() -> None:
    """Dhcpd would lease them to others; a range that is kept from DHCP may hold them."""
    around = RangeSurroundings(SUBNET, (), (), (reserved("10.0.0.30", number=7),))
    with pytest.raises(FieldErrors, match=rf"10.0.0.30, which is reserved for {MAC} \(id 7\)"):
        check_range(dynamic("10.0.0.20", "10.0.0.40"), around)
    check_range(dynamic("10.0.0.20", "10.0.0.40", RangeType.RESERVED), around)
    check_range(dynamic("10.0.0.31", "10.0.0.40"), around)


def test_a_subnet_keeps_its_reservations() -> None:
    """It cannot shrink away from one, nor give one to its gateway or a DNS server."""
    around = SubnetSurroundings(reserved=(reserved("10.0.0.30", number=7),))
    address = ip_address("10.0.0.30")
    for changed, field in (
        (evolve(SUBNET, cidr=ip_network("10.0.0.0/28")), "cidr"),
        (evolve(SUBNET, gateway=address), "gateway_ip"),
        (evolve(SUBNET, dns_servers=(address,)), "dns_servers"),
    ):
        with pytest.raises(FieldErrors, match=r"\(id 7\)") as caught:
            check_subnet(changed, around)
        assert list(caught.value.fields) == [field]
    check_subnet(evolve(SUBNET, gateway=ip_address("10.0.0.31")), around)


def test_shapes() -> None:
    """A reservation has MAAS's fields and a host name, and its subnet."""
    picture = picture_of(NETWORKS, (SOLO_RACK,))
    row = evolve(reserved("10.0.0.30", number=7), comment="of the hall")
    shown = reservation_json(row, picture)
    assert shown == {
        "id": 7,
        "ip": "10.0.0.30",
        "mac_address": MAC,
        "hostname": "web",
        "comment": "of the hall",
        "subnet": subnet_json(SUBNET, picture),
        "resource_uri": "/MAAS/api/2.0/reservedips/7/",
    }
    assert reservations_json([row, row], picture) == [shown, shown]
    assert str(row) == f"reservation of 10.0.0.30 for {MAC}"
