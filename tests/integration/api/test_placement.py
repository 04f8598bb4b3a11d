"""placement/ and drains/ over HTTP: what is, what is planned and why, what is drained or paused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_twisted

from maasha.db.events import history, open_alarms, raise_alarm
from maasha.db.link_moves import Wanted, begin_moves
from maasha.db.placement import note_evenness
from maasha.db.racks import drop_links, register_link
from maasha.model.cluster import Endpoint, Introduction, WorkerId
from maasha.model.leader import Cause, Hold, Outlook
from maasha.model.placement import Acting
from maasha.region.balancing import SUBJECT, VANISHED, WHO, look
from maasha.region.registration import MAX_LINKS
from tests.integration.api.client import Reply, World, add_rack, add_worker
from tests.integration.api.leading import leading

FILL = """
insert into rack (system_id, hostname, version)
select 'x' || number, 'full-' || number, '' from generate_series(1, %s) number
"""
FILL_LINKS = """
insert into link (rack_id, worker_id, remote)
select id, %s, '' from rack where hostname like 'full-%%'
"""


async def second(world: World) -> WorkerId:
    """Start a region beside the first."""
    return await add_worker(world.pool, "region-2", 0, Endpoint("192.0.2.2", 5250))


async def crowd(world: World) -> None:
    """Have five racks on the first region, which is too many where the second has none."""
    for number in range(3, 6):
        await add_rack(world.pool, world.worker, f"rack-{number}", f"10.0.0.{number}/24")


async def placement(world: World) -> Any:
    """Read it."""
    reply = await world.user.get("placement/")
    assert reply.status == 200, reply.text
    return reply.json


@pytest_twisted.ensureDeferred
async def test_what_is(world: World) -> None:
    """One worker has all; there is nothing to even and it is said why."""
    shown = await placement(world)
    (region,) = shown["regions"]
    (worker,) = region["workers"]
    assert (region["hostname"], region["draining"]) == ("region-1", False)
    assert worker == {
        "slot": 0,
        "links": 2,
        "load": 2.0,
        "capacity": 1.0,
        "draining": False,
        "racks": ["rack-1", "rack-2"],
    }
    assert (shown["ratio"], shown["mean"], shown["links"]) == (1.0, 2.0, 2)
    assert shown["plan"] == {
        "actions": [],
        "links": "there is one open worker only",
        "owners": "there is one open worker only",
        "waiting": [],
    }
    assert (shown["leader"], shown["acknowledged"]) == (None, None)
    assert (shown["pause"], shown["drains"], shown["stops"], shown["under_way"]) == (
        None,
        [],
        [],
        [],
    )


@pytest_twisted.ensureDeferred
async def test_what_is_planned(world: World) -> None:
    """An empty region gets its share: each action has its reason, and nothing is begun by it."""
    await crowd(world)
    await second(world)
    shown = await placement(world)
    assert shown["ratio"] == 2.0
    actions = shown["plan"]["actions"]
    assert 1 < len(actions) < 4
    for action in actions:
        assert (action["action"], action["from"], action["to"]) == (
            "move",
            "region-1/0",
            "region-2/0",
        )
        assert action["reason"] == "the region has more than its share of links"
    assert shown["plan"]["links"] == "it is even"
    assert (await world.user.get("placement/", op="moves")).json["moves"] == []
    assert (await placement(world))["plan"] == shown["plan"]


@pytest_twisted.ensureDeferred
async def test_moves_under_way_count_as_done(world: World) -> None:
    """They are shown, and not planned again."""
    await crowd(world)
    other = await second(world)
    wanted = (Wanted(world.racks[0].link, other, "because"),)
    before = (await placement(world))["plan"]["actions"]
    await world.pool.run(lambda tx: begin_moves(tx, wanted, 20.0))
    shown = await placement(world)
    (going,) = shown["under_way"]
    assert (going["rack"], going["from"], going["to"]) == ("rack-1", "region-1/0", "region-2/0")
    assert len(shown["plan"]["actions"]) == len(before) - 1


@pytest_twisted.ensureDeferred
async def test_moves_by_the_page(world: World) -> None:
    """The newest first; the link to the next page leads to older ones."""
    other = await second(world)
    wanted = [Wanted(rack.link, other, f"because of {rack.system_id}") for rack in world.racks]
    await world.pool.run(lambda tx: begin_moves(tx, wanted, 20.0))
    first = (await world.user.get("placement/", op="moves", limit="1")).json
    assert (first["count"], first["moves"][0]["rack"]) == (1, "rack-2")
    path = first["next_uri"].removeprefix("/MAAS/api/2.0/")
    second_page = (await world.user.get(path)).json
    (move,) = second_page["moves"]
    assert (move["rack"], move["from"], move["to"], move["ended"], move["failure"]) == (
        "rack-1",
        "region-1/0",
        "region-2/0",
        None,
        "",
    )
    reply = await world.user.get("placement/", op="moves", limit="1001")
    assert "from 1 to 1000" in reply.json["limit"][0]


@pytest_twisted.ensureDeferred
async def test_history(world: World) -> None:
    """How even it was, page by page, the newest first, or of a span."""
    for ratio in (1.5, 1.0):
        await world.pool.run(
            lambda tx, ratio=ratio: note_evenness(tx, ratio, 4, 2, rest=0.0)  # type: ignore[misc]
        )
    page = (await world.user.get("placement/", op="history")).json
    noted = page["history"]
    assert [(each["ratio"], each["links"], each["workers"]) for each in noted] == [
        (1.0, 4, 2),
        (1.5, 4, 2),
    ]
    assert (page["count"], page["next_uri"]) == (2, None)
    assert (await world.user.get("placement/", op="history", seconds="60")).json == page
    first = (await world.user.get("placement/", op="history", limit="1", seconds="60")).json
    assert first["history"] == noted[:1]
    path = first["next_uri"].removeprefix("/MAAS/api/2.0/")
    assert (await world.user.get(path)).json["history"] == noted[1:]
    wrong = {"seconds": "0", "limit": "1001", "before": "yesterday"}
    reply = await world.user.get("placement/", op="history", **wrong)
    assert "is not a whole number from 1" in reply.json["seconds"][0]
    assert "from 1 to 1000" in reply.json["limit"][0]
    assert "give one as 2026-01-31T12:00:00Z" in reply.json["before"][0]


@pytest_twisted.ensureDeferred
async def test_a_pause(world: World) -> None:
    """It is in the placement and in the status until somebody resumes, and in the history."""
    reply = await world.admin.call("POST", "placement/?op=pause")
    assert (reply.status, reply.json) == (200, {"pause": {"by": "user:admin", "until": None}})
    shown = await placement(world)
    assert shown["pause"] == reply.json["pause"]
    assert shown["stops"] == ["paused by user:admin until `maasha resume`"]
    assert (await world.user.get("cluster/")).json["pause"] == reply.json["pause"]
    for _ in range(2):
        reply = await world.admin.call("POST", "placement/?op=resume")
        assert (reply.status, reply.json) == (200, {"pause": None})
    assert (await world.user.get("cluster/")).json["pause"] is None
    kinds = [event.kind for event in await world.pool.run(history)]
    assert kinds.count("placement.paused") == kinds.count("placement.resumed") == 1


@pytest_twisted.ensureDeferred
async def test_a_pause_with_an_end(world: World) -> None:
    """So many seconds from now."""
    reply = await world.admin.post("placement/?op=pause", seconds="7200")
    until = datetime.fromisoformat(reply.json["pause"]["until"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    reply = await world.admin.post("placement/?op=pause", seconds="soon")
    assert (reply.status, "is not a whole number" in reply.json["seconds"][0]) == (400, True)


@pytest_twisted.ensureDeferred
async def test_an_alarm_that_stops_moves(world: World) -> None:
    """What the leader's brakes told people stands beside the plan."""
    await world.pool.run(lambda tx: raise_alarm(tx, WHO, SUBJECT, VANISHED, "3 of 4 vanished"))
    assert (await placement(world))["stops"] == ["3 of 4 vanished"]


