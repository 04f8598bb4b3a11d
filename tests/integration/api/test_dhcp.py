"""DHCP is turned on, handed over and off through the API, and the answer says how it went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

import pytest_twisted
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from maasha.db.channels import Channel
from maasha.db.findings import store_findings
from maasha.db.notices import Notices
from maasha.db.overview import racks
from maasha.db.racks import Registered, drop_links
from maasha.model.network import VlanId
from maasha.model.probe import Finding, ServerSeen
from tests.integration.api.client import Reply, World, add_rack
from tests.integration.api.obedient import Obedient


async def prepared(world: World) -> str:
    """Make the page's dynamic range; gives the VLAN's path by fabric and VID."""
    made = await world.admin.post(
        "ipranges/", type="dynamic", start_ip="10.0.0.50", end_ip="10.0.0.99"
    )
    return f"fabrics/{made.json['subnet']['vlan']['fabric_id']}/vlans/0/"


async def during(
    notices: Notices, obedient: Obedient, call: Callable[[], Awaitable[Reply]]
) -> Reply:
    """Call the API while the racks obey its notices."""
    busy: list[Deferred[None]] = []

    def obey(_: str) -> None:
        busy.append(Deferred.fromCoroutine(obedient.carry_out()))

    cancel = notices.subscribe(Channel.DHCP, obey)
    try:
        return await call()
    finally:
        cancel()
        for each in busy:
            await each


async def turned_on(world: World, notices: Notices, *racks: str) -> str:
    """Serve the VLAN with these racks."""
    path = await prepared(world)
    fields = dict(zip(("primary_rack", "secondary_rack"), racks, strict=False))
    obedient = Obedient(world.pool)
    reply = await during(notices, obedient, lambda: world.admin.put(path, dhcp_on="true", **fields))
    assert reply.json["dhcp_status"] == "running", reply.text
    return path


@pytest_twisted.ensureDeferred
async def test_the_page_turns_dhcp_on(world: World, notices: Notices) -> None:
    """A primary and dhcp_on are committed, and the answer comes when the rack serves."""
    path = await turned_on(world, notices, "rack-1")
    shown = (await world.user.get(path)).json
    assert (shown["dhcp_status"], shown["dhcp_on"]) == ("running", True)
    assert shown["primary_rack"] == world.racks[0].system_id


@pytest_twisted.ensureDeferred
async def test_a_pair(world: World, notices: Notices) -> None:
    """A secondary makes a pair under a new pairing; both racks get something to run."""
    path = await turned_on(world, notices, "rack-1")
    before = await world.pool.run(racks)
    obedient = Obedient(world.pool)
    reply = await during(notices, obedient, lambda: world.admin.put(path, secondary_rack="rack-2"))
    assert (reply.status, reply.json["dhcp_status"]) == (200, "running")
    after = await world.pool.run(racks)
    assert all(new.wanted > old.wanted for new, old in zip(after, before, strict=True))
    pairing = await world.pool.run(lambda tx: tx.value("select max(pairing) from vlan"))
    assert pairing == 3
    dead = (await world.user.get("cluster/")).json
    assert dead["vlans"][0]["states"][1]["running"] == "secondary"


@pytest_twisted.ensureDeferred
async def test_a_refusal_reaches_the_caller(world: World, notices: Notices) -> None:
    """A secondary that refuses is named with dhcpd's listing while the primary serves."""
    path = await turned_on(world, notices, "rack-1")
    obedient = Obedient(world.pool, (world.racks[1].rack,), "line 3: semicolon expected.")
    reply = await during(notices, obedient, lambda: world.admin.put(path, secondary_rack="rack-2"))
    assert reply.status == 200
    assert reply.json["dhcp_status"] == "failed: rack rack-2 refused the configuration"
    assert reply.json["dhcp_problem"] == "line 3: semicolon expected."
    assert (await world.user.get(path)).json["dhcp_status"] == reply.json["dhcp_status"]


@pytest_twisted.ensureDeferred
async def test_racks_that_do_not_answer(world: World, reactor: ReactorBase) -> None:
    """After ten seconds the answer says who is awaited; the change stays."""
    path = await prepared(world)
    beat = "update worker set heartbeat = now() + interval '20 s'"
    await world.pool.run(lambda tx: tx.execute(beat))
    started = reactor.seconds()
    reply = await world.admin.put(path, dhcp_on="true", primary_rack="rack-1")
    assert 9 < reactor.seconds() - started < 12
    assert reply.json["dhcp_status"].startswith("pending: rack rack-1 has not confirmed")
    assert (await world.user.get(path)).json["dhcp_on"] is True


@pytest_twisted.ensureDeferred
async def test_off(world: World, notices: Notices) -> None:
    """DHCP is off when its racks have stopped."""
    path = await turned_on(world, notices, "rack-1", "rack-2")
    reply = await during(
        notices, Obedient(world.pool), lambda: world.admin.put(path, dhcp_on="false")
    )
    assert reply.json["dhcp_status"] == "off"


