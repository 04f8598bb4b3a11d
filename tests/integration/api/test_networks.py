"""Fabrics, VLANs, subnets and ranges are made, changed and deleted by their rules."""

from __future__ import annotations

import pytest_twisted

from maasha.db.overview import racks
from maasha.db.services import confirm_stopped, record_asked
from maasha.model.dhcp import SOLO, VlanRole
from maasha.model.network import VlanId
from maasha.model.stamp import Stamp
from tests.integration.api.client import Reply, World

LAN = "subnets/10.0.0.0/24/"


async def refused(reply: Reply, field: str, words: str) -> None:
    """Expect a 400 with a message at a field."""
    assert reply.status == 400, reply.text
    assert words in " ".join(reply.json[field]), reply.text


async def lan_vlan(world: World) -> str:
    """Give the path of the racks' VLAN."""
    vlan = (await world.admin.get(LAN)).json["vlan"]
    return f"vlans/{vlan['id']}/"


async def serve_dhcp(world: World) -> str:
    """Turn DHCP on as the page does; gives the VLAN's path."""
    reply = await world.admin.post(
        "ipranges/", type="dynamic", start_ip="10.0.0.50", end_ip="10.0.0.99"
    )
    assert reply.status == 200, reply.text
    await world.pool.run(
        lambda tx: tx.execute(
            "update vlan set dhcp_on = true, primary_rack = %s from subnet "
            "where vlan.id = vlan_id and cidr = '10.0.0.0/24'",
            world.racks[0].rack,
        )
    )
    return await lan_vlan(world)


@pytest_twisted.ensureDeferred
async def test_fabric_life(world: World) -> None:
    """A fabric is made with its untagged VLAN, renamed and deleted, each with an event."""
    made = (await world.admin.post("fabrics/", name="yard", description="d")).json
    assert [vlan["vid"] for vlan in made["vlans"]] == [0]
    path = f"fabrics/{made['id']}/"
    changed = await world.admin.put(path, name="court", class_type="10G")
    assert (changed.json["name"], changed.json["class_type"]) == ("court", "10G")
    assert (await world.admin.put(path, class_type="")).json["class_type"] is None
    assert (await world.admin.put(path)).status == 200
    assert (await world.admin.delete(path)).status == 204
    assert (await world.admin.get(path)).status == 404
    events = (await world.admin.get("events/", subject=f"fabric:{made['id']}")).json["events"]
    kinds = [(event["type"], event["username"]) for event in reversed(events)]
    assert kinds == [
        ("fabric.created", "user:admin"),
        ("fabric.changed", "user:admin"),
        ("fabric.changed", "user:admin"),
        ("fabric.deleted", "user:admin"),
    ]


@pytest_twisted.ensureDeferred
async def test_fabric_names(world: World) -> None:
    """A fabric without a name gets the next free one; a taken name is refused."""
    assert (await world.admin.post("fabrics/")).json["name"] == "fabric-1"
    await refused(await world.admin.post("fabrics/", name="fabric-0"), "name", "exists already")
    await refused(await world.admin.put("fabrics/1/", name="fabric-1"), "name", "exists already")


@pytest_twisted.ensureDeferred
async def test_fabric_in_use(world: World) -> None:
    """A fabric with subnets and interfaces is not deleted, and they are named."""
    reply = await world.admin.delete("fabrics/1/")
    assert reply.status == 409
    assert "subnet 10.0.0.0/24" in reply.text
    assert "interface rack-1:eth0" in reply.text


