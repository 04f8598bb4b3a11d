from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from maasha.api.controller_shapes import interface_json, rack_json, region_json, token_json
from maasha.api.picture import picture_of
from maasha.api.shapes import subnet_json, vlan_json
from maasha.db.overview import RackView
from maasha.db.tokens import TokenRow
from maasha.model.cluster import SystemId
from maasha.model.dhcp import SOLO
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind
from maasha.model.stamp import NEVER
from tests.unit.api.samples import (
    GENERATION,
    INTERFACE,
    LINK,
    NETWORKS,
    NOON,
    REGION,
    SOLO_RACK,
    SUBNET,
    VLAN,
    rack_view,
)

PICTURE = picture_of(NETWORKS, (SOLO_RACK,))


def test_rack() -> None:
    """A rack has MAAS's fields; what maasha does not know is empty."""
    shown: Any = rack_json(SOLO_RACK, PICTURE)
    assert (shown["system_id"], shown["hostname"], shown["fqdn"]) == ("aaa111", "rack-1", "rack-1")
    assert (shown["node_type"], shown["node_type_name"]) == (2, "Rack controller")
    assert shown["ip_addresses"] == ["10.0.0.1"]
    assert (shown["domain"], shown["zone"], shown["tag_names"]) == ({}, {}, [])
    assert shown["resource_uri"] == "/MAAS/api/2.0/rackcontrollers/aaa111/"


def test_a_lost_rack() -> None:
    """It says since when and by whose word; one that is only away, that it has no link."""
    away = evolve(SOLO_RACK, links=())
    shown: Any = rack_json(away, PICTURE)
    assert (shown["lost"], shown["lost_by"]) == (None, "")
    assert shown["service_set"][0]["status_info"] == "no link to any region"
    lost: Any = rack_json(evolve(away, lost=NOON, lost_by="user:ann"), PICTURE)
    assert (lost["lost"], lost["lost_by"]) == (NOON.isoformat(), "user:ann")
    assert lost["service_set"][0]["status_info"] == "declared lost by user:ann"


def test_connections() -> None:
    """A connection says how it fared when it was looked at last."""
    link = evolve(LINK, round_trip=0.0041234, deviation=0.0005, suspect=True)
    shown: Any = rack_json(evolve(SOLO_RACK, links=(link,)), PICTURE)
    assert shown["connections"] == [
        {
            "region": "region-1",
            "worker": 0,
            "since": NOON.isoformat(),
            "remote": "10.0.0.1:4000",
            "health": "suspect",
            "round_trip_ms": 4.12,
            "round_trip_deviation_ms": 0.5,
        }
    ]


def test_interface() -> None:
    """An interface has its VLAN and, for each address, its subnet."""
    shown: Any = interface_json(INTERFACE, PICTURE)
    assert shown["mac_address"] == "02:00:00:00:00:01"
    assert shown["vlan"] == vlan_json(VLAN, PICTURE)
    assert shown["links"] == [
        {"mode": "static", "ip_address": "10.0.0.1", "subnet": subnet_json(SUBNET, PICTURE)}
    ]


def test_interface_elsewhere() -> None:
    """An interface on no known network has null for VLAN and subnet."""
    addresses = tuple(evolve(each, subnet=None) for each in INTERFACE.addresses)
    shown: Any = interface_json(evolve(INTERFACE, vlan=None, addresses=addresses), PICTURE)
    assert shown["vlan"] is None
    assert shown["links"][0]["subnet"] is None


@pytest.mark.parametrize(
    ("rack", "rackd", "dhcpd"),
    [
        (rack_view(), "running", "off"),
        (SOLO_RACK, "running", "running"),
        (rack_view(role=SOLO, serving=False), "running", "dead"),
        (rack_view(role=SOLO, problem="x"), "running", "degraded"),
        (rack_view(role=SOLO, problem="x", serving=False), "running", "dead"),
        (rack_view(role=SOLO, failed=GENERATION, refusal="x"), "running", "degraded"),
        (rack_view(role=SOLO, failed=NEVER.next(), refusal="x"), "running", "running"),
        (rack_view(role=SOLO, unserved="x"), "running", "degraded"),
        (rack_view(role=SOLO, unserved="x", judged=NEVER), "running", "running"),
        (rack_view(role=SOLO, linked=False), "dead", "unknown"),
    ],
)
def test_services(rack: RackView, rackd: str, dhcpd: str) -> None:
    """Service states are MAAS's words: running, degraded, dead, off and unknown."""
    shown: Any = rack_json(rack, PICTURE)
    states = {each["name"]: each["status"] for each in shown["service_set"]}
    assert states == {"rackd": rackd, "dhcpd": dhcpd}


def test_status_is_short() -> None:
    """The listing of dhcpd is cut to what MAAS's clients take."""
    shown: Any = rack_json(rack_view(problem="x" * 999), PICTURE)
    assert len(shown["service_set"][1]["status_info"]) == 255


def test_region() -> None:
    """A region has the addresses of its workers, each once, and no services."""
    twice = evolve(REGION, workers=REGION.workers * 2)
    shown: Any = region_json(twice)
    assert shown["ip_addresses"] == ["10.1.0.1"]
    assert (shown["node_type"], shown["resource_uri"]) == (
        3,
        "/MAAS/api/2.0/regioncontrollers/rrr666/",
    )
    assert "service_set" not in shown


def test_a_token_is_shown_without_what_it_proves() -> None:
    """Who made it, until when it is good, and who used it."""
    row = TokenRow("k3f8qmwp", NOON, "user:admin", NOON, expired=False, used=None, used_by=None)
    shown = token_json(row)
    assert (shown["id"], shown["created_by"], shown["used"]) == ("k3f8qmwp", "user:admin", None)
    assert shown["resource_uri"] == "/MAAS/api/2.0/tokens/k3f8qmwp/"
    used = token_json(evolve(row, used=NOON, used_by=SystemId("gh3kmn"), expired=True))
    assert (used["used"], used["used_by"]) == ("2026-01-02T12:00:00+00:00", "gh3kmn")


def test_orders_on_the_spot() -> None:
    """What, on which VLAN, by whom and until when."""
    order = Order(3, OrderKind.STOP, VlanId(7), NOON, NOON, "root (uid 0)")
    shown: Any = rack_json(evolve(SOLO_RACK, orders=(order, evolve(order, until=None))), PICTURE)
    first, second = shown["dhcp_orders"]
    assert first == {
        "order": "stop",
        "vlan": 7,
        "since": NOON.isoformat(),
        "until": NOON.isoformat(),
        "by": "root (uid 0)",
    }
    assert second["until"] is None
