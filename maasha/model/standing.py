"""How the DHCP of VLANs stands: who serves, in which failover state, with how many addresses."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from maasha.model.cluster import RackKey
from maasha.model.dhcp import Duty, PeerState
from maasha.model.network import VlanId
from maasha.model.orders import OrderKind
from maasha.model.pools import NO_FLOW, Flow, PoolCount

NEVER_TAKES_OVER = 0
"""Seconds: nobody takes over without a hand."""
MIN_TAKE_OVER, MAX_TAKE_OVER = 120, 7 * 24 * 3600
"""Seconds. A peer that is silent is noticed after up to 60 (max-response-delay), and racks without
a link stop automatic acts where many vanish at once; sooner is no evidence of anything."""
MAX_BOUND = 30 * 24
DEFAULT_BOUND = 24
"""Hours: a night and a working day."""


@frozen
class MemberStanding:
    """A rack that has a place in a VLAN, and what it said last of its dhcpd there."""

    rack: RackKey
    hostname: str
    heard: datetime
    """When the rack was last heard of."""
    since: datetime | None = None
    """Since when it says that its state is this one."""
    linked: bool = True
    serving: bool = True
    """Its dhcpd runs."""
    duty: Duty = Duty.OFF
    """What it runs there."""
    state: PeerState = PeerState.UNKNOWN
    partner: PeerState = PeerState.UNKNOWN
    draining: bool = False
    replaced_by: str = ""
    """Who had its peer take over; empty: nobody."""
    replaced: datetime | None = None
    ordered: OrderKind | None = None
    """What a person ordered it there on the spot."""
    count: PoolCount | None = None
    flow: Flow = NO_FLOW
    counted: datetime | None = None

    @property
    def paired(self) -> bool:
        """Whether it serves with a failover peer."""
        return self.duty in (Duty.PRIMARY, Duty.SECONDARY)


@frozen
class VlanStanding:
    """A VLAN and the racks that have a place in it, the primary first."""

    vlan: VlanId
    dhcp_on: bool
    """Of a VLAN that is relayed: whether it is on where its racks have their places."""
    members: tuple[MemberStanding, ...]
    take_over_after: int = NEVER_TAKES_OVER
    """Seconds; 0: never."""
    endurance_bound: int = DEFAULT_BOUND
    """Hours; 0: no alarm."""
    relay: VlanId | None = None
    """The VLAN whose racks serve this one, through a relay: `members` are those."""

    @property
    def home(self) -> VlanId:
        """The VLAN in which its racks have their places."""
        return self.vlan if self.relay is None else self.relay