@pytest_twisted.ensureDeferred
async def test_an_alarm_that_people_know_of(world: World) -> None:
    """Its racks stop nothing any more; it is shown and told who said so. Without one, nothing."""
    reply = await world.admin.call("POST", "placement/?op=acknowledge")
    nothing: dict[str, object] = {"acknowledged": None, "alarm": None, "racks": []}
    assert (reply.status, reply.json) == (200, nothing)
    await world.pool.run(lambda tx: drop_links(tx, [world.racks[1].link]))
    await world.pool.run(lambda tx: raise_alarm(tx, WHO, SUBJECT, VANISHED, "3 of 4 vanished"))
    assert (await world.user.call("POST", "placement/?op=acknowledge")).status == 403
    reply = await world.admin.call("POST", "placement/?op=acknowledge")
    (alarm,) = await world.pool.run(open_alarms)
    assert reply.json == {
        "acknowledged": {"by": "user:admin", "until": alarm.at.isoformat()},
        "alarm": "3 of 4 vanished",
        "racks": ["rack-2"],
    }
    assert (await placement(world))["acknowledged"] == reply.json["acknowledged"]
    assert (await world.pool.run(look)).known_until == alarm.at


@pytest_twisted.ensureDeferred
async def test_some_racks_that_people_know_of(world: World) -> None:
    """Who is named counts no more, under either name; nobody is let go by a wrong one."""
    two, three = world.racks[1], await add_rack(world.pool, world.worker, "rack-3", "10.0.0.3/24")
    await world.pool.run(lambda tx: drop_links(tx, [two.link, three.link]))
    await world.pool.run(lambda tx: raise_alarm(tx, WHO, SUBJECT, VANISHED, "2 of 3 vanished"))

    async def say(*names: str) -> Reply:
        form = [("rack", name) for name in names]
        return await world.admin.call("POST", "placement/?op=acknowledge", data=form)

    reply = await say("rack-9", two.system_id, "rack-1")
    unknown, linked = reply.json["rack"]
    assert (reply.status, unknown.startswith("'rack-9' is no rack's")) == (400, True)
    assert linked.startswith("Rack rack-1 is not away")
    assert (await world.pool.run(look)).known == {}
    reply = await say(two.system_id)
    assert (reply.status, reply.json["racks"], reply.json["alarm"]) == (
        200,
        ["rack-2"],
        "2 of 3 vanished",
    )
    assert reply.json["acknowledged"]["by"] == "user:admin"
    seen = await world.pool.run(look)
    assert (set(seen.known), seen.known_until) == ({two.rack}, None)


