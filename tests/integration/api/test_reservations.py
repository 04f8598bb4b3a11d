"""Addresses are reserved, changed and given back by their rules, as MAAS's clients do it."""

from __future__ import annotations

import pytest_twisted

from maasha.db.notices import Notices
from tests.integration.api.client import World
from tests.integration.api.obedient import Obedient
from tests.integration.api.test_dhcp import during, turned_on
from tests.integration.api.test_networks import LAN, lan_vlan, refused, serve_dhcp

MAC, OTHER = "52:54:00:00:00:0a", "52:54:00:00:00:0b"


async def reserve(world: World, address: str, mac: str = MAC, **fields: str) -> str:
    """Reserve an address; gives the reservation's path."""
    reply = await world.admin.post("reservedips/", ip=address, mac_address=mac, **fields)
    assert reply.status == 200, reply.text
    return f"reservedips/{reply.json['id']}/"


@pytest_twisted.ensureDeferred
async def test_a_reservation_life(world: World) -> None:
    """It is made, read, changed and deleted, each with an event; users may look."""
    path = await reserve(world, "10.0.0.5", "52-54-00-00-00-0A", comment="hall", hostname="Web")
    shown = (await world.user.get(path)).json
    subnet = (await world.user.get(LAN)).json
    assert shown == {
        "id": shown["id"],
        "ip": "10.0.0.5",
        "mac_address": MAC,
        "hostname": "web",
        "comment": "hall",
        "subnet": subnet,
        "resource_uri": f"/MAAS/api/2.0/{path}",
    }
    assert (await world.user.get("reservedips/")).json == [shown]
    assert (await world.user.get("reservedips/", mac_address=OTHER)).json == []
    assert (await world.user.get("reservedips/", ip="10.0.0.5", limit="1")).json == [shown]
    assert (await world.user.get("reservedips/", subnet=str(subnet["id"]))).json == [shown]
    changed = await world.admin.put(path, ip="10.0.0.6", hostname="", mac_address=OTHER)
    assert (changed.json["ip"], changed.json["hostname"]) == ("10.0.0.6", "")
    assert (await world.admin.put(path)).json["mac_address"] == OTHER
    assert (await world.admin.delete(path)).status == 204
    assert (await world.admin.get(path)).status == 404
    subject = f"reservedip:{shown['id']}"
    events = (await world.admin.get("events/", subject=subject)).json["events"]
    assert [event["type"] for event in reversed(events)] == [
        "reservedip.created",
        "reservedip.changed",
        "reservedip.deleted",
    ]


@pytest_twisted.ensureDeferred
async def test_users_change_nothing(world: World) -> None:
    """As in MAAS that is for administrators."""
    path = await reserve(world, "10.0.0.5")
    for reply in (
        await world.user.post("reservedips/", ip="10.0.0.6", mac_address=OTHER),
        await world.user.put(path, hostname="web"),
        await world.user.delete(path),
    ):
        assert reply.status == 403


@pytest_twisted.ensureDeferred
async def test_refusals(world: World) -> None:
    """What cannot be is refused by field and value, with the mend."""
    await serve_dhcp(world)
    await reserve(world, "10.0.0.5")

    async def wrong(field: str, words: str, **fields: str) -> None:
        sound = {"ip": "10.0.0.6", "mac_address": OTHER}
        await refused(await world.admin.post("reservedips/", **{**sound, **fields}), field, words)

    await wrong("ip", "is in no subnet", ip="192.0.2.1")
    await wrong("ip", "outside of subnet", ip="192.0.2.1", subnet=str(await lan_id(world)))
    await wrong("ip", "is in the dynamic range 10.0.0.50-10.0.0.99", ip="10.0.0.60")
    await wrong("ip", "the address of rack-1", ip="10.0.0.1")
    await wrong("ip", f"is reserved for {MAC}", ip="10.0.0.5")
    await wrong("mac_address", "has 10.0.0.5 on this VLAN already", mac_address=MAC)
    await wrong("mac_address", "is not a MAC address", mac_address="x")
    await wrong("mac_address", "group's address", mac_address="01:00:5e:00:00:01")
    await wrong("hostname", "is not a host name", hostname='a"; }')
    reply = await world.admin.post("reservedips/", ip="10.0.0.6", mac_address=OTHER, subnet="999")
    assert reply.status == 404


