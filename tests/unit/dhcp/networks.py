"""Networks as Hypothesis draws them, sound and unsound, and one plain example."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import strategies as st

from maasha.dhcp.facts import Member, Off, RackFacts, VlanFacts
from maasha.model.cluster import RackKey
from maasha.model.dhcp import SOLO, Duty, Role
from maasha.model.network import IPRange, RangeType, Subnet, SubnetId, VlanId
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
def _subnets(draw: st.DrawFn) -> Subnet:
    prefix = draw(st.sampled_from([0, 8, 16, 20, 24, 24, 24, 28, 30, 31, 32]))
    start = draw(st.sampled_from([10 << 24, (10 << 24) + (3 << 16), 192 << 24, 0, 255 << 24]))
    step = draw(st.integers(0, 3)) << (32 - prefix)
    first = (start + step) & ((1 << 32) - 1) & ~((1 << (32 - prefix)) - 1)
    network = IPv4Network((first, prefix))
    near = st.integers(-2, 300).map(lambda n: IPv4Address(max(0, min(first + n, (1 << 32) - 1))))
    inside = st.integers(0, min(network.num_addresses, 260) - 1).map(lambda n: network[n])
    address = st.one_of(inside, inside, inside, near)
    ends = st.tuples(address, address).map(sorted) | st.tuples(address, address).map(list)
    kinds = st.sampled_from([RangeType.DYNAMIC, RangeType.DYNAMIC, RangeType.RESERVED])
    ranges = st.builds(lambda kind, both: IPRange(kind, *both), kinds, ends)
    return Subnet(
        SubnetId(draw(st.integers(1, 9))),
        network,
        draw(st.none() | address),
        tuple(draw(st.lists(address, max_size=3))),
        tuple(draw(st.lists(ranges, min_size=0, max_size=3))),
    )


@st.composite
def _vlans(draw: st.DrawFn, number: int) -> tuple[VlanFacts, Role]:
    subnets = tuple(draw(st.lists(_subnets(), min_size=1, max_size=2)))
    cidr = subnets[0].cidr
    places = [cidr[min(n, cidr.num_addresses - 1)] for n in (1, 2)]
    own = draw(st.sampled_from([places[0], places[0], places[0], None, IPv4Address("9.9.9.9")]))
    members = (Member(RACK, own), Member(PEER, places[1]))
    paired = Role(Duty.SECONDARY, f"failover-vlan-{number}-1", own, places[1])
    role = draw(st.sampled_from([SOLO, paired, Role(Duty.PRIMARY, f"f-{number}", own, places[1])]))
    facts = VlanFacts(
        VlanId(number),
        draw(st.sampled_from([600, 600, 15, 604800, 0, -1, 2**31])),
        draw(st.sampled_from([1500, 1500, 9000, 552, 65535, 65536, 0])),
        subnets,
        draw(st.sampled_from([f"eth{number}", f"eth{number}", "eth1", "", "-q", "a b", "x" * 16])),
        Off(),
        members,
    )
    return facts, role


@st.composite
def situations(draw: st.DrawFn) -> tuple[RackFacts, dict[VlanId, Role]]:
    """Draw a rack with up to three VLANs, many of them faulty, and its roles."""
    numbers = range(1, draw(st.integers(1, 3)) + 1)
    drawn = [draw(_vlans(number)) for number in numbers]
    return rack(*(facts for facts, _ in drawn)), {facts.vlan: role for facts, role in drawn}
