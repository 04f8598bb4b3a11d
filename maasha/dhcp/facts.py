"""All that one decision about a rack's DHCP rests on, as one frozen snapshot."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import frozen

from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, PeerState, Role
from maasha.model.network import RelayedVlan, Subnet, VlanId
from maasha.model.options import MANUAL, NO_BOOT, Boot, PairNumbers, Snippet
from maasha.model.stamp import Stamp


@frozen
class Off:
    """Nobody is to serve the VLAN."""


@frozen
class Solo:
    """One rack is to serve the VLAN alone.

    `pairing` names the failover pair through which another rack hands the VLAN over, if one does;
    it rises with every change of the VLAN's racks and whenever one of them lost its leases.
    """

    rack: RackKey
    pairing: int


@frozen
class Pair:
    """Two racks are to serve the VLAN as failover peers; `pairing` as in `Solo`."""

    primary: RackKey
    secondary: RackKey
    pairing: int


Wanted = Off | Solo | Pair


@frozen
class Member:
    """A rack that takes part in a VLAN: it is wanted there, or it runs (or may run) a role there.

    `asked` differs from `running` while a command is on its way or its outcome is unknown: it is
    written before the command is sent, and set to what the rack says it runs as soon as the rack
    answered (the same, or a refusal), or reported anew with no command under way.
    `state` and `partner` are the rack's own words over a living link, and UNKNOWN without one: old
    news must open no gate.
    """

    rack: RackKey
    address: IPv4Address | None
    """The rack's own address on the VLAN; None: it has none and cannot be a failover peer."""
    asked: Role = OFF
    running: Role = OFF
    state: PeerState = PeerState.UNKNOWN
    partner: PeerState = PeerState.UNKNOWN
    gone: bool = False
    """The operator deleted the rack: whatever it ran counts as stopped."""
    hostname: str = ""
    """For people."""

    @property
    def certain(self) -> bool:
        """Whether it is known what the rack runs."""
        return self.asked == self.running

    def __str__(self) -> str:
        return self.hostname or f"rack {self.rack}"


@frozen
class VlanFacts:
    """One VLAN as one rack sees it; `interface` is that rack's name of its interface there."""

    vlan: VlanId
    lease_time: int
    """Seconds."""
    mtu: int
    """Bytes."""
    subnets: tuple[Subnet, ...]
    interface: str
    wanted: Wanted
    members: tuple[Member, ...]
    numbers: PairNumbers = MANUAL
    boot: Boot = NO_BOOT
    relayed: tuple[RelayedVlan, ...] = ()
    """VLANs that are served with this one, in the same role."""

    region_dns: tuple[IPv4Address, ...] = ()
    """Name servers of the regions, for subnets that have none of their own."""

    @property
    def networks(self) -> tuple[VlanFacts | RelayedVlan, ...]:
        """Itself and the VLANs that are relayed to it."""
        return (self, *self.relayed)

    def name_servers(self, subnet: Subnet) -> tuple[IPv4Address, ...]:
        """Give those that a subnet's clients are told of; none: the option is left out."""
        return subnet.dns_servers or (self.region_dns if subnet.allow_dns else ())

    def member(self, rack: RackKey) -> Member | None:
        """Give the rack's part in this VLAN, None when it has none."""
        return next((member for member in self.members if member.rack == rack), None)


@frozen
class RackFacts:
    """Everything that one rack's configuration is made from."""

    rack: RackKey
    generation: Stamp
    omapi_secret: str
    """Base64, of at least one byte."""
    vlans: tuple[VlanFacts, ...]
    snippets: tuple[Snippet, ...] = ()
    """Those that hold for every VLAN."""
    hosts: str = ""
    """The clients with addresses of their own there, as `maasha.dhcp.hosts` writes them."""
