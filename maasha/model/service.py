"""What the database knows of a rack's DHCP service: the facts that one decision rests on."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import field, frozen

from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, PeerState, Role
from maasha.model.network import RelayedVlan, Subnet, VlanId
from maasha.model.options import MANUAL, NO_BOOT, Boot, PairNumbers, Snippet
from maasha.model.orders import Order, OrderKind
from maasha.model.stamp import NEVER, Stamp


@frozen
class MemberSituation:
    """A rack that serves a VLAN, is to serve it, or may still run something there.

    `asked` is what it was told last, `running` what it said it runs. `state` and `partner` are
    UNKNOWN while the rack has no live link: old news opens no gate.
    """

    rack: RackKey
    hostname: str
    interface: str = ""
    """Name of its interface on the VLAN; empty: it has none."""
    address: IPv4Address | None = None
    """Its own address on the VLAN."""
    asked: Role = OFF
    running: Role = OFF
    state: PeerState = PeerState.UNKNOWN
    partner: PeerState = PeerState.UNKNOWN
    deleted: bool = False
    draining: bool = False
    """Its peer is to serve alone meanwhile; it is drained, or its peer has taken over."""
    commanded: bool = False
    """It was told another plan and has not answered yet, as far as is known."""
    current: bool = True
    """It runs all that its rack's newest generation wants."""
    problem: str = ""
    """Why it cannot serve the VLAN, as is on record; empty: nothing stands against it."""
    vouched_off: bool = False
    """A person, at a rack that serves alone since, vouched that its host is off; it may be back."""
    ordered: OrderKind | None = None
    """What a person ordered it on the spot, and nobody ended."""


@frozen
class RelayedSituation:
    """A VLAN that the racks of another one serve through a relay."""

    network: RelayedVlan
    problem: str = ""
    """Why the rack cannot serve it, as is on record; empty: nothing stands against it."""


@frozen
class VlanSituation:
    """A VLAN as it is to be served, and everyone who takes part."""

    vlan: VlanId
    lease_time: int
    """Seconds."""
    mtu: int
    """Bytes."""
    pairing: int
    """Rises when a member changes or lost its leases; part of the failover peer's name."""
    dhcp_on: bool
    primary: RackKey | None
    secondary: RackKey | None
    subnets: tuple[Subnet, ...]
    """IPv4 only; one that is not managed has no ranges here."""
    members: tuple[MemberSituation, ...]
    numbers: PairNumbers = MANUAL
    boot: Boot = NO_BOOT
    relayed: tuple[RelayedSituation, ...] = ()
    region_dns: tuple[IPv4Address, ...] = ()
    """Name servers of the regions, of which clients are told."""
    six_only: bool = False
    """It has dynamic ranges, and all of them are of IPv6."""


@frozen
class RackSituation:
    """Everything about one rack's DHCP service, read at one moment."""

    rack: RackKey
    generation: Stamp
    """What it is to run."""
    running: Stamp
    """The last generation that was carried out to its end."""
    digest: str
    """Of the plan that it said it runs (`maasha.dhcp.plan.digest`)."""
    vlans: tuple[VlanSituation, ...]
    judged: Stamp = NEVER
    """The generation for which its members' `problem` was written."""
    omapi_secret: str = field(default="", repr=False)
    snippets: tuple[Snippet, ...] = ()
    """Those that hold for every VLAN."""
    hosts: str | None = ""
    """The clients of its VLANs with addresses of their own (`maasha.dhcp.hosts`); None: it knows
    them, and nobody needs the text."""
    known_hosts: str = ""
    """Of the hosts that it said its dhcpd knows (`maasha.dhcp.hosts.fingerprint`, or UNSURE)."""
    kept: bool = False
    """It was readmitted while it served: that goes on until somebody wants something of it."""
    six: bool = False
    """DHCPv6 has something to do with it too."""
    acts: int = 0
    """The newest act on the spot that it told of."""
    orders: tuple[Order, ...] = ()
    """What people ordered it there, and did not end there."""
    resume_upto: int = 0
    """The orders up to this number are to end: a person said so in the region."""
    resume_by: str = ""
