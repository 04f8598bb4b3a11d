"""Who chose a VLAN's racks, what is done without a hand, and pairs that change places."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred

from maasha.balancer.brakes import FREE
from maasha.db.channels import Channel
from maasha.db.events import history, raise_alarm
from maasha.db.notices import Notices
from maasha.db.racks import drop_links
from maasha.db.roles import store_sightings
from maasha.model.leader import Cause, Hold, Outlook
from maasha.model.network import VlanId
from maasha.model.sighting import Sighting
from maasha.region.appointing import Appointing
from maasha.region.balancing import SUBJECT, VANISHED, WHO
from tests.integration.api.client import Reply, World, add_rack
from tests.integration.api.leading import leading
from tests.integration.api.obedient import Obedient
from tests.integration.api.test_dhcp import during, prepared, turned_on

APPOINTED = "rack-2 becomes the secondary: it and rack-1 reach each other"
LIVE_LONG = "update worker set heartbeat = now() + interval '60 s'"


async def served(world: World, notices: Notices, *racks: str) -> str:
    """Serve the VLAN with these racks, their worker being there for as long as a test takes."""
    await world.pool.run(lambda tx: tx.execute(LIVE_LONG))
    return await turned_on(world, notices, *racks)


@contextmanager
def leader(world: World, notices: Notices) -> Iterator[list[Deferred[None]]]:
    """Have somebody fill free places whenever there is news."""
    appointing = Appointing(world.pool.run)
    busy: list[Deferred[None]] = []

    def look(_: str) -> None:
        busy.append(Deferred.fromCoroutine(appointing.look(FREE)))

    cancel = notices.subscribe(Channel.PLACEMENT, look)
    try:
        yield busy
    finally:
        cancel()


async def led(world: World, notices: Notices, call: Callable[[], Awaitable[Reply]]) -> Reply:
    """Call the API while a leader decides and the racks obey."""
    with leader(world, notices) as busy:
        reply = await during(notices, Obedient(world.pool), call)
        for each in busy:
            await each
    return reply


async def roles(world: World, place: int = 0) -> Any:
    """Read what is shown of a VLAN."""
    reply = await world.user.get("dhcp-roles/")
    assert reply.status == 200, reply.text
    return reply.json["vlans"][place]


async def see(world: World, vlan: int) -> None:
    """Have the two racks know each other."""
    one, two = (rack.rack for rack in world.racks)
    for rack, peer in ((one, two), (two, one)):
        sighting = Sighting(VlanId(vlan), peer, 1.0, 1.0, 0.1)
        await world.pool.run(
            lambda tx, rack=rack, sighting=sighting: store_sightings(tx, rack, [sighting])  # type: ignore[misc]
        )


async def last_event(world: World, vlan: int) -> tuple[str, str, str]:
    """Tell what happened to a VLAN last, and who did it."""
    found = await world.pool.run(lambda tx: history(tx, subject=f"vlan:{vlan}"))
    events = [event for event in found if event.kind.startswith("vlan.")]
    return events[0].who, events[0].kind, events[0].detail


@pytest_twisted.ensureDeferred
async def test_a_person_chooses(world: World, notices: Notices) -> None:
    """Whom he names is his choice, also nobody; the event and the VLAN say so."""
    path = await served(world, notices, "rack-1")
    shown = (await world.user.get(path)).json
    assert (shown["primary_rack_by"], shown["secondary_rack_by"], shown["ha_auto"]) == (
        "user:admin",
        "automatic",
        True,
    )
    reply = await world.admin.put(path, secondary_rack="")
    assert reply.json["secondary_rack_by"] == "user:admin"
    assert await last_event(world, shown["id"]) == (
        "user:admin",
        "vlan.changed",
        "secondary_by '' -> user:admin",
    )
    one = await roles(world)
    assert (one["decision"], one["secondary"], one["secondary_by"]) == (
        "settled",
        None,
        "user:admin",
    )
    assert one["why"].startswith("a person (user:admin) wants no secondary")
    reply = await world.admin.put(path, ha_auto="true")
    assert (reply.json["primary_rack_by"], reply.json["secondary_rack_by"]) == ("automatic",) * 2
    assert (await roles(world))["decision"] == "nobody"


@pytest_twisted.ensureDeferred
async def test_dhcp_on_is_enough(world: World, notices: Notices) -> None:
    """The leader chooses the primary while the answer waits; evidence makes the other its peer."""
    path = await prepared(world)
    await world.pool.run(lambda tx: tx.execute(LIVE_LONG))
    reply = await led(world, notices, lambda: world.admin.put(path, dhcp_on="true"))
    assert (reply.status, reply.json["dhcp_status"]) == (200, "running"), reply.text
    assert reply.json["primary_rack"] in {rack.system_id for rack in world.racks}
    assert (reply.json["primary_rack_by"], reply.json["secondary_rack"]) == ("automatic", None)
    vlan = reply.json["id"]
    who, kind, _ = await last_event(world, vlan)
    assert (who, kind) == ("leader", "vlan.roles")
    one = await roles(world)
    (other,) = [each for each in one["candidates"] if each["lacks"]]
    assert one["why"].startswith(f"nobody: {other['rack']} and the primary do not hear")
    await see(world, vlan)
    async with leading(world, Outlook(datetime.now(UTC))):
        one = await roles(world)
    assert one["why"].startswith(
        f"with the leader's next look {other['rack']} becomes the secondary"
    )
    (other,) = [each for each in one["candidates"] if each["rack"] == other["rack"]]
    assert other["lacks"] == []
    assert 1.0 <= other["probed_age"] < 30.0
    assert other["clock_offset"] == 0.1


@pytest_twisted.ensureDeferred
async def test_dhcp_on_where_nobody_can_be_chosen(world: World) -> None:
    """It says why it is pending; without a rack there, or without automatics, it is refused."""
    path = await prepared(world)
    await world.pool.run(lambda tx: tx.execute(LIVE_LONG))
    await world.pool.run(lambda tx: drop_links(tx, [rack.link for rack in world.racks]))
    reply = await world.admin.put(path, dhcp_on="true", ha_auto="false")
    assert "or ha_auto=true to have it chosen" in reply.json["dhcp_on"][0]
    reply = await world.admin.put(path, dhcp_on="true")
    assert (reply.status, reply.json["dhcp_status"]) == (
        200,
        "pending: no rack with an IPv4 address on this VLAN is connected",
    )
    one = await roles(world)
    assert one["why"] == ("nobody: rack-1 has no link to a region; rack-2 has no link to a region")


@pytest_twisted.ensureDeferred
async def test_what_holds_changes(world: World, notices: Notices) -> None:
    """A pause, that nobody leads and the alarm are told, and what is held by them."""
    path = await served(world, notices, "rack-1")
    await see(world, (await world.user.get(path)).json["id"])
    await world.admin.call("POST", "placement/?op=pause")
    await world.pool.run(lambda tx: raise_alarm(tx, WHO, SUBJECT, VANISHED, "3 of 4 vanished"))
    one = await roles(world)
    paused = "paused by user:admin until `maasha resume`"
    nobody = "nobody leads now, or whoever does has not looked yet"
    assert (one["decision"], one["why"]) == (
        "held",
        f"held: {paused}; {nobody}; then {APPOINTED}",
    )
    document = (await world.user.get("dhcp-roles/")).json
    assert document["pause"] == {"by": "user:admin", "until": None}
    assert document["stops"] == [paused, nobody, "3 of 4 vanished"]


@pytest_twisted.ensureDeferred
async def test_the_leader_holds_still(world: World, notices: Notices) -> None:
    """What it told of changes of roles counts, not what holds moves of links, nor what is over."""
    path = await served(world, notices, "rack-1")
    await see(world, (await world.user.get(path)).json["id"])
    now, hour = datetime.now(UTC), timedelta(hours=1)
    alarm = Hold(Cause.RACKS_VANISHED, "3 of 4 vanished")
    old = Hold(Cause.GAP_ENDED, "what is on record may be old", now + hour)
    moves = Hold(Cause.LEADER_NEW, "the leader is new", now + hour)
    over = Hold(Cause.LEADER_NEW, "the leader was new", now - hour)
    await world.pool.run(lambda tx: raise_alarm(tx, WHO, SUBJECT, VANISHED, alarm.reason))
    async with leading(world, Outlook(now, (moves,), role_holds=(over, old, alarm))):
        one = await roles(world)
        document = (await world.user.get("dhcp-roles/")).json
    assert (one["decision"], one["why"]) == (
        "held",
        f"held: {old}; {alarm}; then {APPOINTED}",
    )
    assert document["stops"] == [old.reason, alarm.reason]


@pytest_twisted.ensureDeferred
async def test_a_pair_changes_places(world: World, notices: Notices) -> None:
    """It is handed back first, and is normal before and after; counts decide what is planned."""
    path = await served(world, notices, "rack-1", "rack-2")
    vlan = str((await world.user.get(path)).json["id"])
    reply = await world.admin.post("dhcp-roles/?op=swap", vlan=vlan)
    assert (reply.status, "user:admin chose them" in reply.text) == (409, True)
    await world.admin.put(path, ha_auto="true")
    obedient = Obedient(world.pool)
    reply = await during(
        notices, obedient, lambda: world.admin.post("dhcp-roles/?op=swap", vlan=vlan)
    )
    assert (reply.status, reply.json["dhcp_status"]) == (200, "running"), reply.text
    assert reply.json["primary_rack"] == world.racks[1].system_id
    who, kind, detail = await last_event(world, int(vlan))
    assert (who, kind) == ("user:admin", "vlan.swapped")
    assert detail.startswith("primary rack-1 -> rack-2, secondary rack-2 -> rack-1, pairing ")
    pairing = (await last_event(world, int(vlan)))[2]
    again = await world.admin.post("dhcp-roles/?op=swap", vlan=vlan, primary="rack-2")
    assert (again.status, again.json["primary_rack"]) == (200, world.racks[1].system_id)
    assert (await last_event(world, int(vlan)))[2] == pairing
    other = await world.admin.post("dhcp-roles/?op=swap", vlan=vlan, primary="rack-9")
    assert (other.status, "rack-9 is not of its pair" in other.text) == (409, True)
    assert (await world.user.get("dhcp-roles/")).json["plan"] == []
    await world.pool.run(lambda tx: drop_links(tx, [world.racks[0].link]))
    reply = await world.admin.post("dhcp-roles/?op=swap", vlan=vlan)
    assert (reply.status, "wait until both racks are in state normal" in reply.text) == (409, True)


@pytest_twisted.ensureDeferred
async def test_a_plan(world: World, notices: Notices) -> None:
    """Two VLANs with one primary: the second one's racks are to change places."""
    path = await served(world, notices, "rack-1", "rack-2")
    await world.admin.put(path, ha_auto="true")
    await world.pool.run(lambda tx: tx.execute(TWINS))
    await world.pool.run(lambda tx: tx.execute(TWINS_SERVED))
    (swap,) = (await world.user.get("dhcp-roles/")).json["plan"]
    assert (swap["primary"], swap["secondary"], swap["reason"]) == (
        "rack-2",
        "rack-1",
        "rack-1 is the primary of 2 VLANs, rack-2 of 0",
    )


