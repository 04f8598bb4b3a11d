"""IPv6 networks as Hypothesis draws them, and one plain example."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from hypothesis import strategies as st

from maasha.dhcp.facts6 import RackFacts6, VlanFacts6, addresses
from maasha.model.network import Stretch, Subnet6, SubnetId, VlanId
from maasha.model.options import Boot, BootFile, Snippet, SnippetId
from maasha.model.stamp import Stamp
from maasha.model.stretches import Stretches, lower_half, union

SECRET = "c2VjcmV0c2VjcmV0"
OWN = IPv6Address("fd00:0:0:1::1")


def between(first: str, last: str) -> Stretch:
    """Give a stretch by its ends."""
    return Stretch(IPv6Address(first), IPv6Address(last))


RANGE = between("fd00:0:0:1::100", "fd00:0:0:1::1ff")
PLAIN = VlanFacts6(
    VlanId(5001),
    600,
    (Subnet6(SubnetId(1), IPv6Network("fd00:0:0:1::/64"), ranges=(RANGE,)),),
    "eth0",
    OWN,
)


def rack(*vlans: VlanFacts6) -> RackFacts6:
    """Give the facts of a rack."""
    return RackFacts6(Stamp(1, 7), SECRET, vlans)


@st.composite
def _subnets(draw: st.DrawFn, number: int) -> Subnet6:
    """Draw a sound subnet with up to three ranges of any size."""
    length = draw(st.sampled_from([48, 64, 64, 96, 120, 126]))
    network = IPv6Network(((0xFD00 << 112) + (number << 80), length))
    places = st.integers(0, network.num_addresses - 1)
    cuts = sorted(draw(st.lists(places, unique=True, max_size=6)))
    ends = zip(cuts[::2], cuts[1::2], strict=False)
    some = st.lists(places.map(lambda place: network[place]), max_size=2).map(tuple)
    domains = st.sampled_from(["example.org", "a_b.example", "lab"])
    return Subnet6(
        SubnetId(number),
        network,
        draw(st.none() | places.map(lambda place: network[place])),
        draw(some),
        tuple(Stretch(network[low], network[high]) for low, high in ends),
        draw(some),
        tuple(draw(st.lists(domains, max_size=3))),
        draw(st.sampled_from([(), (Snippet(SnippetId(1), "p", "option dhcp6.preference 9;"),)])),
    )


boots = st.builds(
    Boot,
    st.dictionaries(
        st.none() | st.integers(0, 0xFFFF),
        st.sampled_from(["a.efi", "http://{rack}:80/x?y=z#[1]", "https://$(x)'"]),
        max_size=3,
    ).map(lambda files: tuple(BootFile(number, file) for number, file in files.items())),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[RackFacts6, dict[VlanId, Stretches]]:
    """Draw up to three VLANs of up to two subnets, and all, half or none of their addresses."""
    vlans, shares = [], {}
    for number in range(1, draw(st.integers(1, 4))):
        count = draw(st.integers(1, 2))
        subnets = tuple(draw(_subnets(2 * number + each)) for each in range(count))
        own = draw(st.none() | st.just(subnets[0].cidr[1]))
        lease_time = draw(st.sampled_from([15, 600, 604800, 1]))
        made = VlanFacts6(VlanId(number), lease_time, subnets, f"eth{number}", own, draw(boots))
        whole: Stretches = ()
        for subnet in subnets:
            whole = union(whole, addresses(subnet, () if own is None else (own,)))
        vlans.append(made)
        shares[made.vlan] = draw(st.sampled_from([whole, lower_half(whole), ()]))
    return rack(*vlans), shares