@pytest_twisted.ensureDeferred
async def test_vlan_life(world: World) -> None:
    """A VLAN is made in a fabric under a free VID, changed and deleted."""
    made = (await world.admin.post("fabrics/1/vlans/", vid="5", name="five", mtu="9000")).json
    assert (made["name"], made["mtu"], made["dhcp_on"]) == ("five", 9000, False)
    path = "fabrics/1/vlans/5/"
    changed = (await world.admin.put(path, name="", lease_time="60")).json
    assert (changed["name"], changed["lease_time"]) == ("5", 60)
    told = {"mclt": "30", "split": "256", "max_response_delay": "5", "next_server": "10.0.0.9"}
    changed = (await world.admin.put(path, boot_files="pxe=a default=b", **told)).json
    assert {name: str(changed[name]) for name in told} == told
    assert changed["boot_files"] == {"pxe": "a", "default": "b"}
    assert (await world.admin.get(path)).json == {
        name: value for name, value in changed.items() if name != "advice"
    }
    await refused(await world.admin.put(path, split="257"), "split", "from 0 to 256")
    await refused(await world.admin.put(path, boot_files="vax=a"), "boot_files", "no architecture")
    await refused(await world.admin.post("fabrics/1/vlans/", vid="5"), "vid", "is taken")
    await refused(await world.admin.post("fabrics/1/vlans/", vid="4095"), "vid", "0 to 4094")
    assert (await world.admin.delete(path)).status == 204
    assert (await world.admin.get(path)).status == 404


@pytest_twisted.ensureDeferred
async def test_a_relayed_vlan(world: World) -> None:
    """It stands as the VLAN that it is relayed to; neither that nor its fabric goes under it."""
    target = (await world.admin.post("fabrics/1/vlans/", vid="5")).json
    fabric = (await world.admin.post("fabrics/", name="far")).json
    relays = (await world.admin.post(f"fabrics/{fabric['id']}/vlans/", vid="6")).json
    path = f"vlans/{relays['id']}/"
    again = await world.admin.put(path, relay_vlan=str(target["id"]))
    await refused(again, "relay_vlan", "needs a dynamic IPv4 range")
    await world.admin.post("subnets/", cidr="10.6.0.0/24", vlan=str(relays["id"]))
    range_ = {"start_ip": "10.6.0.5", "end_ip": "10.6.0.9"}
    assert (await world.admin.post("ipranges/", type="dynamic", **range_)).status == 200
    changed = (await world.admin.put(path, relay_vlan=str(target["id"]))).json
    assert changed["relay_vlan"]["vid"] == 5
    assert changed["dhcp_status"].startswith("off: DHCP is off on VLAN fabric-0.5")
    reply = await world.admin.delete(f"vlans/{target['id']}/")
    assert (reply.status, "relay of VLAN far.6" in reply.text) == (409, True)
    reply = await world.admin.delete("fabrics/1/")
    assert (reply.status, "relay of VLAN far.6" in reply.text) == (409, True)
    await refused(await world.admin.put(path, relay_vlan="999"), "relay_vlan", "There is no VLAN")
    assert (await world.admin.put(path, relay_vlan="")).json["relay_vlan"] is None


SERVING = """
insert into service (vlan_id, rack_id, asked, running)
select id, primary_rack, '{"duty": "solo"}', '{"duty": "solo"}' from vlan where dhcp_on
"""


@pytest_twisted.ensureDeferred
async def test_a_subnet_behind_a_relay_stays_there(world: World) -> None:
    """Racks lease in it: it is not moved, and keeps a range, until they have stopped."""
    await serve_dhcp(world)
    target = (await world.admin.get(LAN)).json["vlan"]["id"]
    relays = (await world.admin.post("fabrics/1/vlans/", vid="6")).json["id"]
    net = (await world.admin.post("subnets/", cidr="10.6.0.0/24", vlan=str(relays))).json
    range_ = {"start_ip": "10.6.0.5", "end_ip": "10.6.0.9"}
    held = (await world.admin.post("ipranges/", type="dynamic", **range_)).json
    await world.pool.run(lambda tx: tx.execute(SERVING))
    relay = "update vlan set relay_vlan = %s where id = %s"
    await world.pool.run(lambda tx: tx.execute(relay, target, relays))
    reply = await world.admin.put(f"subnets/{net['id']}/", vlan=str(target))
    assert (reply.status, "through the relay of VLAN fabric-0.6" in reply.text) == (409, True)
    reply = await world.admin.delete(f"ipranges/{held['id']}/")
    assert (reply.status, "end the relay to VLAN" in reply.text) == (409, True)