TWINS = """
insert into vlan (fabric_id, vid, dhcp_on, primary_rack, secondary_rack)
select fabric_id, 100, dhcp_on, primary_rack, secondary_rack from vlan where dhcp_on
"""
TWINS_SERVED = """
insert into service (vlan_id, rack_id, asked, running, state, partner)
select (select id from vlan where vid = 100), rack_id, asked, running, state, partner from service
"""


@pytest_twisted.ensureDeferred
async def test_a_page(world: World) -> None:
    """VLANs are listed page by page, or those of some fabrics, or the one that is named."""
    path = await prepared(world)
    await world.pool.run(lambda tx: tx.execute(TWINS.replace("where dhcp_on", "limit 1")))
    whole = (await world.user.get("dhcp-roles/")).json
    assert (whole["count"], whole["next_uri"]) == (len(whole["vlans"]), None)
    first = (await world.user.get("dhcp-roles/", limit="1")).json
    assert first["vlans"] == whole["vlans"][:1]
    rest = await world.user.call("GET", first["next_uri"], root="")
    assert rest.json["vlans"] == whole["vlans"][1:2]
    vlan = (await world.user.get(path)).json
    for query in ({"vlan": str(vlan["id"])}, {"fabric": str(vlan["fabric_id"]), "limit": "1"}):
        (one,) = (await world.user.get("dhcp-roles/", **query)).json["vlans"]
        assert one["fabric_id"] == vlan["fabric_id"]
    assert (await world.user.get("dhcp-roles/", fabric="999")).json["vlans"] == []
    assert (await world.user.get("dhcp-roles/", limit="0")).status == 400