@pytest_twisted.ensureDeferred
async def test_ranges_and_subnets_reach_the_racks(world: World, notices: Notices) -> None:
    """A change of a range or of a subnet that is served is carried out before the answer."""
    path = await turned_on(world, notices, "rack-1")
    wanted = (await world.pool.run(racks))[0].wanted
    obedient = Obedient(world.pool)
    for call in (
        lambda: world.admin.post(
            "ipranges/", type="dynamic", start_ip="10.0.0.150", end_ip="10.0.0.160"
        ),
        lambda: world.admin.put("subnets/10.0.0.0/24/", gateway_ip="10.0.0.254"),
        lambda: world.admin.put("ipranges/2/", end_ip="10.0.0.161"),
        lambda: world.admin.delete("ipranges/2/"),
    ):
        reply = await during(notices, obedient, call)
        assert reply.status in (200, 204), reply.text
        now = (await world.pool.run(racks))[0].wanted
        assert now > wanted
        wanted = now
    await during(notices, obedient, lambda: world.admin.put("ipranges/1/", comment="words only"))
    await during(notices, obedient, lambda: world.admin.put(path, description="words only"))
    assert (await world.pool.run(racks))[0].wanted == wanted


@pytest_twisted.ensureDeferred
async def test_deleting_the_primary(world: World, notices: Notices) -> None:
    """Deleting the primary promotes the secondary; the rack is gone from every list."""
    path = await turned_on(world, notices, "rack-1", "rack-2")
    first, second = world.racks
    reply = await world.admin.delete(f"rackcontrollers/{first.system_id}/")
    assert (reply.status, reply.text) == (204, "")
    vlan = (await world.user.get(path)).json
    assert (vlan["primary_rack"], vlan["secondary_rack"]) == (second.system_id, None)
    listed = (await world.user.get("rackcontrollers/")).json
    assert [rack["hostname"] for rack in listed] == ["rack-2"]
    assert (await world.admin.get(f"rackcontrollers/{first.system_id}/")).status == 404
    events = (await world.user.get("events/")).json["events"]
    assert {"rack.deleted", "vlan.handed-over"} <= {event["type"] for event in events}


@pytest_twisted.ensureDeferred
async def test_a_third_rack_is_not_taken_unseen(world: World, notices: Notices) -> None:
    """The free place of the pair is automatic; the leader fills it when a rack proves fit."""
    await add_rack(world.pool, world.worker, "rack-3", "10.0.0.3/24")
    path = await turned_on(world, notices, "rack-1", "rack-2")
    assert (await world.admin.delete(f"rackcontrollers/{world.racks[1].system_id}/")).status == 204
    after = (await world.user.get(path)).json
    assert (after["secondary_rack"], after["secondary_rack_by"]) == (None, "automatic")


@pytest_twisted.ensureDeferred
async def test_people_choose_who_takes_over(world: World, notices: Notices) -> None:
    """With ha_auto off nobody is chosen: the refusal says so, and by force DHCP is off."""
    path = await turned_on(world, notices, "rack-1")
    assert (await world.admin.put(path, ha_auto="false")).status == 200
    mine = f"rackcontrollers/{world.racks[0].system_id}/"
    reply = await world.admin.delete(mine)
    assert reply.status == 400
    assert "On VLAN fabric-0.untagged people choose: name one, or set ha_auto=true." in reply.text
    assert (await world.admin.delete(mine, force="true")).status == 204
    after = (await world.user.get(path)).json
    assert (after["dhcp_on"], after["primary_rack"]) == (False, None)


@pytest_twisted.ensureDeferred
async def test_a_drained_rack_takes_nothing_over(world: World, notices: Notices) -> None:
    """Of those that do not serve the VLAN yet."""
    await turned_on(world, notices, "rack-1")
    assert (await world.admin.post("drains/", rack="rack-2")).status == 200
    reply = await world.admin.delete(f"rackcontrollers/{world.racks[0].system_id}/")
    assert reply.status == 400
    assert "is neither drained nor lost. Connect another rack" in reply.text


@pytest_twisted.ensureDeferred
async def test_the_last_rack(world: World, notices: Notices) -> None:
    """A rack whose VLAN nobody else can serve is deleted only by force, and DHCP is off then."""
    path = await turned_on(world, notices, "rack-1")
    await world.pool.run(lambda tx: drop_links(tx, [world.racks[1].link]))
    mine = f"rackcontrollers/{world.racks[0].system_id}/"
    reply = await world.admin.delete(mine)
    assert reply.status == 400
    assert "rack-1 cannot be deleted: it serves DHCP on VLAN fabric-0.untagged" in reply.text
    assert (await world.admin.get(mine)).status == 200
    assert (await world.admin.delete(mine, force="true")).status == 204
    vlan = (await world.user.get(path)).json
    assert (vlan["dhcp_on"], vlan["primary_rack"]) == (False, None)