@pytest_twisted.ensureDeferred
async def test_what_the_leader_has_in_mind(world: World) -> None:
    """Another worker leads: why it holds still, until when, and what it goes on to even."""
    await second(world)
    seats = [(world.worker, 6), (world.worker, 7)]
    for worker, number in seats:
        await add_rack(world.pool, worker, f"rack-{number}", f"10.0.0.{number}/24")
    hold = Hold(Cause.LEADER_NEW, "the leader is new", datetime.now(UTC) + timedelta(hours=1))
    over = Hold(Cause.GAP_ENDED, "the database was away", datetime.now(UTC) - timedelta(hours=1))
    since = datetime.now(UTC) - timedelta(minutes=1)
    outlook = Outlook(since, (over, hold), acting=Acting(links=True))
    async with leading(world, outlook):
        shown = await placement(world)
    told = shown["leader"]
    assert (told["worker"], told["state"], told["settled"]) == ("region-1/0", "holds still", True)
    assert told["holds"] == [
        {
            "cause": "leader-new",
            "reason": "the leader is new",
            "until": hold.until and hold.until.isoformat(),
        }
    ]
    assert told["evening"] == {"links": True, "owners": False}
    assert shown["stops"] == ["the leader is new"]
    assert (await placement(world))["leader"] is None


@pytest_twisted.ensureDeferred
async def test_the_plan_is_the_leaders(world: World) -> None:
    """One that is evening goes on to the inner band, where one that begins would do nothing."""
    other = await second(world)
    for number in range(3, 8):
        await add_rack(world.pool, world.worker, f"rack-{number}", f"10.0.0.{number}/24")
    for number in range(8, 13):
        await add_rack(world.pool, other, f"rack-{number}", f"10.0.0.{number}/24")
    assert (await placement(world))["plan"]["links"] == "it is not even, but not enough to act"
    async with leading(world, Outlook(datetime.now(UTC), acting=Acting(links=True))):
        shown = await placement(world)
    assert len(shown["plan"]["actions"]) == 1
    assert shown["plan"]["links"] == "it is even"


@pytest_twisted.ensureDeferred
async def test_links_that_stay_together(world: World) -> None:
    """They were moved lately: it is said which rack waits, until when, and why."""
    await second(world)
    beside = await add_worker(world.pool, "region-1", 1, Endpoint("192.0.2.1", 5251))
    rack = world.racks[0]
    again = Introduction("rack-1", "0.1.0", rack.system_id)
    await world.pool.run(lambda tx: register_link(tx, again, beside, "192.0.2.9:4"))
    await world.pool.run(lambda tx: tx.execute("update link set moved = clock_timestamp()"))
    (waits,) = (await placement(world))["plan"]["waiting"]
    assert waits["rack"] == "rack-1"
    assert waits["reason"].startswith("rack rack-1 has both links on region region-1 until ")


