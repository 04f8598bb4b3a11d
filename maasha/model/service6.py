"""What the database knows of a rack's DHCPv6 service: the facts that one decision rests on."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv6Address

from attrs import field, frozen

from maasha.model.cluster import RackKey
from maasha.model.network import Stretch, Subnet6, VlanId
from maasha.model.options import NO_BOOT, Boot
from maasha.model.stamp import Stamp


@frozen
class LapseSituation:
    """Addresses that a rack gave up, and until when clients may have leases of them."""

    stretch: Stretch
    until: datetime


@frozen
class MemberSituation6:
    """A rack that serves a VLAN, is to serve it, holds addresses of it, or did a while ago."""

    rack: RackKey
    hostname: str
    interface: str = ""
    """Name of its interface on the VLAN; empty: it has none."""
    address: IPv6Address | None = None
    """Its own address on the VLAN, none of those that hold on one link only (fe80::/10)."""
    asked: tuple[Stretch, ...] = ()
    running: tuple[Stretch, ...] = ()
    held: tuple[Stretch, ...] = ()
    """What it may hand out, whatever became of what it was told."""
    lapses: tuple[LapseSituation, ...] = ()
    linked: bool = False
    sure: bool = True
    """It said so since this database was last restored; else it may hold anything by now."""
    draining: bool = False
    """Its peer is to serve alone meanwhile."""
    problem: str = ""
    """Why it cannot serve the VLAN, as is on record; empty: nothing stands against it."""


@frozen
class VlanSituation6:
    """A VLAN as it is to be served, and everyone who takes part."""

    vlan: VlanId
    lease_time: int
    """Seconds."""
    dhcp_on: bool
    primary: RackKey | None
    secondary: RackKey | None
    pairing: int
    subnets: tuple[Subnet6, ...]
    """One that is not managed has no ranges here."""
    members: tuple[MemberSituation6, ...]
    boot: Boot = NO_BOOT
    away: str = ""
    """Whose addresses nobody hands out, as is on record; empty: nobody's."""


@frozen
class RackSituation6:
    """Everything about one rack's DHCPv6 service, read at one moment."""

    rack: RackKey
    generation: Stamp
    """What it is to run."""
    running: Stamp
    """The last generation that was carried out to its end."""
    judged: Stamp
    """The generation for which its members' `problem` was written."""
    digest: str
    """Of the plan that it said it runs (`maasha.dhcp.plan.digest`)."""
    now: datetime
    """By the database's clock, which also made the lapses."""
    vlans: tuple[VlanSituation6, ...]
    omapi_secret: str = field(default="", repr=False)
    kept: bool = False
    """It was readmitted while it served: that goes on until somebody wants something of it."""

    @property
    def concerned(self) -> bool:
        """Whether DHCPv6 has anything to do with this rack."""
        return bool(self.digest) or any(
            any(subnet.ranges for subnet in vlan.subnets)
            or any(member.held for member in vlan.members)
            for vlan in self.vlans
        )
