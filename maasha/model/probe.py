"""What racks find on networks by asking: DHCP servers that answer, and name servers that do."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import frozen

from maasha.model.network import VlanId


@frozen
class Probe:
    """A VLAN that a rack is to probe now and then, for some minutes or until told otherwise."""

    vlan: VlanId
    interface: str
    """Name of the rack's interface on the VLAN."""
    client: str
    """The MAC address as which DHCP servers are asked; those of the instance's racks ignore it."""
    address: IPv4Address | None = None
    """The rack's own on the VLAN, from which name servers are asked; None: it has none."""
    resolvers: tuple[IPv4Address, ...] = ()
    """Where a name server may be."""


@frozen
class ServerSeen:
    """A DHCP server that made an offer, whoever's it is."""

    server: IPv4Address
    """As it calls itself."""
    mac: str
    """The station that its offer came from: its own, or a relay's."""
    seen: float
    """Seconds ago."""


@frozen
class ResolverSeen:
    """A name server that was asked, from the rack's address on the VLAN."""

    address: IPv4Address
    asked: float
    """Seconds ago."""
    answered: float | None = None
    """Seconds since it was asked and answered; None: it never did."""


@frozen
class Finding:
    """What a rack knows of a VLAN. Told as ages, for no clock but the database's dates evidence."""

    vlan: VlanId
    servers: tuple[ServerSeen, ...] = ()
    settled: bool = False
    """It has asked often enough to know that there are no others."""
    resolvers: tuple[ResolverSeen, ...] = ()
