"""The text that dhcpd reads."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from attrs import evolve
from hypothesis import given, settings

from maasha.dhcp.facts import RackFacts
from maasha.dhcp.failover import block
from maasha.dhcp.probe_client import probe_client
from maasha.dhcp.render import Problem, render
from maasha.model.dhcp import OFF, SOLO, Role, VlanRole
from maasha.model.network import RelayedVlan, VlanId
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
server-id-check on;
ddns-update-style none;
default-lease-time 600;
max-lease-time 600;
option arch code 93 = unsigned integer 16;

omapi-port 7911;
key omapi_key {{
    algorithm HMAC-MD5;
    secret "{SECRET}";
}}
omapi-key omapi_key;

on commit {{
    if static {{
        log(info, concat("maasha-lease ", binary-to-ascii(10, 8, ".", leased-address), " ",
            binary-to-ascii(16, 8, ":", hardware), " ",
            pick-first-value(binary-to-ascii(10, 32, "", encode-int(lease-time, 32)), "-"),
            " ", pick-first-value(binary-to-ascii(16, 8, ":", option host-name), "-")));
    }}
}}

host maasha-probe {{
    hardware ethernet {probe_client(SECRET)};
    ignore booting;
}}

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


NAMES = (IPv4Address("10.9.0.53"), IPv4Address("10.8.0.53"))


def test_clients_are_told_of_the_regions_name_servers() -> None:
    """In their order; a subnet's own servers win, and one that wants none of them has none."""
    own = evolve(LONE.subnets[0], dns_servers=(IPv4Address("10.1.0.53"),))
    without = evolve(LONE.subnets[1], allow_dns=False)
    plain = subnet(cidr="10.0.8.0/24")
    lone = evolve(LONE, subnets=(own, without, plain), region_dns=NAMES)
    text = render(rack(lone), {lone.vlan: SOLO}).plan.config
    told = re.findall(r"subnet (\S+)|domain-name-servers (.*);", text)
    assert told == [
        ("10.0.7.0", ""),
        ("10.0.8.0", ""),
        ("", "10.9.0.53, 10.8.0.53"),
        ("10.1.0.0", ""),
        ("", "10.1.0.53"),
    ]


def test_each_instance_asks_as_another_client() -> None:
    """So that one finds the other's servers; it is an address of one station, given by itself."""
    one, other = probe_client("c2VjcmV0"), probe_client("c2VjcmV1")
    assert one != other
    assert re.fullmatch(r"02(:[0-9a-f]{2}){5}", one)


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
    relayed = {other.vlan for vlan in facts.vlans if vlan.vlan in served for other in vlan.relayed}
    assert served | named - relayed == set(roles)
    assert not served & named
    assert len(rendered.plan.interfaces) == len(served)
    declared = re.findall(r"^shared-network vlan-(\d+) ", rendered.plan.config, re.MULTILINE)
    assert {int(number) for number in declared} == served | (relayed - named)
    assert render(facts, roles) == rendered


def test_a_relayed_vlan_is_served_by_the_same_pair() -> None:
    """It has pools of the pair and no interface of its own; a faulty one is left out by itself."""
    sound = RelayedVlan(
        VlanId(77), 120, 1500, (subnet(span("10.7.0.5", "10.7.0.9"), cidr="10.7.0.0/24"),)
    )
    faulty = RelayedVlan(VlanId(78), 120, 1500, (subnet(cidr="10.8.0.0/24"),))
    there = evolve(PLAIN, relayed=(faulty, sound))
    rendered = render(rack(there), {there.vlan: PRIMARY})
    network, own = rendered.plan.config.split("shared-network vlan-77 {")[1].split("\n}\n")
    assert 'failover peer "failover-vlan-5001-1";\n            range 10.7.0.5 10.7.0.9;' in network
    assert "vlan-5001" not in own
    assert rendered.plan.interfaces == ("eth0",)
    assert [problem.vlan for problem in rendered.problems] == [faulty.vlan]