@pytest_twisted.ensureDeferred
async def test_a_region_is_drained(world: World) -> None:
    """By name or id; its links are planned to go, and the status shows what is left of them."""
    await second(world)
    reply = await world.admin.post("drains/", region="region-1")
    assert reply.status == 200, reply.text
    drain = reply.json
    lasts = datetime.fromisoformat(drain["expires"]) - datetime.fromisoformat(drain["since"])
    assert abs(lasts - timedelta(hours=4)) < timedelta(seconds=1)
    assert (drain["kind"], drain["name"], drain["at_end"], drain["remaining"]) == (
        "region",
        "region-1",
        "undo",
        2,
    )
    assert (await world.user.get("drains/")).json == [drain]
    assert (await world.user.get(f"drains/{drain['id']}/")).json == drain
    assert (await world.user.get("cluster/")).json["drains"] == [drain]
    shown = await placement(world)
    assert shown["drains"] == [drain]
    assert [region["draining"] for region in shown["regions"]] == [True, False]
    assert {(each["action"], each["reason"]) for each in shown["plan"]["actions"]} == {
        ("move", "the worker is draining")
    }
    again = await world.admin.post("drains/", region=drain["system_id"], at_end="alarm")
    assert (again.json["id"], again.json["at_end"]) == (drain["id"], "alarm")


@pytest_twisted.ensureDeferred
async def test_a_drain_is_undone(world: World) -> None:
    """Then it is not there any more; both are in the history."""
    await second(world)
    drain = (await world.admin.post("drains/", worker="region-1/0", seconds="60")).json
    assert (drain["kind"], drain["name"]) == ("worker", "region-1/0")
    assert (await world.admin.delete(f"drains/{drain['id']}/")).status == 204
    for method in ("GET", "DELETE"):
        reply = await world.admin.call(method, f"drains/{drain['id']}/")
        assert (reply.status, reply.text) == (404, "No Drain matches the given query.")
    assert (await world.user.get("drains/x/")).status == 404
    events = (await world.user.get("events/", subject="worker:region-1/0")).json["events"]
    assert [(event["type"], event["username"]) for event in events] == [
        ("drain.ended", "user:admin"),
        ("drain.begun", "user:admin"),
    ]


@pytest_twisted.ensureDeferred
async def test_a_rack_is_drained(world: World) -> None:
    """It is recorded and shown; what it has is not counted any more."""
    drain = (await world.admin.post("drains/", rack="rack-1")).json
    assert (drain["kind"], drain["name"], drain["remaining"]) == ("rack", "rack-1", 0)
    shown = await placement(world)
    assert shown["regions"][0]["workers"][0]["load"] == 1.0


@pytest.mark.parametrize(
    ("field", "value"),
    [("region", "region-1"), ("worker", "region-1/0")],
)
@pytest_twisted.ensureDeferred
async def test_the_last_one_stays(world: World, field: str, value: str) -> None:
    """The sentence names the field, the value and what would mend it."""
    reply = await world.admin.post("drains/", **{field: value})
    assert reply.status == 409
    assert reply.text.startswith(f"{field}={value} cannot be drained: nobody else would take")
    assert "undo another drain, or start another worker" in reply.text
    assert (await world.user.get("drains/")).json == []


@pytest_twisted.ensureDeferred
async def test_of_two_the_second_stays(world: World) -> None:
    """Where one is drained the other is the last."""
    await second(world)
    assert (await world.admin.post("drains/", region="region-2")).status == 200
    assert (await world.admin.post("drains/", region="region-1")).status == 409


@pytest_twisted.ensureDeferred
async def test_no_room(world: World) -> None:
    """Where the others are full but for one link, two do not go there."""
    other = await second(world)
    await world.pool.run(lambda tx: tx.execute(FILL, MAX_LINKS - 1))
    await world.pool.run(lambda tx: tx.execute(FILL_LINKS, other))
    reply = await world.admin.post("drains/", region="region-1")
    assert (reply.status, "2 links would have to go where there is room for 1" in reply.text) == (
        409,
        True,
    )


