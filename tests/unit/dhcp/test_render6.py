"""The text of a DHCPv6 server's configuration, and what keeps a VLAN out of it."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest
from attrs import evolve

from maasha.dhcp.facts6 import VlanFacts6, addresses
from maasha.dhcp.options import boot6_options, subnet6_options
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render6 import render6
from maasha.model.dhcp import Duty, Role, VlanRole
from maasha.model.network import Subnet6, SubnetId, VlanId
from maasha.model.options import Boot, BootFile, Snippet, SnippetId
from maasha.model.stretches import Stretches, lower_half, upper_half
from tests.unit.dhcp.networks6 import OWN, PLAIN, RANGE, between, rack

LOWER = lower_half((RANGE,))
ONE = VlanId(5001)

TEXT = """\
# Written by maasha: changes made here by hand are overwritten.

authoritative;
dhcp-cache-threshold 0;
ddns-update-style none;
default-lease-time 600;
max-lease-time 600;

omapi-port 7912;
key omapi_key {
    algorithm HMAC-MD5;
    secret "c2VjcmV0c2VjcmV0";
}
omapi-key omapi_key;

shared-network vlan-5001 {
    default-lease-time 600;
    max-lease-time 600;
    subnet6 fd00:0:0:1::/64 {
        option dhcp6.name-servers fd00::53;
        pool6 {
            range6 fd00:0:0:1::100 fd00:0:0:1::17f;
        }
    }
}
"""


def problem(vlan: VlanFacts6, share: Stretches = LOWER) -> str:
    """Give why one VLAN is left out."""
    (found,) = render6(rack(vlan), {vlan.vlan: share}).problems
    return found.reason


def with_subnet(**changes: Any) -> VlanFacts6:
    """Change the plain VLAN's subnet."""
    return evolve(PLAIN, subnets=(evolve(PLAIN.subnets[0], **changes),))


def test_a_rack_s_half_of_a_vlan() -> None:
    """The text has the rack's share and nothing of the other's."""
    vlan = with_subnet(dns_servers=(IPv6Address("fd00::53"),))
    rendered = render6(rack(vlan), {ONE: LOWER})
    assert rendered.problems == ()
    assert rendered.plan.config == TEXT
    assert rendered.plan.interfaces == ("eth0",)
    assert rendered.plan.roles == (VlanRole(ONE, Role(Duty.SOLO, stretches=LOWER)),)


def test_other_halves_are_other_plans() -> None:
    """A server is changed when its share is."""
    one, two = (render6(rack(PLAIN), {ONE: half((RANGE,))}) for half in (lower_half, upper_half))
    assert digest(one.plan) != digest(two.plan)


@pytest.mark.parametrize("shares", [{}, {ONE: ()}])
def test_without_a_share_no_server_runs(shares: dict[VlanId, Stretches]) -> None:
    """A rack that has no address to hand out runs nothing."""
    rendered = render6(rack(PLAIN), shares)
    assert digest(rendered.plan) == digest(EMPTY)
    assert rendered.problems == ()


@pytest.mark.parametrize(
    ("vlan", "reason"),
    [
        (evolve(PLAIN, interface=""), "no usable interface"),
        (evolve(PLAIN, address=None), "no global or unique local IPv6 address"),
        (evolve(PLAIN, address=IPv6Address("fd09::1")), "fd09::1 is in no subnet"),
        (evolve(PLAIN, lease_time=1), "lease time 1 is not in"),
        (
            with_subnet(ranges=(between("fd00:0:0:1::2", "fd00:0:0:1::1"),)),
            "range fd00:0:0:1::2-fd00:0:0:1::1 ends before it starts",
        ),
        (
            with_subnet(ranges=(between("fd00:0:0:1::1", "fd00:0:0:2::1"),)),
            "is outside subnet fd00:0:0:1::/64",
        ),
        (
            evolve(PLAIN, subnets=(*PLAIN.subnets, *PLAIN.subnets)),
            "subnets fd00:0:0:1::/64 and fd00:0:0:1::/64 overlap",
        ),
    ],
)
def test_what_cannot_be_served_is_named(vlan: VlanFacts6, reason: str) -> None:
    """A VLAN that dhcpd would refuse, or take down all others with, is left out by name."""
    assert reason in problem(vlan)


