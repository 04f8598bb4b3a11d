"""Networks as Hypothesis draws them, sound and unsound, and one plain example."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

from attrs import evolve
from hypothesis import strategies as st

from maasha.dhcp.facts import Member, Off, RackFacts, VlanFacts
from maasha.model.cluster import RackKey
from maasha.model.dhcp import SOLO, Duty, Role
from maasha.model.network import (
    MAX_LEASE_TIME,
    MAX_MTU,
    MIN_LEASE_TIME,
    MIN_MTU,
    IPRange,
    RangeType,
    RelayedVlan,
    Subnet,
    SubnetId,
    VlanId,
)
from maasha.model.options import (
    MAX_MAX_RESPONSE_DELAY,
    MAX_MCLT,
    MAX_SPLIT,
    MIN_MAX_RESPONSE_DELAY,
    MIN_MCLT,
    MIN_SPLIT,
    Boot,
    BootFile,
    PairNumbers,
    Snippet,
    SnippetId,
)
from maasha.model.stamp import Stamp

RACK, PEER = RackKey(1), RackKey(2)
SECRET = "c2VjcmV0c2VjcmV0"


def span(first: str, last: str, kind: RangeType = RangeType.DYNAMIC) -> IPRange:
    """Give a range."""
    return IPRange(kind, IPv4Address(first), IPv4Address(last))


def subnet(*ranges: IPRange, cidr: str = "10.0.0.0/24", gateway: str | None = None) -> Subnet:
    """Give a subnet."""
    way = None if gateway is None else IPv4Address(gateway)
    return Subnet(SubnetId(1), IPv4Network(cidr), way, (), ranges)


def vlan(
    *subnets: Subnet, number: int = 5001, own: str | None = "10.0.0.1", interface: str = "eth0"
) -> VlanFacts:
    """Give a VLAN with this rack at `own` and its peer at 10.0.0.2."""
    here = Member(RACK, None if own is None else IPv4Address(own))
    members = (here, Member(PEER, IPv4Address("10.0.0.2")))
    return VlanFacts(VlanId(number), 600, 1500, subnets, interface, Off(), members)


def rack(*vlans: VlanFacts) -> RackFacts:
    """Give the facts of a rack."""
    return RackFacts(RACK, Stamp(1, 7), SECRET, vlans)


PRIMARY = Role(
    Duty.PRIMARY, "failover-vlan-5001-1", IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")
)
PLAIN = vlan(subnet(span("10.0.0.50", "10.0.0.99")))


@st.composite
def _subnets(draw: st.DrawFn, start: int) -> Subnet:
    """Draw a sound subnet that begins at `start`, with up to three ranges."""
    network = IPv4Network((start, draw(st.sampled_from([16, 20, 24, 24, 24, 28, 29]))))
    last = min(network.num_addresses - 1, draw(st.sampled_from([260, 5000])))
    places = st.integers(0, last)
    cuts = sorted(draw(st.lists(places, unique=True, min_size=2, max_size=6)))
    ends = zip(cuts[::2], cuts[1::2], strict=False)
    kinds = st.sampled_from([RangeType.DYNAMIC, RangeType.DYNAMIC, RangeType.RESERVED])
    return Subnet(
        SubnetId(draw(st.integers(1, 9))),
        network,
        draw(st.none() | places.map(lambda place: network[place])),
        tuple(network[place] for place in draw(st.lists(places, max_size=3))),
        tuple(IPRange(draw(kinds), network[low], network[high]) for low, high in ends),
        tuple(network[place] for place in draw(st.lists(places, max_size=2))),
        tuple(draw(st.lists(st.sampled_from(["example.org", "a_b.example", "lab"]), max_size=3))),
        tuple(draw(st.lists(SNIPPETS, max_size=2))),
    )


SNIPPETS = st.sampled_from(
    [
        Snippet(SnippetId(1), "domain", 'option domain-name "snippet.example";'),
        Snippet(
            SnippetId(2),
            "vendor",
            'if option vendor-class-identifier = "a}" {\n  next-server 10.0.0.8;\n}',
        ),
        Snippet(SnippetId(3), "words", "# nothing }\nmin-lease-time 10;"),
        Snippet(SnippetId(4), "arch", "if option arch = 00:07 {\n}\n"),
        Snippet(
            SnippetId(5),
            "blocks",
            '# shared-network vlan-1 {\nclass "a" {\n  match hardware;\n}\n'
            '# failover peer "failover-vlan-1-1";',
        ),
    ]
)
hosts = st.lists(
    st.sampled_from(["02:00:00:00:00:01 10.16.0.5 web", "02:00:00:00:00:02 20.16.0.5 -"]),
    unique=True,
).map(lambda lines: "".join(f"{line}\n" for line in sorted(lines)))
boots = st.builds(
    Boot,
    st.dictionaries(
        st.none() | st.integers(0, 0xFFFF),
        st.sampled_from(["a.efi", "http://{rack}:80/x?y=z#[1]", "$(x)'"]),
        max_size=3,
    ).map(lambda files: tuple(BootFile(number, file) for number, file in files.items())),
    st.none() | st.ip_addresses(v=4).filter(lambda found: found != IPv4Address(0)),
)
numbers = st.builds(
    PairNumbers,
    st.integers(MIN_MCLT, MAX_MCLT),
    st.integers(MIN_SPLIT, MAX_SPLIT),
    st.integers(MIN_MAX_RESPONSE_DELAY, MAX_MAX_RESPONSE_DELAY),
)


@st.composite
def _vlans(draw: st.DrawFn, number: int) -> VlanFacts:
    """Draw a sound VLAN, unless all its ranges are reserved or taken."""
    count = draw(st.integers(1, 3))
    subnets = [draw(_subnets((10 << 24) + (number << 20) + (n << 17))) for n in range(count)]
    own, peer = (subnets[0].cidr[draw(st.integers(1, 6))] for _ in range(2))
    return VlanFacts(
        VlanId(number),
        draw(st.integers(MIN_LEASE_TIME, MAX_LEASE_TIME)),
        draw(st.sampled_from([1500, 1500, 9000, MIN_MTU, MAX_MTU])),
        tuple(draw(st.permutations(subnets))),
        draw(st.sampled_from([f"eth{number}", f"bond0.{number}", f"br-{number}@x:1"])),
        Off(),
        (Member(RACK, own), Member(PEER, peer)),
        draw(numbers),
        draw(boots),
        tuple(
            RelayedVlan(VlanId(100 * number + n), 600, 1500, (relayed,), draw(boots))
            for n in range(draw(st.integers(0, 2)))
            for relayed in [draw(_subnets((20 << 24) + (number << 20) + (n << 17)))]
        ),
    )


def _with_subnet(facts: VlanFacts, extra: Subnet) -> VlanFacts:
    return evolve(facts, subnets=(*facts.subnets, extra))


FAULTS: tuple[Callable[[VlanFacts], VlanFacts], ...] = (
    lambda facts: evolve(facts, lease_time=0),
    lambda facts: evolve(facts, lease_time=2**31),
    lambda facts: evolve(facts, mtu=65536),
    lambda facts: evolve(facts, interface="-q"),
    lambda facts: evolve(facts, interface="a b"),
    lambda facts: evolve(facts, interface="eth1"),
    lambda facts: evolve(facts, members=()),
    lambda facts: evolve(facts, members=(Member(RACK, IPv4Address("9.9.9.9")),)),
    lambda facts: _with_subnet(facts, subnet(cidr="10.0.0.0/8")),
    lambda facts: _with_subnet(facts, subnet(span("9.0.0.1", "9.15.0.0"), cidr="9.0.0.0/8")),
    lambda facts: _with_subnet(facts, subnet(span("9.0.0.9", "9.0.0.1"), cidr="9.0.0.0/24")),
    lambda facts: _with_subnet(facts, subnet(span("9.0.0.9", "9.0.1.1"), cidr="9.0.0.0/24")),
    lambda facts: _with_subnet(facts, subnet(span("9.0.0.0", "9.0.0.1"), cidr="9.0.0.0/31")),
    lambda facts: _with_subnet(facts, subnet(cidr="255.255.255.255/32")),
    lambda facts: _with_subnet(facts, subnet(cidr="0.0.0.0/0")),
)
"""What may be wrong with a VLAN ; the /31 and the /32 are only odd."""


@st.composite
def situations(draw: st.DrawFn) -> tuple[RackFacts, dict[VlanId, Role]]:
    """Draw a rack with up to three VLANs, some of them faulty, and its roles."""
    vlans, roles = [], {}
    for number in range(1, draw(st.integers(1, 3)) + 1):
        facts = draw(_vlans(number))
        mine, other = (member.address for member in facts.members)
        name = f"failover-vlan-{number}-1"
        pairs = [Role(duty, name, mine, other) for duty in (Duty.PRIMARY, Duty.SECONDARY)]
        roles[facts.vlan] = draw(st.sampled_from([SOLO, *pairs]))
        fault = draw(st.sampled_from([None, *FAULTS])) if draw(st.integers(0, 3)) == 3 else None
        vlans.append(facts if fault is None else fault(facts))
    everywhere = tuple(draw(st.lists(SNIPPETS, max_size=2)))
    return evolve(rack(*vlans), snippets=everywhere, hosts=draw(hosts)), roles
