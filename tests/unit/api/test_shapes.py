from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from attrs import evolve

from maasha.api.pair_words import consequences
from maasha.api.picture import picture_of
from maasha.api.shapes import (
    fabric_json,
    named_vlan,
    range_json,
    subnet_json,
    user_json,
    vlan_json,
    vlan_name,
)
from maasha.db.accounts import User
from maasha.db.findings import ForeignServer
from maasha.db.networks import Networks
from maasha.model.network import FabricId, VlanId
from maasha.model.options import MANUAL, Boot, BootFile
from tests.unit.api.samples import (
    DYNAMIC,
    FABRIC,
    NETWORKS,
    ONE,
    SOLO_RACK,
    SUBNET,
    TWO,
    VLAN,
)

PICTURE = picture_of(NETWORKS, (SOLO_RACK,))


def test_vlan() -> None:
    """A VLAN has MAAS's fields, with system ids of its racks and its fabric's name."""
    served = evolve(VLAN, primary=ONE, primary_by="user:ann", secondary=TWO, dhcp_on=True)
    picture = picture_of(Networks(NETWORKS.fabrics, {VLAN.id: served}, {}), (SOLO_RACK,))
    assert vlan_json(served, picture) == {
        "id": 7,
        "vid": 0,
        "name": "untagged",
        "description": "",
        "fabric": "fabric-0",
        "fabric_id": 1,
        "mtu": 1500,
        "dhcp_on": True,
        "dhcp_status": "pending: rack rack-1 is solo and becomes primary",
        "dhcp_problem": "",
        "lease_time": 600,
        "mclt": 3600,
        "split": 255,
        "max_response_delay": 60,
        "failover_consequences": list(consequences(MANUAL, 600)),
        "next_server": None,
        "boot_files": {},
        "dhcp_warning": "",
        "external_dhcp": None,
        "region_dns": [],
        "relay_vlan": None,
        "primary_rack": "aaa111",
        "secondary_rack": "bbb222",
        "primary_rack_by": "user:ann",
        "secondary_rack_by": "automatic",
        "ha_auto": True,
        "take_over_after": 0,
        "endurance_bound": 24,
        "space": "undefined",
        "resource_uri": "/MAAS/api/2.0/vlans/7/",
    }


def test_where_a_vlan_is_relayed_to() -> None:
    """The other VLAN is named as the API names VLANs."""
    relays = evolve(VLAN, id=VlanId(8), vid=8, relay=VLAN.id)
    known = Networks(NETWORKS.fabrics, {VLAN.id: VLAN, relays.id: relays}, {})
    assert vlan_json(relays, picture_of(known, ()))["relay_vlan"] == named_vlan(VLAN)


def test_what_a_relayed_vlan_has_of_the_other_one() -> None:
    """Whether DHCP is on, so that others' servers are warned of, and the regions' name servers."""
    on = evolve(VLAN, dhcp_on=True)
    relays = evolve(VLAN, id=VlanId(8), vid=8, relay=VLAN.id)
    server = ForeignServer(IPv4Address("10.0.0.9"), "02:00:00:00:00:09", ("rack-1",))
    known = Networks(NETWORKS.fabrics, {on.id: on, relays.id: relays}, {})
    picture = evolve(
        picture_of(known, ()),
        foreign={relays.id: (server,)},
        region_dns={VLAN.id: (IPv4Address("10.0.2.53"),), relays.id: (IPv4Address("10.0.3.53"),)},
    )
    shown = vlan_json(relays, picture)
    assert (shown["dhcp_on"], shown["region_dns"]) == (False, ["10.0.2.53"])
    assert "10.0.0.9 (02:00:00:00:00:09)" in str(shown["dhcp_warning"])


def test_what_a_vlan_boots() -> None:
    """By the names under which it is submitted."""
    files = (BootFile(16, "http://{rack}/a"), BootFile(None, "grub.0"))
    shown = vlan_json(evolve(VLAN, boot=Boot(files, IPv4Address("10.0.0.9"))), PICTURE)
    assert shown["boot_files"] == {"uefi-http-amd64": "http://{rack}/a", "default": "grub.0"}
    assert shown["next_server"] == "10.0.0.9"