@pytest_twisted.ensureDeferred
async def test_vlan_in_use(world: World) -> None:
    """The untagged VLAN stays with its fabric; another one is not deleted while it is in use."""
    reply = await world.admin.delete("fabrics/1/vlans/0/")
    assert (reply.status, "goes with the fabric" in reply.text) == (409, True)
    vlan = (await world.admin.post("fabrics/1/vlans/", vid="5")).json
    await world.admin.post("subnets/", cidr="10.5.0.0/24", vlan=str(vlan["id"]))
    reply = await world.admin.delete("fabrics/1/vlans/5/")
    assert (reply.status, "subnet 10.5.0.0/24" in reply.text) == (409, True)


@pytest_twisted.ensureDeferred
async def test_a_vlan_that_a_rack_still_serves(world: World) -> None:
    """It is not deleted before the rack has said that its dhcpd serves it no more."""
    vlan = (await world.admin.post("fabrics/1/vlans/", vid="5")).json
    rack = world.racks[0].rack
    asked = (VlanRole(VlanId(vlan["id"]), SOLO),)
    await world.pool.run(lambda tx: record_asked(tx, rack, Stamp(1, 1), asked))
    reply = await world.admin.delete("fabrics/1/vlans/5/")
    assert (reply.status, "DHCP still running on rack-1" in reply.text) == (409, True)
    await world.pool.run(lambda tx: confirm_stopped(tx, rack))
    assert (await world.admin.delete("fabrics/1/vlans/5/")).status == 204


@pytest_twisted.ensureDeferred
async def test_vlan_of_elsewhere(world: World) -> None:
    """A rack on the same VID of another fabric is not on this VLAN."""
    fabric = (await world.admin.post("fabrics/")).json
    reply = await world.admin.put(f"fabrics/{fabric['id']}/vlans/0/", primary_rack="rack-1")
    await refused(reply, "primary_rack", "no interface with an IPv4 address")


@pytest_twisted.ensureDeferred
async def test_subnet_life(world: World) -> None:
    """A subnet is made on a VLAN, changed and deleted; it may be called by its network."""
    vlan = (await world.admin.get(LAN)).json["vlan"]["id"]
    reply = await world.admin.post(
        "subnets/", cidr="10.7.0.0/24", vlan=str(vlan), gateway_ip="10.7.0.1", dns_servers="8.8.8.8"
    )
    assert reply.status == 200, reply.text
    assert (reply.json["name"], reply.json["dns_servers"]) == ("10.7.0.0/24", ["8.8.8.8"])
    path = "subnets/10.7.0.0%2F24/"
    changed = (await world.admin.put(path, gateway_ip="", dns_servers="", name="n")).json
    assert (changed["gateway_ip"], changed["dns_servers"], changed["name"]) == (None, [], "n")
    told = {"ntp_servers": "10.7.0.5, 10.7.0.6", "search_list": "example.org lab.example.org"}
    assert (await world.admin.put(path, **told)).status == 200
    changed = (await world.admin.get(path)).json
    assert changed["ntp_servers"] == ["10.7.0.5", "10.7.0.6"]
    assert changed["search_list"] == ["example.org", "lab.example.org"]
    await refused(await world.admin.put(path, ntp_servers="fd00::1"), "ntp_servers", "not an IPv4")
    await refused(await world.admin.put(path, search_list="a..b"), "search_list", "is not a domain")
    assert (await world.admin.put(path)).status == 200
    assert (await world.admin.delete(path)).status == 204
    assert (await world.admin.get(path)).status == 404


@pytest_twisted.ensureDeferred
async def test_subnet_rules(world: World) -> None:
    """A subnet that overlaps another or has a gateway elsewhere is refused at the field."""
    vlan = str((await world.admin.get(LAN)).json["vlan"]["id"])
    overlap = await world.admin.post("subnets/", cidr="10.0.0.128/25", vlan=vlan)
    await refused(overlap, "cidr", "overlaps subnet 10.0.0.0/24")
    gateway = await world.admin.put(LAN, gateway_ip="10.1.0.1")
    await refused(gateway, "gateway_ip", "outside of 10.0.0.0/24")
    smaller = await world.admin.put(LAN, cidr="10.0.0.0/31")
    await refused(smaller, "cidr", "10.0.0.2 of rack-2:eth0 would be outside")
    nowhere = await world.admin.post("subnets/", cidr="10.9.0.0/24", vlan="99")
    assert nowhere.status == 404