@pytest_twisted.ensureDeferred
async def test_a_dead_worker_has_nothing_to_drain(world: World) -> None:
    """It is not there."""
    other = await second(world)
    await world.pool.run(
        lambda tx: tx.execute(
            "update worker set heartbeat = heartbeat - interval '9 s' where id = %s", other
        )
    )
    for fields in ({"region": "region-2"}, {"worker": "region-2/0"}):
        reply = await world.admin.post("drains/", **fields)
        assert (reply.status, "nothing to empty" in reply.text) == (409, True)


@pytest_twisted.ensureDeferred
async def test_the_only_rack_of_a_vlan_stays(world: World) -> None:
    """The VLAN is named as people know it."""
    await world.pool.run(
        lambda tx: tx.execute(
            "insert into service (vlan_id, rack_id, asked, running)"
            """ select 1, %s, '{"duty": "solo"}', '{"duty": "solo"}'""",
            world.racks[0].rack,
        )
    )
    reply = await world.admin.post("drains/", rack=world.racks[0].system_id)
    assert (reply.status, "DHCP on VLAN fabric-0.untagged" in reply.text) == (409, True)


@pytest_twisted.ensureDeferred
async def test_wrong_words(world: World) -> None:
    """What is unknown, or no such value, or too much, is named with its mend."""
    for field, value, words in (
        ("region", "region-9", "'region-9' is no region's host name or system id"),
        ("rack", "rack-9", "'rack-9' is no rack's host name or system id"),
        ("worker", "region-1/7", "no worker 'region-1/7' runs"),
        ("worker", "region-9/0", "no worker 'region-9/0' runs"),
        ("worker", "region-1", "give one as region-1/0"),
    ):
        reply = await world.admin.post("drains/", **{field: value})
        assert (reply.status, words in reply.json[field][0]) == (400, True), reply.text
    reply = await world.admin.post("drains/", region="region-1", at_end="never")
    assert "give one of undo, alarm" in reply.json["at_end"][0]
    for fields in ({}, {"region": "region-1", "rack": "rack-1"}):
        reply = await world.admin.post("drains/", **fields)
        assert (reply.status, "give exactly one" in reply.text) == (400, True)


@pytest_twisted.ensureDeferred
async def test_changes_are_for_administrators(world: World) -> None:
    """Everybody may look."""
    for method, path in (
        ("POST", "drains/"),
        ("DELETE", "drains/1/"),
        ("POST", "placement/?op=pause"),
        ("POST", "placement/?op=resume"),
    ):
        assert (await world.user.call(method, path)).status == 403
    for path in ("drains/", "placement/", "placement/?op=moves", "placement/?op=history"):
        assert (await world.user.get(path)).status == 200
        assert (await world.nobody.get(path)).status == 401


@pytest_twisted.ensureDeferred
async def test_clients_learn_of_it(world: World) -> None:
    """describe/ has the nouns and operations, with what their fields mean."""
    described = (await world.nobody.get("describe/")).json["resources"]
    by_name = {resource["name"]: resource["auth"] for resource in described}
    actions = {each["name"]: each for each in by_name["PlacementHandler"]["actions"]}
    assert {name: each["method"] for name, each in actions.items()} == {
        "read": "GET",
        "moves": "GET",
        "history": "GET",
        "pause": "POST",
        "resume": "POST",
        "acknowledge": "POST",
    }
    assert ":param seconds: (optional)" in actions["pause"]["doc"]
    create = next(e for e in by_name["DrainsHandler"]["actions"] if e["name"] == "create")
    for field in ("region", "worker", "rack", "seconds", "at_end"):
        assert f":param {field}: (optional)" in create["doc"]
    assert by_name["DrainHandler"]["params"] == ["id"]


@pytest_twisted.ensureDeferred
async def test_two_links_of_one_rack(world: World) -> None:
    """Where each other worker has one already, a drained worker's link is planned to be closed."""
    other = await second(world)
    rack = world.racks[0]
    introduction = Introduction("rack-1", "0.1.0", rack.system_id)
    await world.pool.run(lambda tx: register_link(tx, introduction, other, "192.0.2.9:1"))
    assert (await world.admin.post("drains/", region="region-1")).status == 200
    actions = (await placement(world))["plan"]["actions"]
    of_rack = [(each["action"], each["to"]) for each in actions if each["rack"] == "rack-1"]
    assert of_rack == [("hand-over", "region-2/0"), ("close", None)]