def test_others_dhcp_servers() -> None:
    """The first that was found is MAAS's one; where DHCP is on, all are warned of."""
    first = ForeignServer(IPv4Address("10.0.0.9"), "02:00:00:00:00:09", ("rack-1", "rack-2"))
    second = ForeignServer(IPv4Address("10.0.0.8"), "02:00:00:00:00:08", ("rack-1",))
    picture = evolve(PICTURE, foreign={VLAN.id: (first, second)})
    off = vlan_json(VLAN, picture)
    assert (off["external_dhcp"], off["dhcp_warning"]) == ("10.0.0.9", "")
    on = vlan_json(evolve(VLAN, dhcp_on=True), picture)
    named = "10.0.0.9 (02:00:00:00:00:09), seen by rack-1, rack-2; 10.0.0.8"
    assert named in str(on["dhcp_warning"])


def test_name_servers_of_regions() -> None:
    """Those of which clients are told, in their order."""
    servers = (IPv4Address("10.0.2.53"), IPv4Address("10.0.1.53"))
    shown = vlan_json(VLAN, evolve(PICTURE, region_dns={VLAN.id: servers}))
    assert shown["region_dns"] == ["10.0.2.53", "10.0.1.53"]


def test_vlan_without_racks() -> None:
    """A VLAN that nobody serves has null for its racks."""
    shown = vlan_json(VLAN, PICTURE)
    assert (shown["primary_rack"], shown["secondary_rack"]) == (None, None)


def test_vlan_names() -> None:
    """The default VLAN is untagged; others have their name or their VID."""
    assert vlan_name(evolve(VLAN, name="x")) == "untagged"
    assert vlan_name(evolve(VLAN, vid=5, name="x")) == "x"
    assert vlan_name(evolve(VLAN, vid=5)) == "5"


def test_fabric() -> None:
    """A fabric has its VLANs."""
    assert fabric_json(FABRIC, PICTURE) == {
        "id": 1,
        "name": "fabric-0",
        "description": "",
        "class_type": None,
        "vlans": [vlan_json(VLAN, PICTURE)],
        "resource_uri": "/MAAS/api/2.0/fabrics/1/",
    }
    assert fabric_json(evolve(FABRIC, id=FabricId(2)), PICTURE)["vlans"] == []


def test_subnet() -> None:
    """A subnet has its VLAN, its gateway or null, and its DNS servers."""
    shown = subnet_json(SUBNET, PICTURE)
    assert shown["vlan"] == vlan_json(VLAN, PICTURE)
    assert (shown["cidr"], shown["gateway_ip"], shown["dns_servers"]) == ("10.0.0.0/24", None, [])
    gateway = ip_address("10.0.0.254")
    full = subnet_json(evolve(SUBNET, gateway=gateway, dns_servers=(gateway,)), PICTURE)
    assert (full["gateway_ip"], full["dns_servers"]) == ("10.0.0.254", ["10.0.0.254"])


def test_range() -> None:
    """A range has its user, or an empty one, and its subnet."""
    shown = range_json(DYNAMIC, SUBNET, PICTURE)
    assert shown == {
        "id": 9,
        "type": "dynamic",
        "start_ip": "10.0.0.50",
        "end_ip": "10.0.0.99",
        "comment": "",
        "user": {"username": "admin"},
        "subnet": subnet_json(SUBNET, PICTURE),
        "resource_uri": "/MAAS/api/2.0/ipranges/9/",
    }
    assert range_json(evolve(DYNAMIC, username=""), SUBNET, PICTURE)["user"] == {}


def test_user() -> None:
    """A user has MAAS's fields."""
    assert user_json(User(1, "ann", "a@b", is_superuser=True)) == {
        "username": "ann",
        "email": "a@b",
        "is_superuser": True,
        "is_local": True,
        "resource_uri": "/MAAS/api/2.0/users/ann/",
    }


def test_networks() -> None:
    """Networks find the VLANs of a fabric and the subnets of a VLAN."""
    assert NETWORKS.vlans_of(FABRIC.id) == (VLAN,)
    assert NETWORKS.subnets_of(VLAN.id) == (SUBNET,)
    assert VLAN.label == "fabric-0.untagged"
    assert evolve(VLAN, vid=5).label == "fabric-0.5"