@pytest_twisted.ensureDeferred
async def test_who_may(world: World) -> None:
    """Everybody reads, administrators swap; a VLAN that is not there is not found."""
    assert (await world.user.post("dhcp-roles/?op=swap", vlan="1")).status == 403
    assert (await world.nobody.get("dhcp-roles/")).status == 401
    assert (await world.admin.post("dhcp-roles/?op=swap", vlan="999")).status == 404
    assert "required" in (await world.admin.post("dhcp-roles/?op=swap")).json["vlan"][0]


@pytest_twisted.ensureDeferred
async def test_a_lost_rack(world: World, notices: Notices) -> None:
    """It has to be away; then its peer takes its place, and it is shown as lost."""
    path = await served(world, notices, "rack-1", "rack-2")
    one = world.racks[0]
    uri = f"rackcontrollers/{one.system_id}/"
    reply = await world.admin.post(f"{uri}?op=declare_lost")
    assert (reply.status, reply.text) == (
        409,
        "rack rack-1 is linked: drain it, or delete it to part with it for good; only a rack that "
        "is away can be declared lost.",
    )
    await world.pool.run(lambda tx: drop_links(tx, [one.link]))
    reply = await world.admin.post(f"{uri}?op=declare_lost")
    assert reply.status == 200, reply.text
    await Appointing(world.pool.run).look(FREE)
    await Obedient(world.pool).carry_out()
    assert (reply.json["lost"] is not None, reply.json["lost_by"]) == (True, "user:admin")
    after = (await world.user.get(path)).json
    assert (after["primary_rack"], after["primary_rack_by"], after["secondary_rack"]) == (
        world.racks[1].system_id,
        "automatic",
        None,
    )
    assert after["dhcp_status"] == "running"
    reply = await world.admin.put(path, secondary_rack="rack-1")
    assert "was declared lost" in reply.json["secondary_rack"][0]
    (rack,) = [each for each in (await world.user.get("cluster/")).json["racks"] if each["lost"]]
    assert (rack["hostname"], rack["lost_by"]) == ("rack-1", "user:admin")
    assert (await world.admin.post("rackcontrollers/xxxxxx/?op=declare_lost")).status == 404