async def duties(world: World, rack: Registered) -> tuple[str, str]:
    """Give what a rack is asked to run and what it said it runs, deleted or not."""
    statement = "select asked ->> 'duty' as asked, running ->> 'duty' as running from service"
    row = await world.pool.run(lambda tx: tx.one(f"{statement} where rack_id = %s", rack.rack))
    assert row is not None
    return row.asked, row.running


@pytest_twisted.ensureDeferred
async def test_a_rack_with_a_link_is_asked_to_stop_even_by_force(
    world: World, notices: Notices
) -> None:
    """It serves until it has said otherwise, and its peer waits for that; force again vouches."""
    await turned_on(world, notices, "rack-1", "rack-2")
    first = world.racks[0]
    mine = f"rackcontrollers/{first.system_id}/"
    assert (await world.admin.delete(mine, force="true")).status == 204
    assert await duties(world, first) == ("off", "primary")
    assert (await world.admin.delete(mine)).status == 404
    assert await duties(world, first) == ("off", "primary")
    assert (await world.admin.delete(mine, force="true")).status == 204
    assert await duties(world, first) == ("off", "off")


@pytest_twisted.ensureDeferred
async def test_a_rack_without_a_link_is_deleted_by_who_vouches_for_it(
    world: World, notices: Notices
) -> None:
    """The refusal says what force means; with it the rack counts as stopped at once."""
    await turned_on(world, notices, "rack-1", "rack-2")
    first = world.racks[0]
    await world.pool.run(lambda tx: drop_links(tx, [first.link]))
    mine = f"rackcontrollers/{first.system_id}/"
    reply = await world.admin.delete(mine)
    assert reply.status == 400
    assert "make sure that its host is off and stays off" in reply.text
    assert (await world.admin.delete(mine, force="true")).status == 204
    assert await duties(world, first) == ("off", "off")


@pytest_twisted.ensureDeferred
async def test_description(world: World) -> None:
    """A rack can be described, and nothing else of it is changed by hand."""
    path = f"rackcontrollers/{world.racks[0].system_id}/"
    assert (await world.admin.put(path, description="left")).json["description"] == "left"
    assert (await world.admin.put(path)).json["description"] == "left"
    reply = await world.admin.put(path, hostname="x")
    assert "not a field of this operation" in reply.json["hostname"][0]


@pytest_twisted.ensureDeferred
async def test_a_vlan_deleted_meanwhile(world: World, reactor: ReactorBase) -> None:
    """A VLAN that vanishes during the wait ends the wait with what was seen last."""
    path = await prepared(world)
    put = world.admin.put(path, dhcp_on="true", primary_rack="rack-1")
    waiting: Deferred[Reply] = Deferred.fromCoroutine(put)
    await deferLater(reactor, 0.5)
    await world.pool.run(lambda tx: tx.execute("delete from fabric"))
    reply = await waiting
    assert reply.status == 200
    assert reply.json["dhcp_status"].startswith("pending")


@pytest_twisted.ensureDeferred
async def test_a_foreign_server_is_warned_of(world: World, notices: Notices) -> None:
    """It is shown before DHCP is on; then it is a warning and an alarm, until it is off again."""
    path = await prepared(world)
    vlan = VlanId((await world.user.get(path)).json["id"])
    server = ServerSeen(IPv4Address("10.0.0.99"), "02:00:00:00:00:99", 1.0)
    rack, finding = world.racks[0].rack, Finding(vlan, (server,))
    await world.pool.run(lambda tx: store_findings(tx, rack, [finding]))
    shown = (await world.user.get(path)).json
    assert (shown["external_dhcp"], shown["dhcp_warning"]) == ("10.0.0.99", "")
    obedient = Obedient(world.pool)
    fields = {"dhcp_on": "true", "primary_rack": "rack-1"}
    reply = await during(notices, obedient, lambda: world.admin.put(path, **fields))
    assert reply.json["dhcp_status"] == "running"
    assert "10.0.0.99 (02:00:00:00:00:99), seen by rack-1" in reply.json["dhcp_warning"]
    alarms = (await world.user.get("cluster/")).json["alarms"]
    assert [alarm["kind"] for alarm in alarms] == ["dhcp.foreign"]
    await during(notices, obedient, lambda: world.admin.put(path, dhcp_on="false"))
    assert (await world.user.get("cluster/")).json["alarms"] == []


@pytest_twisted.ensureDeferred
async def test_a_subnet_may_want_no_name_servers_of_regions(world: World) -> None:
    """As MAAS's `allow_dns`; it is on unless somebody says otherwise."""
    assert (await world.user.get("subnets/10.0.0.0/24/")).json["allow_dns"] is True
    reply = await world.admin.put("subnets/10.0.0.0/24/", allow_dns="false")
    assert reply.json["allow_dns"] is False
    assert (await world.user.get("subnets/10.0.0.0/24/")).json["allow_dns"] is False
