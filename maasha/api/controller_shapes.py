"""Racks and regions as MAAS's JSON; what maasha does not have is honestly empty."""

from __future__ import annotations

from maasha.api.answers import Json, JsonObject
from maasha.api.picture import Picture
from maasha.api.shapes import subnet_json, uri, vlan_json
from maasha.db.overview import AddressView, InterfaceView, LinkView, RackView, RegionView
from maasha.db.strays import Stray
from maasha.db.tokens import TokenRow
from maasha.model.dhcp import OFF
from maasha.model.orders import Order

RACK_TYPE, REGION_TYPE = 2, 3
"""MAAS's node types."""
STATUS_LENGTH = 255
"""Characters of a service's `status_info` in MAAS."""


def rack_json(rack: RackView, picture: Picture) -> JsonObject:
    """Show a rack with its interfaces, its services and (not in MAAS) its connections.

    `lost`: when a person said that it will not come back; `dhcp_orders`: what people ordered it on
    its own host, until they or `op=resume_dhcp` end it.
    """
    interfaces: list[Json] = [interface_json(each, picture) for each in rack.interfaces]
    return {
        **_node_json(rack.name.system_id, rack.name.hostname, rack.version),
        "node_type": RACK_TYPE,
        "node_type_name": "Rack controller",
        "description": rack.description,
        "ip_addresses": [
            str(held.address.ip)
            for each in rack.interfaces
            for held in each.addresses
            if not held.address.ip.is_loopback
        ],
        "interface_set": interfaces,
        "service_set": [_rackd(rack), _dhcpd(rack)],
        "connections": [connection_json(link) for link in rack.links],
        "last_seen": rack.last_seen.isoformat(),
        "lost": rack.lost.isoformat() if rack.lost else None,
        "lost_by": rack.lost_by,
        "dhcp_orders": [order_json(order) for order in rack.orders],
        "resource_uri": uri("rackcontrollers", rack.name.system_id),
    }


def order_json(order: Order) -> JsonObject:
    """Show an order on the spot; `vlan` is null for one about all of them."""
    return {
        "order": order.kind.value,
        "vlan": order.vlan,
        "since": order.since.isoformat(),
        "until": order.until.isoformat() if order.until else None,
        "by": order.by,
    }


def connection_json(link: LinkView) -> JsonObject:
    """Show a rack's connection to a worker, and how it fared when the worker noted it last."""
    return {
        "region": link.region_name,
        "worker": link.slot,
        "since": link.since.isoformat(),
        "remote": link.remote,
        "health": "suspect" if link.suspect else "healthy",
        "round_trip_ms": _milliseconds(link.round_trip),
        "round_trip_deviation_ms": _milliseconds(link.deviation),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 2)


def region_json(region: RegionView) -> JsonObject:
    """Show a region; its addresses are those that its workers publish for racks."""
    addresses = {endpoint.host for worker in region.workers for endpoint in worker.endpoints}
    return {
        **_node_json(region.system_id, region.hostname, region.version),
        "node_type": REGION_TYPE,
        "node_type_name": "Region controller",
        "description": "",
        "ip_addresses": sorted(addresses),
        "interface_set": [],
        "resource_uri": uri("regioncontrollers", region.system_id),
    }


def interface_json(interface: InterfaceView, picture: Picture) -> JsonObject:
    """Show a rack's interface with its VLAN and addresses."""
    vlan = picture.networks.vlans.get(interface.vlan) if interface.vlan is not None else None
    links: list[Json] = [_link_json(held, picture) for held in interface.addresses]
    return {
        "id": interface.id,
        "name": interface.name,
        "type": "physical",
        "mac_address": interface.mac,
        "effective_mtu": interface.mtu,
        "vlan": vlan_json(vlan, picture) if vlan else None,
        "links": links,
        "parents": [],
        "children": [],
        "enabled": True,
        "tags": [],
    }


def _link_json(held: AddressView, picture: Picture) -> JsonObject:
    subnet = picture.networks.subnets.get(held.subnet) if held.subnet is not None else None
    return {
        "mode": "static",
        "ip_address": str(held.address.ip),
        "subnet": subnet_json(subnet, picture) if subnet else None,
    }


def _node_json(system_id: str, hostname: str, version: str) -> JsonObject:
    return {
        "system_id": system_id,
        "hostname": hostname,
        "fqdn": hostname,
        "version": version,
        "domain": {},
        "zone": {},
        "architecture": "",
        "cpu_count": 0,
        "memory": 0,
        "power_type": "",
        "power_state": "unknown",
        "tag_names": [],
        "hardware_info": {},
    }


def _rackd(rack: RackView) -> JsonObject:
    if rack.connected:
        return _service_json("rackd", "running", "")
    away = f"declared lost by {rack.lost_by}" if rack.lost else "no link to any region"
    return _service_json("rackd", "dead", away)


def _dhcpd(rack: RackView) -> JsonObject:
    if not rack.connected:
        return _service_json("dhcpd", "unknown", "the rack is not connected")
    if rack.complaint:
        return _service_json("dhcpd", "degraded" if rack.serving else "dead", rack.complaint)
    if all(service.asked == OFF for service in rack.services):
        return _service_json("dhcpd", "off", "")
    return _service_json("dhcpd", "running" if rack.serving else "dead", "")


def _service_json(name: str, status: str, text: str) -> JsonObject:
    return {"name": name, "status": status, "status_info": text[:STATUS_LENGTH]}


def stray_json(stray: Stray) -> JsonObject:
    """Show a rack that was ours and is on record no more."""
    return {
        "system_id": stray.system_id,
        "hostname": stray.hostname,
        "version": stray.version,
        "remote": stray.remote,
        "serving": stray.serving,
        "first_seen": stray.first_seen.isoformat(),
        "last_seen": stray.last_seen.isoformat(),
    }


def token_json(token: TokenRow) -> JsonObject:
    """Show a join token without what it proves; `used_by` is the rack that it let in."""
    return {
        "id": token.id,
        "created": token.created.isoformat(),
        "created_by": token.created_by,
        "expires": token.expires.isoformat(),
        "expired": token.expired,
        "used": token.used.isoformat() if token.used else None,
        "used_by": token.used_by,
        "resource_uri": uri("tokens", token.id),
    }
