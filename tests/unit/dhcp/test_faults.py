"""Why a VLAN is not served, one fault at a time."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from attrs import evolve

from maasha.dhcp.facts import VlanFacts
from maasha.dhcp.faults import Surroundings, fault
from maasha.model.dhcp import SOLO, Role
from tests.unit.dhcp.networks import PLAIN, PRIMARY, RACK, span, subnet, vlan

POOL = span("10.0.0.50", "10.0.0.99")
BIG = subnet(span("10.0.0.1", "10.9.0.0"), cidr="10.0.0.0/8")


def test_a_sound_vlan_has_no_fault() -> None:
    """Alone and paired it can be served."""
    assert fault(PLAIN, SOLO, RACK, Surroundings()) == ""
    assert fault(PLAIN, PRIMARY, RACK, Surroundings()) == ""


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (evolve(PLAIN, interface=""), "no usable interface"),
        (evolve(PLAIN, interface="-cf"), "no usable interface"),
        (evolve(PLAIN, interface="sixteen-letters-"), "no usable interface"),
        (evolve(PLAIN, members=()), "no address on this VLAN"),
        (vlan(subnet(POOL), own=None), "no address on this VLAN"),
        (vlan(subnet(POOL), own="10.0.1.1"), "10.0.1.1 is in no subnet"),
        (evolve(PLAIN, lease_time=14), "lease time 14"),
        (evolve(PLAIN, lease_time=604801), "lease time 604801"),
        (evolve(PLAIN, mtu=551), "MTU 551"),
        (evolve(PLAIN, mtu=65536), "MTU 65536"),
        (vlan(subnet(POOL), subnet(cidr="10.0.0.0/16")), "10.0.0.0/24 and 10.0.0.0/16 overlap"),
        (vlan(subnet(span("10.0.0.9", "10.0.0.8"))), "ends before it starts"),
        (vlan(subnet()), "no dynamic range has an address"),
        (vlan(subnet(span("10.0.0.1", "10.0.0.2"))), "no dynamic range has an address"),
        (vlan(BIG), "dynamic addresses are more than 131072"),
    ],
)
def test_a_fault_of_the_vlan_is_named(facts: VlanFacts, words: str) -> None:
    """Each reason says what is wrong with which value."""
    assert words in fault(facts, SOLO, RACK, Surroundings())


@pytest.mark.parametrize(
    "role",
    [
        evolve(PRIMARY, address=None),
        evolve(PRIMARY, peer_address=None),
        evolve(PRIMARY, peer_address=IPv4Address("10.0.0.1")),
    ],
)
def test_a_peer_without_two_addresses_is_named(role: Role) -> None:
    """A failover pair is two addresses."""
    assert "two addresses" in fault(PLAIN, role, RACK, Surroundings())


@pytest.mark.parametrize("name", ["", 'x"; include "/etc/passwd', "x" * 65])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    """A peer's name cannot break out of its quotes."""
    assert "cannot name" in fault(PLAIN, evolve(PRIMARY, peer_name=name), RACK, Surroundings())


def test_what_an_earlier_vlan_took_is_named() -> None:
    """Neither an interface nor an address can be on two VLANs of one dhcpd."""
    around = Surroundings().joined(PLAIN)
    assert "already serves" in fault(vlan(subnet(POOL), number=2), SOLO, RACK, around)
    twin = vlan(subnet(POOL), number=2, interface="eth1")
    assert "overlap" in fault(twin, SOLO, RACK, around)
