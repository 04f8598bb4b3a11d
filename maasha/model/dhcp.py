"""What a rack's dhcpd is asked to do for each VLAN, and what it reports back."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address

from attrs import frozen

from maasha.model.network import Stretch, VlanId
from maasha.model.orders import Order
from maasha.model.stamp import NEVER, Stamp


class Duty(Enum):
    """A rack's part in serving a VLAN."""

    OFF = "off"
    SOLO = "solo"
    PRIMARY = "primary"
    SECONDARY = "secondary"


@frozen
class Role:
    """A rack's duty for a VLAN; a paired duty has the failover peer's name and both addresses.

    For DHCPv6, which has no failover, it is OFF or SOLO with the `stretches` of addresses that the
    rack alone hands out; DHCPv4 has none.
    """

    duty: Duty
    peer_name: str = ""
    address: IPv4Address | None = None
    peer_address: IPv4Address | None = None
    stretches: tuple[Stretch, ...] = ()

    @property
    def paired(self) -> bool:
        """Whether the duty shares the VLAN with a failover peer."""
        return self.duty in (Duty.PRIMARY, Duty.SECONDARY)


OFF = Role(Duty.OFF)
SOLO = Role(Duty.SOLO)


class PeerState(Enum):
    """States of ISC dhcpd's failover protocol; `number` is what OMAPI shows (dhcpd/failover.h)."""

    UNKNOWN = "unknown"
    STARTUP = "startup"
    NORMAL = "normal"
    COMMUNICATIONS_INTERRUPTED = "communications-interrupted"
    PARTNER_DOWN = "partner-down"
    POTENTIAL_CONFLICT = "potential-conflict"
    RECOVER = "recover"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    RECOVER_DONE = "recover-done"
    RESOLUTION_INTERRUPTED = "resolution-interrupted"
    CONFLICT_DONE = "conflict-done"
    RECOVER_WAIT = "recover-wait"


@frozen
class VlanRole:
    """A role for one VLAN; `interface` is where dhcpd listens for it.

    The VLANs that are `relayed` to it are served with it.
    """

    vlan: VlanId
    role: Role
    interface: str = ""
    relayed: tuple[VlanId, ...] = ()


@frozen
class DhcpPlan:
    """Everything a rack needs to run its DHCPv4 server.

    `config` is the text of dhcpd.conf; `interfaces` are the names dhcpd listens on (empty: no
    server is to run). The same plan twice means that nothing happens. `hosts` are the clients with
    addresses of their own (`maasha.dhcp.hosts`): they alone can change while dhcpd runs.
    """

    generation: Stamp
    config: str
    interfaces: tuple[str, ...]
    roles: tuple[VlanRole, ...]
    acts: int | None = None
    """The rack's newest act on the spot that was known when this was made; None: nobody asked."""
    hosts: str = ""


@frozen
class VlanService:
    """How one VLAN is served by the rack that reports."""

    vlan: VlanId
    role: Role
    state: PeerState = PeerState.UNKNOWN
    partner: PeerState = PeerState.UNKNOWN


@frozen
class DhcpReport:
    """What a rack's dhcpd does now."""

    serving: bool
    """A dhcpd runs with the plan below and is past its start."""
    digest: str = ""
    """SHA-256 of the running plan (see `maasha.dhcp.plan.digest`); empty: none."""
    generation: Stamp = NEVER
    services: tuple[VlanService, ...] = ()
    lease_store: str = ""
    problem: str = ""
    """Why dhcpd is down, for people; empty: it runs, or nothing is to run."""
    acts: int = 0
    """The number of the newest act on the spot."""
    orders: tuple[Order, ...] = ()
    """What people ordered there and did not end."""
    damaged: bool = False
    """The last good plan on its disk cannot be read: an older one is in force, or none."""
    hosts: str = ""
    """`maasha.dhcp.hosts.fingerprint` of the hosts that it knows, or `UNSURE`."""
