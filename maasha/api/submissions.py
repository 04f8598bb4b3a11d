"""What clients may submit: one frozen record for each operation that takes fields."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv4Address

from attrs import frozen

from maasha.api.fields import (
    Address,
    address,
    address_or_empty,
    addresses,
    boolean,
    choice,
    hostname_or_empty,
    instant,
    integer,
    integer_or_zero,
    mac,
    name,
    name_or_empty,
    network,
    seat,
    text,
)
from maasha.api.forms import Absent, given, maybe, several
from maasha.api.option_fields import boot_files, domains, ipv4_or_empty, snippet
from maasha.balancer.draining import AtEnd
from maasha.model.duration import parse_duration
from maasha.model.lease import BindingState
from maasha.model.network import (
    MAX_LEASE_TIME,
    MAX_MTU,
    MAX_VID,
    MIN_LEASE_TIME,
    MIN_MTU,
    MIN_VID,
    Network,
    RangeType,
)
from maasha.model.options import (
    MAX_MAX_RESPONSE_DELAY,
    MAX_MCLT,
    MAX_SPLIT,
    MIN_MAX_RESPONSE_DELAY,
    MIN_MCLT,
    MIN_SPLIT,
    BootFile,
)
from maasha.model.standing import DEFAULT_BOUND, MAX_BOUND, MAX_TAKE_OVER, MIN_TAKE_OVER

MAX_ID = 2**63 - 1
MAX_PAGE = 1000
MAX_LEASES = 10_000
"""About 3 MB of JSON."""
row_id = integer(1, MAX_ID)


def id_or_empty(submitted: str) -> int | None:
    """Take a row's id, or the empty text for none."""
    return row_id(submitted) if submitted else None


MAX_SECONDS = 365 * 24 * 3600
seconds = integer(1, MAX_SECONDS)


@frozen(kw_only=True)
class RackFilter:
    """Which racks to list."""

    hostname: tuple[str, ...] = several(text, "Only racks with this host name.")
    system_id: tuple[str, ...] = several(text, "Only racks with this system id.")
    id: tuple[str, ...] = several(text, "The same as system_id, as MAAS calls it.")


@frozen(kw_only=True)
class RackUpdate:
    """What can be changed of a rack."""

    description: str | Absent = maybe(text, "What the rack is for.")


@frozen(kw_only=True)
class RackDelete:
    """How to delete a rack."""

    force: bool | Absent = maybe(
        boolean,
        "Delete it even where a VLAN loses its DHCP, which is turned off there. A rack without a "
        "link counts as stopped then, and so does one deleted before: with true you vouch that its "
        "host is off and stays off. A rack with a link is still asked to stop and waited for.",
    )


@frozen(kw_only=True)
class FabricCreate:
    """A new fabric."""

    name: str | Absent = maybe(name, "Its name; fabric-N if none is given.")
    description: str | Absent = maybe(text, "What it is for.")
    class_type: str | Absent | None = maybe(name_or_empty, "The kind of fabric, for people.")


@frozen(kw_only=True)
class FabricUpdate:
    """What can be changed of a fabric."""

    name: str | Absent = maybe(name, "Its name.")
    description: str | Absent = maybe(text, "What it is for.")
    class_type: str | Absent | None = maybe(name_or_empty, "The kind of fabric; empty for none.")


