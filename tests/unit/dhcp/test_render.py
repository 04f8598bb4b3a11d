"""The text that dhcpd reads."""

from __future__ import annotations

import re

from attrs import evolve
from hypothesis import given, settings

from maasha.dhcp.facts import RackFacts
from maasha.dhcp.failover import block
from maasha.dhcp.render import Problem, render
from maasha.model.dhcp import OFF, SOLO, Role, VlanRole
from maasha.model.network import VlanId
from maasha.model.stamp import Stamp
from tests.unit.dhcp.networks import PLAIN, PRIMARY, SECRET, rack, situations, span, subnet, vlan

LONE = vlan(
    subnet(span("10.1.0.5", "10.1.0.9"), cidr="10.1.0.0/24", gateway="10.1.0.254"),
    subnet(cidr="10.0.7.0/24"),
    number=2,
    own="10.1.0.1",
    interface="eth1",
)

WHOLE = f"""\
# Written by maasha: changes made here by hand are overwritten.

authoritative;
dhcp-cache-threshold 0;
ddns-update-style none;
default-lease-time 600;
max-lease-time 600;

omapi-port 7911;
key omapi_key {{
    algorithm HMAC-MD5;
    secret "{SECRET}";
}}
omapi-key omapi_key;

{block(PRIMARY)}

shared-network vlan-2 {{
    default-lease-time 120;
    max-lease-time 120;
    option interface-mtu 9000;
    subnet 10.0.7.0 netmask 255.255.255.0 {{
    }}
    subnet 10.1.0.0 netmask 255.255.255.0 {{
        option routers 10.1.0.254;
        option domain-name-servers 10.1.0.254, 10.1.0.254;
        pool {{
            range 10.1.0.5 10.1.0.9;
        }}
    }}
}}

shared-network vlan-5001 {{
    default-lease-time 600;
    max-lease-time 600;
    subnet 10.0.0.0 netmask 255.255.255.0 {{
        pool {{
            failover peer "failover-vlan-5001-1";
            range 10.0.0.50 10.0.0.99;
        }}
    }}
}}
"""


def test_a_rack_with_two_vlans() -> None:
    """Peers come before networks, networks in the order of their numbers, subnets of theirs."""
    first = LONE.subnets[0]
    assert first.gateway is not None
    named = evolve(first, dns_servers=(first.gateway, first.gateway))
    lone = evolve(LONE, mtu=9000, lease_time=120, subnets=(named, LONE.subnets[1]))
    rendered = render(rack(PLAIN, lone), {PLAIN.vlan: PRIMARY, lone.vlan: SOLO})
    assert rendered.plan.config == WHOLE
    assert rendered.plan.interfaces == ("eth0", "eth1")
    assert rendered.plan.roles == (
        VlanRole(VlanId(2), SOLO, "eth1"),
        VlanRole(VlanId(5001), PRIMARY, "eth0"),
    )
    assert rendered.plan.generation == Stamp(1, 7)
    assert rendered.problems == ()


def test_a_faulty_vlan_harms_no_other() -> None:
    """It is left out and named; the rest is served."""
    rendered = render(rack(vlan(number=3), PLAIN), {VlanId(3): SOLO, PLAIN.vlan: SOLO})
    assert [entry.vlan for entry in rendered.plan.roles] == [PLAIN.vlan]
    assert rendered.problems == (
        Problem(VlanId(3), "the rack's address 10.0.0.1 is in no subnet of this VLAN"),
    )


def test_with_nothing_to_serve_the_plan_is_empty() -> None:
    """A rack that is off everywhere runs no server, and that is no problem."""
    rendered = render(rack(PLAIN, LONE), {PLAIN.vlan: OFF})
    assert (rendered.plan.config, rendered.plan.interfaces, rendered.plan.roles) == ("", (), ())
    assert rendered.plan.generation == Stamp(1, 7)
    assert rendered.problems == ()


@given(situations())
@settings(max_examples=40, deadline=None)
def test_every_vlan_with_a_role_is_either_served_or_named(
    situation: tuple[RackFacts, dict[VlanId, Role]],
) -> None:
    """Nothing is left out in silence, and the same facts give the same text."""
    facts, roles = situation
    rendered = render(facts, roles)
    served = {entry.vlan for entry in rendered.plan.roles}
    named = {problem.vlan for problem in rendered.problems}
    assert served | named == set(roles)
    assert not served & named
    assert len(rendered.plan.interfaces) == len(served)
    declared = re.findall(r"^shared-network vlan-(\d+) ", rendered.plan.config, re.MULTILINE)
    assert {int(number) for number in declared} == served
    assert render(facts, roles) == rendered