def test_a_faulty_vlan_harms_no_other() -> None:
    """The second on one interface is left out; the first is served."""
    other = evolve(PLAIN, vlan=VlanId(5002), subnets=())
    rendered = render6(rack(other, PLAIN), {ONE: LOWER, VlanId(5002): LOWER})
    assert [entry.vlan for entry in rendered.plan.roles] == [ONE]
    assert [entry.reason for entry in rendered.problems] == [
        "interface eth0 already serves another VLAN"
    ]


def test_options_of_a_subnet() -> None:
    """Each option is there once it is chosen, in a fixed order."""
    full = Subnet6(
        SubnetId(1),
        IPv6Network("fd00::/64"),
        dns_servers=(IPv6Address("fd00::1"), IPv6Address("fd00::2")),
        ntp_servers=(IPv6Address("fd00::7"),),
        search_list=("example.org", "lab.example.org"),
        snippets=(Snippet(SnippetId(4), "mine", "option dhcp6.preference 7;"),),
    )
    assert list(subnet6_options(full)) == [
        "option dhcp6.name-servers fd00::1, fd00::2;",
        'option dhcp6.domain-search "example.org", "lab.example.org";',
        "option dhcp6.sntp-servers fd00::7;",
    ]
    config = render6(rack(evolve(PLAIN, subnets=(*PLAIN.subnets, full))), {ONE: LOWER}).plan.config
    assert "        # snippet 4\n        option dhcp6.preference 7;" in config


def test_urls_for_architectures() -> None:
    """Clients that boot over HTTP get a URL; the rack's address stands in brackets."""
    http = BootFile(16, "http://{rack}:8000/boot.efi")
    rest = BootFile(None, "https://[fd00::9]/x.efi")
    assert list(boot6_options(Boot((BootFile(0, "undionly.kpxe"), http, rest)), OWN)) == [
        "if option dhcp6.client-arch-type = 00:10 {",
        '    option dhcp6.bootfile-url "http://[fd00:0:0:1::1]:8000/boot.efi";',
        "}",
        'else { option dhcp6.bootfile-url "https://[fd00::9]/x.efi"; }',
    ]
    assert list(boot6_options(Boot((rest,)), OWN)) == [
        'option dhcp6.bootfile-url "https://[fd00::9]/x.efi";'
    ]
    second = BootFile(7, "http://a/b")
    assert "elsif option dhcp6.client-arch-type = 00:07 {" in list(
        boot6_options(Boot((http, second)), OWN)
    )


def test_a_rack_without_an_address_names_none() -> None:
    """Such a VLAN is refused before; the lines hold all the same."""
    assert list(boot6_options(Boot((BootFile(None, "http://{rack}/a"),)), None)) == [
        'option dhcp6.bootfile-url "http:///a";'
    ]


def test_nobody_gets_an_address_that_is_somebody_s() -> None:
    """The racks', the gateway's, DNS servers' and the routers' own addresses stay out of pools."""
    subnet = Subnet6(
        SubnetId(1),
        IPv6Network("fd00::/64"),
        IPv6Address("fd00::1"),
        (IPv6Address("fd00::3"),),
        (between("fd00::", "fd00::6"),),
    )
    assert addresses(subnet, (IPv6Address("fd00::5"),)) == (
        between("fd00::2", "fd00::2"),
        between("fd00::4", "fd00::4"),
        between("fd00::6", "fd00::6"),
    )
    bare = Subnet6(SubnetId(1), IPv6Network("fd00::/64"), ranges=(RANGE,))
    assert addresses(bare, ()) == (RANGE,)