@frozen(kw_only=True)
class VlanUpdate:
    """What can be changed of a VLAN."""

    name: str | Absent | None = maybe(name_or_empty, "Its name; empty for its VID.")
    description: str | Absent = maybe(text, "What it is for.")
    mtu: int | Absent = maybe(
        integer(MIN_MTU, MAX_MTU), f"Bytes, {MIN_MTU} to {MAX_MTU}; DHCP tells it to clients."
    )
    dhcp_on: bool | Absent = maybe(
        boolean,
        "Whether to serve DHCP; needs a dynamic range and a primary rack, which is chosen without "
        "a hand where you name none.",
    )
    primary_rack: str | Absent = maybe(
        text,
        "System id or host name of the rack that serves; empty promotes the secondary. Where there "
        "is none, nobody is chosen without a hand then.",
    )
    secondary_rack: str | Absent = maybe(
        text,
        "System id or host name of the rack that stands by; empty for none, which stays so until "
        "you name one or say ha_auto=true.",
    )
    ha_auto: bool | Absent = maybe(
        boolean,
        "Whether racks are chosen without a hand for places that nobody chose, and in the stead of "
        "racks that are lost for good. true makes places automatic again that are not named in the "
        "same command, also one that was to stay empty.",
    )
    lease_time: int | Absent = maybe(
        integer(MIN_LEASE_TIME, MAX_LEASE_TIME),
        f"Seconds that a lease lasts, {MIN_LEASE_TIME} to {MAX_LEASE_TIME}.",
    )
    relay_vlan: int | Absent | None = maybe(
        id_or_empty,
        "The id of the VLAN whose racks serve this one too, through a DHCP relay (a router) in "
        "this one; empty for none. dhcp_on=true ends it.",
    )
    mclt: int | Absent = maybe(
        integer(MIN_MCLT, MAX_MCLT),
        f"Seconds by which a failover peer may extend a lease beyond what the other knows, "
        f"{MIN_MCLT} to {MAX_MCLT}; failover_consequences of the answer says what that means.",
    )
    split: int | Absent = maybe(
        integer(MIN_SPLIT, MAX_SPLIT),
        f"How many of 256 shares of the clients the primary answers first, {MIN_SPLIT} to "
        f"{MAX_SPLIT}.",
    )
    max_response_delay: int | Absent = maybe(
        integer(MIN_MAX_RESPONSE_DELAY, MAX_MAX_RESPONSE_DELAY),
        f"Seconds of silence after which a failover peer counts as lost, {MIN_MAX_RESPONSE_DELAY} "
        f"to {MAX_MAX_RESPONSE_DELAY}.",
    )
    next_server: IPv4Address | Absent | None = maybe(
        ipv4_or_empty, "Who has the boot files; empty for the rack that answers."
    )
    boot_files: tuple[BootFile, ...] | Absent = maybe(
        boot_files,
        "What clients boot, as pxe=undionly.kpxe uefi-http-amd64=http://{rack}:8000/boot.efi "
        "default=...; {rack} is the address of the rack that answers. Empty for nothing.",
    )
    take_over_after: int | Absent = maybe(
        integer_or_zero(MIN_TAKE_OVER, MAX_TAKE_OVER, "never"),
        "Seconds after which the peer of a rack that nobody hears takes over without a hand and "
        f"has all addresses; {MIN_TAKE_OVER} at least, 0 (if nothing else was said) for never. "
        "Silence proves nothing: where the host runs on, cut off from all others, and is heard by "
        "clients again, one address can get two holders. Allow it only where power or ports of "
        "lost hosts are switched off. It has to be set on all VLANs that the two racks share.",
    )
    endurance_bound: int | Absent = maybe(
        integer_or_zero(1, MAX_BOUND, "no alarm"),
        "Hours that the addresses of a rack that serves alone should last: below that there is an "
        f"alarm; 1 to {MAX_BOUND}, 0 for none, {DEFAULT_BOUND} if nothing else was said.",
    )


@frozen(kw_only=True)
class VlanCreate(VlanUpdate):
    """A new VLAN of a fabric."""

    vid: int = given(integer(MIN_VID, MAX_VID), f"Its VLAN id, {MIN_VID} to {MAX_VID}.")


@frozen(kw_only=True)
class StandingFilter:
    """Whose DHCP to show."""

    vlan: int | Absent = maybe(row_id, "Only the VLAN with this id.")


@frozen(kw_only=True)
class TakeOver:
    """Whose host is off."""

    vlan: int = given(row_id, "The id of the VLAN (vlans have both an id and a VID).")
    off: str = given(
        text,
        "Host name or system id of the rack whose host is off. By naming it you vouch that it is, "
        "and stays so until it may come back as a new peer.",
    )
    force: bool | Absent = maybe(
        boolean,
        "Take over also where the other rack may not know every lease, so that addresses can get "
        "two holders.",
    )


@frozen(kw_only=True)
class RoleSwap:
    """Whose racks change places."""

    vlan: int = given(row_id, "The id of the VLAN (vlans have both an id and a VID).")
    primary: str | Absent = maybe(
        text,
        "Host name or system id of the rack that becomes the primary: if it is that already, "
        "nothing is changed, so a swap may be asked for again; if it is not of the pair, the "
        "swap is refused. The secondary if none.",
    )


@frozen(kw_only=True)
class RolesPage:
    """Which VLANs to list, by fabric and VID; each of the first two may be repeated."""

    vlan: tuple[int, ...] = several(row_id, "Only the VLAN with this id.")
    fabric: tuple[int, ...] = several(row_id, "Only VLANs of the fabric with this id.")
    limit: int | Absent = maybe(integer(1, MAX_PAGE), f"How many, 1 to {MAX_PAGE}; 100 if none.")
    offset: int | Absent = maybe(
        integer(0, MAX_ID), "How many to leave out first: with as many as limit, the next page."
    )