@pytest_twisted.ensureDeferred
async def test_subnet_in_use(world: World) -> None:
    """A subnet with ranges and racks is not deleted, and they are named."""
    await serve_dhcp(world)
    reply = await world.admin.delete(LAN)
    assert reply.status == 409
    assert "dynamic range 10.0.0.50-10.0.0.99" in reply.text
    assert "10.0.0.1 of rack-1:eth0" in reply.text


@pytest_twisted.ensureDeferred
async def test_range_life(world: World) -> None:
    """The page's two ranges find their subnet; a range is changed and deleted."""
    reserved = await world.admin.post(
        "ipranges/", type="reserved", start_ip="10.0.0.3", end_ip="10.0.0.49"
    )
    assert reserved.json["subnet"]["cidr"] == "10.0.0.0/24"
    assert reserved.json["user"] == {"username": "admin"}
    dynamic = await world.admin.post(
        "ipranges/", type="dynamic", start_ip="10.0.0.50", end_ip="10.0.0.99", comment="c"
    )
    path = f"ipranges/{dynamic.json['id']}/"
    assert (await world.admin.put(path, end_ip="10.0.0.120")).json["end_ip"] == "10.0.0.120"
    assert (await world.admin.get(path)).json["comment"] == "c"
    assert (await world.admin.put(path)).status == 200
    assert len((await world.user.get("ipranges/")).json) == 2
    assert (await world.admin.delete(path)).status == 204


@pytest_twisted.ensureDeferred
async def test_range_rules(world: World) -> None:
    """A range that overlaps, holds a rack's address, or is in no subnet is refused."""
    await serve_dhcp(world)
    post = world.admin.post
    overlap = await post("ipranges/", type="reserved", start_ip="10.0.0.9", end_ip="10.0.0.50")
    await refused(overlap, "__all__", "overlaps the dynamic range 10.0.0.50-10.0.0.99")
    on_rack = await post("ipranges/", type="dynamic", start_ip="10.0.0.2", end_ip="10.0.0.9")
    await refused(on_rack, "__all__", "the address of rack-2:eth0")
    nowhere = await post("ipranges/", type="dynamic", start_ip="10.9.0.1", end_ip="10.9.0.2")
    await refused(nowhere, "start_ip", "is in no subnet")
    six = await post("ipranges/", type="dynamic", start_ip="fd00::5", end_ip="fd00::9")
    await refused(six, "start_ip", "IPv6, which maasha does not hand out")
    subnet = await post(
        "ipranges/", type="dynamic", start_ip="10.0.0.9", end_ip="10.0.0.9", subnet="99"
    )
    assert subnet.status == 404


@pytest_twisted.ensureDeferred
async def test_the_last_dynamic_range(world: World) -> None:
    """While DHCP is on its last dynamic range stays, however one tries to take it."""
    vlan = await serve_dhcp(world)
    (held,) = (await world.admin.get("ipranges/")).json
    path = f"ipranges/{held['id']}/"
    for reply in (
        await world.admin.delete(path),
        await world.admin.put(path, type="reserved"),
        await world.admin.put(LAN, managed="false"),
    ):
        assert reply.status == 409
        assert "its last dynamic range" in reply.text
    assert (await world.admin.get("ipranges/")).json[0]["type"] == "dynamic"
    assert (await world.admin.get(LAN)).json["managed"] is True
    await world.pool.run(lambda tx: tx.execute("update vlan set dhcp_on = false"))
    assert (await world.admin.delete(path)).status == 204
    reply = await world.admin.put(vlan, primary_rack="rack-1", dhcp_on="true")
    await refused(reply, "dhcp_on", "needs a dynamic IPv4 range")


