"""Every resource can be read, in MAAS's shapes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address

import pytest_twisted

from maasha.db.leases import upsert
from maasha.model.cluster import Endpoint
from maasha.model.lease import BindingState, Lease
from tests.integration.api.client import World, add_worker

MISSING = (
    ("fabrics/99/", "Fabric"),
    ("fabrics/x/", "Fabric"),
    ("fabrics/99/vlans/", "Fabric"),
    ("fabrics/1/vlans/7/", "VLAN"),
    ("vlans/99/", "VLAN"),
    ("subnets/99/", "Subnet"),
    ("subnets/10.9.0.0/24/", "Subnet"),
    ("subnets/ten/24/", "Subnet"),
    ("ipranges/99/", "IPRange"),
)
LISTS = ("rackcontrollers", "regioncontrollers", "fabrics", "subnets", "ipranges", "leases")


@pytest_twisted.ensureDeferred
async def test_describe_needs_no_key(world: World) -> None:
    """Anyone can read what the API offers; its hash is in the header of every answer."""
    reply = await world.nobody.get("describe/")
    assert reply.status == 200
    document = reply.json
    assert reply.headers["x-maas-api-hash"] == document["hash"]
    vlan = next(each for each in document["resources"] if each["name"] == "VlanHandler")
    assert vlan["auth"]["uri"].startswith(world.nobody.origin)


@pytest_twisted.ensureDeferred
async def test_version_needs_no_key(world: World) -> None:
    """Anyone can read the version."""
    assert (await world.nobody.get("version/")).json["version"] == "0.1.0"


@pytest_twisted.ensureDeferred
async def test_root_and_strangers(world: World) -> None:
    """The root points to the API; other paths are unknown."""
    assert "/MAAS/api/2.0/" in (await world.nobody.call("GET", "", root="/MAAS/")).text
    assert (await world.nobody.call("GET", "", root="/MAAS/nope/")).status == 404
    assert (await world.nobody.call("GET", "", root="/MAAS/api/1.0/")).status == 404


@pytest_twisted.ensureDeferred
async def test_lists(world: World) -> None:
    """Users and administrators read the same lists."""
    for noun in LISTS:
        mine, theirs = await world.user.get(f"{noun}/"), await world.admin.get(f"{noun}/")
        assert mine.status == 200, mine.text
        assert mine.json == theirs.json
        assert isinstance(mine.json, list)


@pytest_twisted.ensureDeferred
async def test_users(world: World) -> None:
    """The users are listed, and one can ask who one is."""
    assert [each["username"] for each in (await world.user.get("users/")).json] == ["admin", "user"]
    reply = await world.user.get("users/", op="whoami")
    assert (reply.json["username"], reply.json["is_superuser"]) == ("user", False)


@pytest_twisted.ensureDeferred
async def test_racks(world: World) -> None:
    """Racks show their interfaces on the networks that they revealed, IPv6 included."""
    listed = (await world.user.get("rackcontrollers/")).json
    assert [rack["hostname"] for rack in listed] == ["rack-1", "rack-2"]
    system_id = listed[0]["system_id"]
    rack = (await world.user.get(f"rackcontrollers/{system_id}/")).json
    assert rack == listed[0]
    assert rack["ip_addresses"] == ["10.0.0.1", "fd00::1"]
    (interface,) = rack["interface_set"]
    assert [link["subnet"]["cidr"] for link in interface["links"]] == ["10.0.0.0/24", "fd00::/64"]
    assert {each["name"]: each["status"] for each in rack["service_set"]} == {
        "rackd": "running",
        "dhcpd": "off",
    }
    for query in ({"hostname": "rack-1"}, {"system_id": system_id}, {"id": system_id}):
        assert (await world.user.get("rackcontrollers/", **query)).json == [rack]
    assert (await world.user.get("rackcontrollers/zzzzzz/")).status == 404


@pytest_twisted.ensureDeferred
async def test_regions(world: World) -> None:
    """Regions show the addresses of their live workers."""
    (region,) = (await world.user.get("regioncontrollers/")).json
    assert region["ip_addresses"] == ["192.0.2.1"]
    assert (await world.user.get(f"regioncontrollers/{region['system_id']}/")).json == region
    assert (await world.user.get("regioncontrollers/x/")).status == 404


@pytest_twisted.ensureDeferred
async def test_networks(world: World) -> None:
    """What the racks revealed can be read by id, by network and by VID."""
    subnets = (await world.user.get("subnets/")).json
    four, six = subnets
    assert (four["cidr"], six["cidr"]) == ("10.0.0.0/24", "fd00::/64")
    for path in (f"{four['id']}", "10.0.0.0/24", "10.0.0.0%2F24"):
        assert (await world.user.get(f"subnets/{path}/")).json == four
    vlan = four["vlan"]
    assert (vlan["vid"], vlan["fabric"], vlan["name"]) == (0, "fabric-0", "untagged")
    by_vid = f"fabrics/{vlan['fabric_id']}/vlans/0/"
    assert (await world.user.get(by_vid)).json == vlan
    assert (await world.user.get(f"vlans/{vlan['id']}/")).json == vlan
    fabric = (await world.user.get(f"fabrics/{vlan['fabric_id']}/")).json
    assert fabric["vlans"] == [vlan]
    assert (await world.user.get(f"fabrics/{vlan['fabric_id']}/vlans/")).json == [vlan]


@pytest_twisted.ensureDeferred
async def test_not_found(world: World) -> None:
    """What is not there is a 404 that names the kind."""
    for path, kind in MISSING:
        reply = await world.user.get(path)
        assert (reply.status, reply.text) == (404, f"No {kind} matches the given query.")


@pytest_twisted.ensureDeferred
async def test_leases(world: World) -> None:
    """A lease that two racks report is listed once, with both."""
    lease = Lease(IPv4Address("10.0.0.50"), BindingState.ACTIVE, "52:54:00:00:00:09")
    for rack in world.racks:
        await world.pool.run(partial(upsert, rack=rack.rack, leases=(lease,)))
    (shown,) = (await world.user.get("leases/", state="active")).json
    assert (shown["ip"], shown["racks"]) == ("10.0.0.50", ["rack-1", "rack-2"])
    assert (await world.user.get("leases/", mac="52-54-00-00-00-10")).json == []


@pytest_twisted.ensureDeferred
async def test_leases_by_the_page(world: World) -> None:
    """Limit and offset part the list; what they may be is said where they are not that."""
    leases = tuple(Lease(IPv4Address("10.0.0.50") + n, BindingState.ACTIVE) for n in range(5))
    await world.pool.run(partial(upsert, rack=world.racks[0].rack, leases=leases))
    first = (await world.user.get("leases/", limit="3")).json
    second = (await world.user.get("leases/", limit="3", offset="3")).json
    assert [each["ip"] for each in (*first, *second)] == [str(lease.ip) for lease in leases]
    reply = await world.user.get("leases/", limit="10001")
    assert "is not a whole number from 1 to 10000" in reply.json["limit"][0]


@pytest_twisted.ensureDeferred
async def test_leases_go_with_their_subnet(world: World) -> None:
    """And with their range as soon as nobody holds them, and with their rack."""
    over = datetime.now(UTC) - timedelta(seconds=1)
    held = Lease(IPv4Address("10.0.0.50"), BindingState.ACTIVE)
    ended = Lease(IPv4Address("10.0.0.51"), BindingState.ACTIVE, ends=over)
    outside = Lease(IPv4Address("10.9.0.50"), BindingState.ACTIVE)
    for rack in world.racks:
        await world.pool.run(partial(upsert, rack=rack.rack, leases=(held, ended, outside)))
    await world.admin.post("subnets/", cidr="10.9.0.0/24", vlan="1")
    made = await world.admin.post(
        "ipranges/", type="dynamic", start_ip="10.0.0.50", end_ip="10.0.0.99"
    )

    async def left() -> list[tuple[str, list[str]]]:
        return [(each["ip"], each["racks"]) for each in (await world.user.get("leases/")).json]

    both = ["rack-1", "rack-2"]
    assert (await world.admin.delete(f"rackcontrollers/{world.racks[1].system_id}/")).status == 204
    assert await left() == [
        (str(held.ip), both[:1]),
        (str(ended.ip), both[:1]),
        (str(outside.ip), both[:1]),
    ]
    assert (await world.admin.delete(f"ipranges/{made.json['id']}/")).status == 204
    assert await left() == [(str(held.ip), both[:1]), (str(outside.ip), both[:1])]
    assert (await world.admin.delete("subnets/10.9.0.0/24/")).status == 204
    assert await left() == [(str(held.ip), both[:1])]


@pytest_twisted.ensureDeferred
async def test_events(world: World) -> None:
    """Events are listed in pages, the newest first."""
    first = (await world.user.get("events/", limit="1")).json
    assert first["count"] == 1
    path = first["next_uri"].removeprefix("/MAAS/api/2.0/")
    second = (await world.user.get(path)).json
    assert second["events"][0]["id"] < first["events"][0]["id"]
    assert (await world.user.get("events/", subject="nothing")).json["events"] == []


@pytest_twisted.ensureDeferred
async def test_cluster(world: World) -> None:
    """The status has regions, workers, racks with their links, VLANs and alarms."""
    shown = (await world.user.get("cluster/")).json
    (region,) = shown["regions"]
    assert region["racks"] == ["rack-1", "rack-2"]
    assert region["workers"][0]["connections"] == 2
    assert [len(rack["connections"]) for rack in shown["racks"]] == [1, 1]
    assert shown["racks"][0]["owner"] == {"region": "region-1", "worker": 0}
    assert (shown["vlans"][0]["dhcp_status"], shown["alarms"]) == ("off", [])


@pytest_twisted.ensureDeferred
async def test_dead_workers_are_not_shown(world: World) -> None:
    """A worker without heartbeat, and the links to it, are not in the status."""
    await world.pool.run(
        lambda tx: tx.execute("update worker set heartbeat = heartbeat - interval '9 s'")
    )
    shown = (await world.user.get("cluster/")).json
    assert shown["regions"][0]["workers"] == []
    assert [rack["owner"] for rack in shown["racks"]] == [None, None]
    assert [rack["connections"] for rack in shown["racks"]] == [[], []]
    assert (await world.nobody.call("GET", "", root="/MAAS/rpc/")).json == {
        "eventloops": {},
        "loads": {},
    }


@pytest_twisted.ensureDeferred
async def test_discovery(world: World) -> None:
    """Racks find the live workers without a key; an address of two regions stays with both."""
    await add_worker(world.pool, "region-2", 0, Endpoint("192.0.2.1", 5250))
    reply = await world.nobody.call("GET", "", root="/MAAS/rpc/")
    endpoints = [["192.0.2.1", 5250]]
    assert reply.json == {
        "eventloops": {"region-1:pid=100": endpoints, "region-2:pid=100": endpoints},
        "loads": {"region-1:pid=100": 2.0, "region-2:pid=100": 0.0},
    }
    assert (await world.nobody.call("POST", "", root="/MAAS/rpc/")).status == 405