@frozen(kw_only=True)
class SubnetUpdate:
    """What can be changed of a subnet."""

    name: str | Absent = maybe(text, "Its name; its network if none is given.")
    description: str | Absent = maybe(text, "What it is for.")
    cidr: Network | Absent = maybe(network, "Its network, as 10.0.0.0/24.")
    gateway_ip: Address | Absent | None = maybe(
        address_or_empty, "The router that DHCP tells to clients; empty for none."
    )
    dns_servers: tuple[Address, ...] | Absent = maybe(
        addresses, "DNS servers that DHCP tells to clients, parted by commas or spaces."
    )
    allow_dns: bool | Absent = maybe(
        boolean,
        "Whether DHCP tells clients of the regions' name servers where dns_servers is empty.",
    )
    managed: bool | Absent = maybe(boolean, "Whether DHCP serves this subnet.")
    ntp_servers: tuple[Address, ...] | Absent = maybe(
        addresses, "Time servers that DHCP tells to clients, parted by commas or spaces."
    )
    search_list: tuple[str, ...] | Absent = maybe(
        domains,
        "Domains in which clients look for short names, parted by commas or spaces; the first one "
        "is told as their own.",
    )
    vlan: int | Absent = maybe(
        row_id,
        "The id of its VLAN; the racks' interfaces in the subnet go there with it. DHCP must be "
        "off on the VLAN that it leaves.",
    )


@frozen(kw_only=True)
class SubnetCreate(SubnetUpdate):
    """A new subnet."""

    cidr: Network = given(network, "Its network, as 10.0.0.0/24.")
    vlan: int = given(row_id, "The id of its VLAN (vlans have both an id and a VID).")


@frozen(kw_only=True)
class RangeCreate:
    """A new range of addresses."""

    type: RangeType = given(choice(RangeType), "dynamic (DHCP hands it out) or reserved.")
    start_ip: Address = given(address, "Its first address.")
    end_ip: Address = given(address, "Its last address.")
    subnet: int | Absent = maybe(row_id, "The id of its subnet; the one of start_ip if not given.")
    comment: str | Absent = maybe(text, "What it is for.")


@frozen(kw_only=True)
class RangeUpdate:
    """What can be changed of a range."""

    type: RangeType | Absent = maybe(choice(RangeType), "dynamic or reserved.")
    start_ip: Address | Absent = maybe(address, "Its first address.")
    end_ip: Address | Absent = maybe(address, "Its last address.")
    comment: str | Absent = maybe(text, "What it is for.")


@frozen(kw_only=True)
class SnippetUpdate:
    """What can be changed of a snippet."""

    name: str | Absent = maybe(name, "Its name.")
    value: str | Absent = maybe(
        snippet, 'Statements of dhcpd.conf(5), as: option domain-name "example.org";'
    )
    description: str | Absent = maybe(text, "What it is for.")
    enabled: bool | Absent = maybe(boolean, "Whether racks' dhcpd reads it.")
    subnet: int | Absent | None = maybe(
        id_or_empty, "The id of the subnet that it is for; empty for none."
    )
    iprange: int | Absent | None = maybe(
        id_or_empty, "The id of the dynamic range that it is for; empty for none."
    )
    global_snippet: bool | Absent = maybe(
        boolean, "true: it is for all VLANs, as one is that names neither subnet nor range."
    )


@frozen(kw_only=True)
class ReservationFilter:
    """Which reservations to list, by address; each of the first three may be repeated."""

    ip: tuple[Address, ...] = several(address, "Only the reservation of this address.")
    mac_address: tuple[str, ...] = several(mac, "Only reservations for this MAC address.")
    subnet: tuple[int, ...] = several(row_id, "Only reservations in the subnet with this id.")
    limit: int | Absent = maybe(
        integer(1, MAX_LEASES), f"How many at most, 1 to {MAX_LEASES}; 1000 if none."
    )
    offset: int | Absent = maybe(
        integer(0, MAX_ID), "How many to leave out first: with as many as limit, the next page."
    )


@frozen(kw_only=True)
class SnippetCreate(SnippetUpdate):
    """A new snippet."""

    name: str = given(name, "Its name.")
    value: str = given(
        snippet, 'Statements of dhcpd.conf(5), as: option domain-name "example.org";'
    )


@frozen(kw_only=True)
class SnippetRevert:
    """Which text a snippet is to have again."""

    to: int = given(
        integer(-MAX_PAGE, MAX_ID),
        "The id of a text in its history, or how many texts to go back, as -1.",
    )