@pytest_twisted.ensureDeferred
async def test_users_have_reserved_ranges(world: World) -> None:
    """A plain user makes and deletes reserved ranges of its own, and touches no others."""
    mine = await world.user.post(
        "ipranges/", type="reserved", start_ip="10.0.0.20", end_ip="10.0.0.21"
    )
    assert mine.status == 200
    theirs = await world.admin.post(
        "ipranges/", type="reserved", start_ip="10.0.0.30", end_ip="10.0.0.31"
    )
    path = f"ipranges/{mine.json['id']}/"
    assert (await world.user.delete(f"ipranges/{theirs.json['id']}/")).status == 403
    assert (await world.user.put(path, type="dynamic")).status == 403
    assert (await world.user.delete(path)).status == 204
    dynamic = await world.user.post(
        "ipranges/", type="dynamic", start_ip="10.0.0.20", end_ip="10.0.0.21"
    )
    assert (dynamic.status, dynamic.text) == (
        403,
        "user may not touch dynamic ranges; ask an administrator.",
    )


async def another_vlan(world: World) -> str:
    """Make VLAN 100 in the fabric of the racks' LAN; gives its id."""
    made = await world.admin.post("fabrics/1/vlans/", vid="100")
    assert made.status == 200, made.text
    return str(made.json["id"])


@pytest_twisted.ensureDeferred
async def test_a_subnet_moves_with_the_interfaces_in_it(world: World) -> None:
    """A network that was found on the wrong VLAN is put on the right one, and can be served."""
    right = await another_vlan(world)
    subnet = (await world.admin.get(LAN)).json["id"]
    moved = await world.admin.put(LAN, vlan=right)
    assert (moved.status, str(moved.json["vlan"]["id"])) == (200, right), moved.text
    chosen = await world.admin.put(f"vlans/{right}/", primary_rack="rack-1")
    assert chosen.json["primary_rack"] == world.racks[0].system_id
    left = await world.admin.put("fabrics/1/vlans/0/", primary_rack="rack-1")
    await refused(left, "primary_rack", "no rack is on this VLAN yet")
    event = (await world.user.get("events/", subject=f"subnet:{subnet}")).json["events"][0]
    assert event["description"] == f"vlan 1 -> {right}"


@pytest_twisted.ensureDeferred
async def test_a_subnet_does_not_leave_a_vlan_with_dhcp(world: World) -> None:
    """Not while it is on, nor before its racks have stopped, nor from under racks chosen there."""
    right, first = await another_vlan(world), world.racks[0].rack
    path = await serve_dhcp(world)
    asked = (VlanRole(VlanId(1), SOLO),)
    await world.pool.run(lambda tx: record_asked(tx, first, Stamp(1, 1), asked))

    async def stays(words: str) -> None:
        reply = await world.admin.put(LAN, vlan=right)
        assert (reply.status, words in reply.text) == (409, True), reply.text
        assert (await world.user.get(LAN)).json["vlan"]["id"] == 1

    await stays("DHCP is on for VLAN fabric-0.untagged, which subnet 10.0.0.0/24 would leave")
    await world.pool.run(lambda tx: tx.execute("update vlan set dhcp_on = false"))
    await stays("DHCP still runs on rack-1 for VLAN fabric-0.untagged")
    await world.pool.run(lambda tx: confirm_stopped(tx, first))
    await stays("without them rack-1 on VLAN fabric-0.untagged could not serve DHCP")
    assert (await world.admin.put(path, primary_rack="")).status == 200
    assert (await world.admin.put(LAN, vlan="99")).status == 404
    assert (await world.admin.put(LAN, vlan=right)).status == 200


@pytest_twisted.ensureDeferred
async def test_a_subnet_that_comes_to_a_served_vlan_is_served(world: World) -> None:
    """The racks of the VLAN get a new generation to run."""
    await serve_dhcp(world)
    far = (await world.admin.post("fabrics/", name="far")).json["vlans"][0]["id"]
    await world.admin.post("subnets/", cidr="10.9.0.0/24", vlan=str(far))
    before = (await world.pool.run(racks))[0].wanted
    moved = await world.admin.put("subnets/10.9.0.0/24/", vlan="1")
    assert (moved.status, moved.json["vlan"]["id"]) == (200, 1), moved.text
    assert (await world.pool.run(racks))[0].wanted > before
