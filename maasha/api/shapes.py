"""Rows of networks and users as MAAS's JSON; what maasha does not have is honestly empty."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.api.answers import Json, JsonObject
from maasha.api.option_fields import architecture_name
from maasha.api.pair_words import consequences
from maasha.api.picture import Picture
from maasha.api.routes import ROOT
from maasha.db.accounts import User
from maasha.db.fabrics import FabricRow
from maasha.db.findings import ForeignServer
from maasha.db.ranges import RangeRow
from maasha.db.subnets import SubnetRow
from maasha.db.vlans import VlanRow

AUTOMATIC = "automatic"
"""Who chose a rack that no person chose."""
SPACE = "undefined"
"""What MAAS shows where a VLAN is in no space."""


def uri(*parts: object) -> str:
    """Make a resource's path."""
    return ROOT + "".join(f"{part}/" for part in parts)


def vlan_name(vlan: VlanRow) -> str:
    """Name a VLAN as MAAS does: the default one is `untagged`, one without name is its VID."""
    return "untagged" if vlan.vid == 0 else vlan.name or str(vlan.vid)


def named_vlan(vlan: VlanRow) -> JsonObject:
    """Give what a VLAN is called, for documents about something else of it."""
    return {
        "id": vlan.id,
        "vid": vlan.vid,
        "name": vlan_name(vlan),
        "fabric": vlan.fabric_name,
        "fabric_id": vlan.fabric,
    }


def vlan_json(vlan: VlanRow, picture: Picture) -> JsonObject:
    """Show a VLAN; what DHCP's status, its lease time and who chose its racks say is ours.

    So are what it warns of, and the regions' name servers of which clients are told.
    """
    outcome = picture.outcomes[vlan.id]
    foreign = picture.foreign.get(vlan.id, ())
    return {
        "id": vlan.id,
        "vid": vlan.vid,
        "name": vlan_name(vlan),
        "description": vlan.description,
        "fabric": vlan.fabric_name,
        "fabric_id": vlan.fabric,
        "mtu": vlan.mtu,
        "dhcp_on": vlan.dhcp_on,
        "dhcp_status": outcome.status,
        "dhcp_problem": outcome.problem,
        "lease_time": vlan.lease_time,
        "mclt": vlan.numbers.mclt,
        "split": vlan.numbers.split,
        "max_response_delay": vlan.numbers.max_response_delay,
        "failover_consequences": list(consequences(vlan.numbers, vlan.lease_time)),
        "next_server": str(vlan.boot.server) if vlan.boot.server else None,
        "boot_files": {
            architecture_name(entry.architecture): entry.file for entry in vlan.boot.files
        },
        "dhcp_warning": _warning(foreign) if _served(vlan, picture) else "",
        "external_dhcp": str(foreign[0].server) if foreign else None,
        "region_dns": [str(server) for server in picture.region_dns.get(vlan.relay or vlan.id, ())],
        "relay_vlan": relay_json(vlan, picture),
        "primary_rack": vlan.primary.system_id if vlan.primary else None,
        "secondary_rack": vlan.secondary.system_id if vlan.secondary else None,
        "primary_rack_by": vlan.primary_by or AUTOMATIC,
        "secondary_rack_by": vlan.secondary_by or AUTOMATIC,
        "ha_auto": vlan.ha_auto,
        "take_over_after": vlan.take_over_after,
        "endurance_bound": vlan.endurance_bound,
        "space": SPACE,
        "resource_uri": uri("vlans", vlan.id),
    }


def relay_json(vlan: VlanRow, picture: Picture) -> Json:
    """Show where a VLAN is relayed to, as MAAS does; None: nowhere."""
    return None if vlan.relay is None else named_vlan(picture.networks.vlans[vlan.relay])


def _served(vlan: VlanRow, picture: Picture) -> bool:
    """Whether DHCP is on for it, or for the VLAN that it is relayed to."""
    return (vlan if vlan.relay is None else picture.networks.vlans[vlan.relay]).dhcp_on


def _warning(foreign: Sequence[ForeignServer]) -> str:
    """Say that clients may get addresses of somebody else's, empty where they do not."""
    if not foreign:
        return ""
    others = "; ".join(map(str, foreign))
    return (
        f"clients may get addresses from others' DHCP servers: {others}. Switch those off, or turn "
        "DHCP off here (dhcp_on=false)"
    )


def fabric_json(fabric: FabricRow, picture: Picture) -> JsonObject:
    """Show a fabric and its VLANs."""
    vlans: list[Json] = [vlan_json(vlan, picture) for vlan in picture.networks.vlans_of(fabric.id)]
    return {
        "id": fabric.id,
        "name": fabric.name,
        "description": fabric.description,
        "class_type": fabric.class_type,
        "vlans": vlans,
        "resource_uri": uri("fabrics", fabric.id),
    }


def subnet_json(subnet: SubnetRow, picture: Picture) -> JsonObject:
    """Show a subnet and its VLAN."""
    return {
        "id": subnet.id,
        "name": subnet.name,
        "description": subnet.description,
        "cidr": str(subnet.cidr),
        "vlan": vlan_json(picture.networks.vlans[subnet.vlan], picture),
        "space": SPACE,
        "gateway_ip": str(subnet.gateway) if subnet.gateway else None,
        "dns_servers": [str(server) for server in subnet.dns_servers],
        "managed": subnet.managed,
        "ntp_servers": [str(server) for server in subnet.ntp_servers],
        "search_list": list(subnet.search_list),
        "rdns_mode": 0,
        "active_discovery": False,
        "allow_dns": subnet.allow_dns,
        "allow_proxy": False,
        "disabled_boot_architectures": [],
        "resource_uri": uri("subnets", subnet.id),
    }


def range_json(held: RangeRow, subnet: SubnetRow, picture: Picture) -> JsonObject:
    """Show a range, its user and its subnet."""
    user: JsonObject = {"username": held.username} if held.username else {}
    return {
        "id": held.id,
        "type": held.type.value,
        "start_ip": str(held.start),
        "end_ip": str(held.end),
        "comment": held.comment,
        "user": user,
        "subnet": subnet_json(subnet, picture),
        "resource_uri": uri("ipranges", held.id),
    }


def user_json(user: User) -> JsonObject:
    """Show a user."""
    return {
        "username": user.username,
        "email": user.email,
        "is_superuser": user.is_superuser,
        "is_local": True,
        "resource_uri": uri("users", user.username),
    }