@frozen(kw_only=True)
class ReservationUpdate:
    """What can be changed of a reservation."""

    ip: Address | Absent = maybe(address, "The address; it may be in another subnet.")
    mac_address: str | Absent = maybe(mac, "The MAC address of the client that gets it.")
    hostname: str | Absent = maybe(
        hostname_or_empty,
        "What DHCP tells the client that it is called; empty for nothing. A client with "
        "reservations on several VLANs is told the first of its names, by address.",
    )
    comment: str | Absent = maybe(text, "What it is for.")


@frozen(kw_only=True)
class ReservationCreate(ReservationUpdate):
    """A new reservation."""

    ip: Address = given(address, "The address, outside of the dynamic ranges.")
    mac_address: str = given(mac, "The MAC address of the client that gets it.")
    subnet: int | Absent = maybe(row_id, "The id of its subnet; the one of ip if not given.")


@frozen(kw_only=True)
class LeaseFilter:
    """Which leases to list, by address; each of the first five may be repeated."""

    ip: tuple[Address, ...] = several(address, "Only leases of this address.")
    mac: tuple[str, ...] = several(mac, "Only leases of this MAC address.")
    state: tuple[BindingState, ...] = several(choice(BindingState), "Only leases in this state.")
    peer: tuple[str, ...] = several(text, "Only leases on which this rack has the last word.")
    hostname: tuple[str, ...] = several(text, "Only leases of clients with this host name.")
    fixed: bool | Absent = maybe(
        boolean, "true: only addresses that a host has to itself; false: only those of pools."
    )
    limit: int | Absent = maybe(
        integer(1, MAX_LEASES), f"How many at most, 1 to {MAX_LEASES}; 1000 if none."
    )
    offset: int | Absent = maybe(
        integer(0, MAX_ID), "How many to leave out first: with as many as limit, the next page."
    )


@frozen(kw_only=True)
class EventPage:
    """Which events to list, the newest first."""

    limit: int | Absent = maybe(integer(1, MAX_PAGE), f"How many, 1 to {MAX_PAGE}; 100 if none.")
    before: int | Absent = maybe(row_id, "Only events with a lower id: the next page.")
    subject: str | Absent = maybe(text, "Only events about this, as vlan:3.")


@frozen(kw_only=True)
class TokenCreate:
    """A new join token."""

    expires: timedelta | Absent = maybe(
        parse_duration, "How long it is good for, as 30m, 1h or 7d; 1h if not given."
    )


@frozen(kw_only=True)
class MovePage:
    """Which moves of links to list, the newest first."""

    limit: int | Absent = maybe(integer(1, MAX_PAGE), f"How many, 1 to {MAX_PAGE}; 100 if none.")
    before: int | Absent = maybe(row_id, "Only moves with a lower id: the next page.")


@frozen(kw_only=True)
class HistoryPage:
    """Which notes of evenness to list, the newest first."""

    limit: int | Absent = maybe(integer(1, MAX_PAGE), f"How many, 1 to {MAX_PAGE}; 100 if none.")
    before: datetime | Absent = maybe(
        instant, "Only what was noted before, as 2026-01-31T12:00:00Z: the next page."
    )
    seconds: int | Absent = maybe(
        seconds, "How far back, in seconds, with what held when that began; all if none."
    )


@frozen(kw_only=True)
class PauseSpan:
    """How long to pause."""

    seconds: int | Absent = maybe(seconds, "For how long; until somebody resumes if none.")


@frozen(kw_only=True)
class KnownRacks:
    """Which racks are known to have vanished."""

    rack: tuple[str, ...] = several(
        text, "Host name or system id of a rack that is away; all of the alarm if none."
    )


@frozen(kw_only=True)
class DrainCreate:
    """What to drain: exactly one of region, worker and rack, and for how long."""

    region: str | Absent = maybe(text, "Host name or system id of a region: all its workers.")
    worker: tuple[str, int] | Absent = maybe(seat, "A worker, as region-1/0.")
    rack: str | Absent = maybe(
        text,
        "Host name or system id of a rack: it keeps its places, and its peers serve its VLANs "
        "alone meanwhile; refused where nobody else would serve.",
    )
    seconds: int | Absent = maybe(seconds, "When it ends by itself; 4 hours (14400) if none.")
    at_end: AtEnd | Absent = maybe(
        choice(AtEnd),
        "What happens then: undo ends the drain, alarm keeps it and raises an alarm; undo if none.",
    )
