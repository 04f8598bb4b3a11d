"""The failover blocks, letter by letter."""

from __future__ import annotations

from ipaddress import IPv4Address

from maasha.dhcp.failover import block, handover_name, peer_name
from maasha.model.dhcp import Duty, Role
from maasha.model.network import VlanId

PAGE_PRIMARY = """\
failover peer "failover-partner" {
     primary;
     address dhcp-primary.example.com;
     peer address dhcp-secondary.example.com;
     max-response-delay 60;
     max-unacked-updates 10;
     mclt 3600;
     split 255;
     load balance max seconds 3;
}"""
PAGE_SECONDARY = """\
failover peer "failover-partner" {
     secondary;
     address dhcp-secondary.example.com;
     peer address dhcp-primary.example.com;
     max-response-delay 60;
     max-unacked-updates 10;
     load balance max seconds 3;
}"""
ONE, TWO = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")


def as_on_the_page(text: str) -> str:
    """Put this VLAN's name and addresses where the page has its examples."""
    named = text.replace("failover-partner", "failover-vlan-5001-3")
    return named.replace("dhcp-primary.example.com", str(ONE)).replace(
        "dhcp-secondary.example.com", str(TWO)
    )


def test_the_primary_has_the_eight_parameters_of_the_page() -> None:
    """Name and addresses apart, the primary's block is the documented one."""
    role = Role(Duty.PRIMARY, peer_name(VlanId(5001), 3), ONE, TWO)
    assert block(role) == as_on_the_page(PAGE_PRIMARY)


def test_the_secondary_has_the_six_parameters_of_the_page() -> None:
    """Name and addresses apart, the secondary's block is the documented one."""
    role = Role(Duty.SECONDARY, peer_name(VlanId(5001), 3), TWO, ONE)
    assert block(role) == as_on_the_page(PAGE_SECONDARY)


def test_every_pairing_and_every_handover_has_a_name_of_its_own() -> None:
    """To dhcpd a new pairing is a pair without a past."""
    vlan = VlanId(1)
    names = {
        peer_name(vlan, 1),
        peer_name(vlan, 11),
        handover_name(vlan, 1),
        peer_name(VlanId(11), 1),
    }
    assert len(names) == 4
