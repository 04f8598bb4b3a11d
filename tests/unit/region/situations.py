"""Situations of two racks and their VLANs, for tests of decisions."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from maasha.dhcp.failover import peer_name
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, Duty, PeerState, Role
from maasha.model.network import IPRange, RangeType, Subnet, SubnetId, VlanId
from maasha.model.service import MemberSituation, RackSituation, VlanSituation
from maasha.model.stamp import NEVER, Stamp

ONE, TWO = RackKey(1), RackKey(2)
GENERATION = Stamp(1, 7)
SECRET = "c2VjcmV0c2VjcmV0"


def subnet(vlan: VlanId) -> Subnet:
    """Give a /24 with a dynamic range."""
    base = IPv4Address("10.0.0.0") + 256 * vlan
    dynamic = IPRange(RangeType.DYNAMIC, base + 50, base + 99)
    return Subnet(SubnetId(vlan), IPv4Network(f"{base}/24"), ranges=(dynamic,))


def pair_role(vlan: VlanId, rack: RackKey, duty: Duty) -> Role:
    """Give a rack's half of the pair of a VLAN."""
    mine, other = (address(vlan, rack), address(vlan, TWO if rack == ONE else ONE))
    return Role(duty, peer_name(vlan, 1), mine, other)


def address(vlan: VlanId, rack: RackKey) -> IPv4Address:
    """Give a rack's address on a VLAN."""
    return IPv4Address("10.0.0.0") + 256 * vlan + rack


def member(
    vlan: VlanId,
    rack: RackKey,
    running: Role = OFF,
    state: PeerState = PeerState.NORMAL,
    *,
    current: bool = True,
    commanded: bool = False,
) -> MemberSituation:
    """Give a member that runs what it was asked."""
    return MemberSituation(
        rack=rack,
        hostname=f"rack{rack}",
        interface=f"eth{vlan}",
        address=address(vlan, rack),
        asked=running,
        running=running,
        state=state,
        partner=state,
        commanded=commanded,
        current=current,
    )


def vlan(
    number: int,
    members: tuple[MemberSituation, ...],
    *,
    primary: RackKey | None = ONE,
    secondary: RackKey | None = TWO,
    dhcp_on: bool = True,
    lease_time: int = 600,
) -> VlanSituation:
    """Give a VLAN that is to be served by rack 1 and rack 2."""
    return VlanSituation(
        vlan=VlanId(number),
        lease_time=lease_time,
        mtu=1500,
        pairing=1,
        dhcp_on=dhcp_on,
        primary=primary,
        secondary=secondary,
        subnets=(subnet(VlanId(number)),),
        members=members,
    )


def pair(
    number: int,
    state: PeerState = PeerState.NORMAL,
    primary: RackKey = ONE,
    *,
    partner_current: bool = True,
    partner_commanded: bool = False,
    me: RackKey = ONE,
) -> VlanSituation:
    """Give a VLAN whose pair runs; the partner is the rack that is not `me`."""
    secondary = TWO if primary == ONE else ONE
    members = []
    for rack, duty in ((primary, Duty.PRIMARY), (secondary, Duty.SECONDARY)):
        role = pair_role(VlanId(number), rack, duty)
        flags = {"current": partner_current, "commanded": partner_commanded} if rack != me else {}
        members.append(member(VlanId(number), rack, role, state, **flags))
    return vlan(number, tuple(members), primary=primary, secondary=secondary)


def situation(*vlans: VlanSituation, rack: RackKey = ONE, digest: str = "") -> RackSituation:
    """Give what a rack's owner sees; an empty digest: it runs nothing."""
    return RackSituation(rack, GENERATION, NEVER, digest, vlans, omapi_secret=SECRET)
