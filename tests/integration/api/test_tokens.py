"""tokens/ and the racks that were ours, over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest_twisted

from maasha.db.rotation import begin_rotation
from maasha.db.strays import note_stray
from maasha.model.cluster import Introduction, SystemId
from maasha.model.token import parse_token
from tests.integration.api.client import World

STRAY = Introduction("rack-9", "0.1.0", SystemId("gh3kmn"))


async def stray(world: World, introduction: Introduction = STRAY) -> None:
    """Have a rack come that was ours."""
    await world.pool.run(lambda tx: note_stray(tx, introduction, "192.0.2.9:40000"))


@pytest_twisted.ensureDeferred
async def test_a_token_is_shown_once(world: World) -> None:
    """It is made for an hour unless told; the list has all but what it proves."""
    made = (await world.admin.post("tokens/", expires="30m")).json
    assert parse_token(made["token"]).id == made["id"]
    lasts = datetime.fromisoformat(made["expires"]) - datetime.fromisoformat(made["created"])
    assert abs(lasts - timedelta(minutes=30)) < timedelta(seconds=1)
    (listed,) = (await world.admin.get("tokens/")).json
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert (await world.admin.get(f"tokens/{made['id']}/")).json == listed
    assert listed["created_by"] == "user:admin"
    assert (await world.admin.delete(f"tokens/{made['id']}/")).status == 204
    assert (await world.admin.get("tokens/")).json == []
    for method in ("GET", "DELETE"):
        assert (await world.admin.call(method, f"tokens/{made['id']}/")).status == 404


@pytest_twisted.ensureDeferred
async def test_a_wrong_time_is_refused(world: World) -> None:
    """With how to write it."""
    reply = await world.admin.post("tokens/", expires="soon")
    assert reply.status == 400
    assert "write it as 30m, 1h or 7d" in reply.json["expires"][0]


@pytest_twisted.ensureDeferred
async def test_tokens_are_for_administrators(world: World) -> None:
    """They let hosts into the instance."""
    for method, path in (
        ("GET", "tokens/"),
        ("POST", "tokens/"),
        ("GET", "tokens/x/"),
        ("DELETE", "tokens/x/"),
        ("POST", "rackcontrollers/gh3kmn/?op=readmit"),
    ):
        assert (await world.user.call(method, path)).status == 403


@pytest_twisted.ensureDeferred
async def test_a_rack_that_was_ours_is_listed_and_readmitted(world: World) -> None:
    """By one call, under its own system id; then it is a rack like the others."""
    await stray(world)
    (listed,) = (await world.user.get("rackcontrollers/", op="unknown")).json
    assert (listed["system_id"], listed["hostname"], listed["serving"]) == (
        "gh3kmn",
        "rack-9",
        True,
    )
    assert (await world.user.get("cluster/")).json["unknown_racks"] == [listed]
    reply = await world.admin.call("POST", "rackcontrollers/gh3kmn/?op=readmit")
    assert (reply.status, reply.json["system_id"]) == (200, "gh3kmn")
    assert (await world.user.get("rackcontrollers/", op="unknown")).json == []
    assert (await world.user.get("rackcontrollers/gh3kmn/")).json["hostname"] == "rack-9"
    again = await world.admin.call("POST", "rackcontrollers/gh3kmn/?op=readmit")
    assert again.status == 404


@pytest_twisted.ensureDeferred
async def test_a_name_that_is_taken_is_a_conflict(world: World) -> None:
    """The answer names the rack that has it."""
    await stray(world, Introduction("rack-1", "0.1.0", SystemId("gh3kmn")))
    reply = await world.admin.call("POST", "rackcontrollers/gh3kmn/?op=readmit")
    assert reply.status == 409
    assert world.racks[0].system_id in reply.text


@pytest_twisted.ensureDeferred
async def test_a_rack_that_was_ours_may_be_deleted(world: World) -> None:
    """Then it is to hear, when it comes again, that it was."""
    await stray(world)
    assert (await world.admin.delete("rackcontrollers/gh3kmn/")).status == 204
    assert (await world.user.get("rackcontrollers/", op="unknown")).json == []
    buried = "select deleted is not null from rack where system_id = 'gh3kmn'"
    assert await world.pool.run(lambda tx: tx.value(buried))


@pytest_twisted.ensureDeferred
async def test_the_status_says_that_a_rotation_is_open(world: World) -> None:
    """Since when; and each noun stands in describe/ once."""
    assert (await world.user.get("cluster/")).json["secret_rotation_since"] is None
    await world.pool.run(lambda tx: begin_rotation(tx, "maasha-region"))
    since = (await world.user.get("cluster/")).json["secret_rotation_since"]
    assert datetime.fromisoformat(since).tzinfo is not None
    described = (await world.nobody.get("describe/")).json["resources"]
    names = [resource["name"] for resource in described]
    assert len(names) == len(set(names))
    assert {"TokensHandler", "TokenHandler"} <= set(names)