async def lan_id(world: World) -> int:
    """Give the LAN's subnet's id."""
    return int((await world.admin.get(LAN)).json["id"])


@pytest_twisted.ensureDeferred
async def test_networks_leave_reservations_alone(world: World) -> None:
    """Ranges, gateways and shrinking subnets are refused, and so is deleting the subnet."""
    await reserve(world, "10.0.0.60")
    made = await world.admin.post(
        "ipranges/", type="dynamic", start_ip="10.0.0.50", end_ip="10.0.0.99"
    )
    await refused(made, "__all__", f"holds 10.0.0.60, which is reserved for {MAC}")
    kept = {"type": "reserved", "start_ip": "10.0.0.50", "end_ip": "10.0.0.99"}
    held = await world.admin.post("ipranges/", **kept)
    assert held.status == 200
    turned = await world.admin.put(f"ipranges/{held.json['id']}/", type="dynamic")
    await refused(turned, "__all__", "holds 10.0.0.60")
    await refused(await world.admin.put(LAN, gateway_ip="10.0.0.60"), "gateway_ip", "reserved for")
    await refused(await world.admin.put(LAN, dns_servers="10.0.0.60"), "dns_servers", "reserved")
    await refused(await world.admin.put(LAN, cidr="10.0.0.0/28"), "cidr", "would not fit")
    yard = (await world.admin.post("subnets/", cidr="10.9.0.0/24", vlan=await vlan_id(world))).json
    path = await reserve(world, "10.9.0.5", OTHER)
    gone = await world.admin.delete(f"subnets/{yard['id']}/")
    assert gone.status == 409
    assert f"in use by the reservation of 10.9.0.5 for {OTHER}" in gone.text
    assert (await world.admin.delete(path)).status == 204
    assert (await world.admin.delete(f"subnets/{yard['id']}/")).status == 204


async def vlan_id(world: World) -> str:
    """Give the id of the racks' VLAN."""
    return (await lan_vlan(world)).split("/")[1]


@pytest_twisted.ensureDeferred
async def test_a_client_has_one_address_on_each_vlan(world: World) -> None:
    """Another VLAN is another address, and a subnet brings no second one to a VLAN."""
    fabric = (await world.admin.get(LAN)).json["vlan"]["fabric_id"]
    other = (await world.admin.post(f"fabrics/{fabric}/vlans/", vid="7")).json
    yard = (await world.admin.post("subnets/", cidr="10.9.0.0/24", vlan=str(other["id"]))).json
    await reserve(world, "10.0.0.5")
    path = await reserve(world, "10.9.0.5")
    moved = await world.admin.put(f"subnets/{yard['id']}/", vlan=await vlan_id(world))
    assert moved.status == 409
    assert "the reservation of 10.0.0.5" in moved.text
    taken = await world.admin.put(path, ip="10.0.0.6")
    await refused(taken, "mac_address", "has 10.0.0.5 on this VLAN already")
    changed = await world.admin.put(path, mac_address=OTHER, ip="10.0.0.6")
    assert changed.json["subnet"]["cidr"] == "10.0.0.0/24"


@pytest_twisted.ensureDeferred
async def test_the_answer_comes_when_the_racks_know(world: World, notices: Notices) -> None:
    """The racks get a new generation, and a comment alone is none."""
    await turned_on(world, notices, "rack-1")
    obedient = Obedient(world.pool)
    made = await during(
        notices,
        obedient,
        lambda: world.admin.post("reservedips/", ip="10.0.0.5", mac_address=MAC),
    )
    assert made.json["subnet"]["vlan"]["dhcp_status"] == "running"
    path = f"reservedips/{made.json['id']}/"
    renamed = await during(notices, obedient, lambda: world.admin.put(path, hostname="web"))
    assert renamed.json["subnet"]["vlan"]["dhcp_status"] == "running"
    counter = "select wanted_counter from rack where hostname = 'rack-1'"
    before = await world.pool.run(lambda tx: tx.value(counter))
    await world.admin.put(path, comment="of the hall")
    assert await world.pool.run(lambda tx: tx.value(counter)) == before
    assert (await world.admin.delete(path)).status == 204
    assert await world.pool.run(lambda tx: tx.value(counter)) == before + 1