@pytest_twisted.ensureDeferred
async def test_a_deleted_rack_is_nobodys_choice_any_more(world: World, notices: Notices) -> None:
    """Who takes its place was chosen by no person; the other keeps its author."""
    path = await served(world, notices, "rack-1", "rack-2")
    await add_rack(world.pool, world.worker, "rack-3", "10.0.0.3/24")
    await world.admin.delete(f"rackcontrollers/{world.racks[1].system_id}/")
    after = (await world.user.get(path)).json
    assert after["secondary_rack"] is None
    assert (after["primary_rack_by"], after["secondary_rack_by"]) == ("user:admin", "automatic")


@pytest_twisted.ensureDeferred
async def test_orders_on_the_spot_are_shown_and_ended(world: World, notices: Notices) -> None:
    """Whoever may administer ends them; the rack is told with its next look."""
    await served(world, notices, "rack-1", "rack-2")
    one = world.racks[0]
    uri = f"rackcontrollers/{one.system_id}/"
    order = {"number": 4, "kind": "stop", "vlan": None, "since": "2026-01-01T12:00:00+00:00"}
    await world.pool.run(
        lambda tx: tx.execute(
            "update rack set acts = 4, orders = %s where id = %s", json.dumps([order]), one.rack
        )
    )
    (shown,) = (await world.user.get(uri)).json["dhcp_orders"]
    assert (shown["order"], shown["vlan"], shown["until"]) == ("stop", None, None)
    assert (await world.user.post(f"{uri}?op=resume_dhcp")).status == 403
    assert (await world.admin.post(f"{uri}?op=resume_dhcp")).status == 200
    ended = await world.pool.run(
        lambda tx: tx.one("select resume_upto, resume_by from rack where id = %s", one.rack)
    )
    assert ended is not None
    assert (ended.resume_upto, ended.resume_by) == (4, "user:admin")
    assert (await world.admin.post("rackcontrollers/xxxxxx/?op=resume_dhcp")).status == 404
