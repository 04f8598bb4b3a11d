"""Snippets of dhcpd.conf over the API."""

from __future__ import annotations

import pytest_twisted

from maasha.db.snippets import leave_out
from maasha.model.options import SnippetId
from tests.integration.api.client import Reply, World
from tests.integration.api.test_networks import refused

DOMAIN = 'option domain-name "a";'


@pytest_twisted.ensureDeferred
async def test_life_of_a_snippet(world: World) -> None:
    """It is made for a subnet, changed, given an old text again, and deleted; by id or name."""
    made = await world.admin.post("dhcp-snippets/", name="own", value=DOMAIN, subnet="1")
    assert made.status == 200, made.text
    assert (made.json["subnet"]["id"], made.json["global_snippet"]) == (1, False)
    path = f"dhcp-snippets/{made.json['id']}/"
    other = DOMAIN.replace("a", "b")
    changed = (await world.admin.put("dhcp-snippets/own/", value=other, global_snippet="true")).json
    assert (changed["value"], changed["subnet"], changed["global_snippet"]) == (other, None, True)
    assert [each["value"] for each in changed["history"]] == [other, DOMAIN]
    reverted = (await world.admin.post(f"{path}?op=revert", to="-1")).json
    assert reverted["value"] == DOMAIN
    newest = reverted["history"][1]["id"]
    assert (await world.admin.post(f"{path}?op=revert", to=str(newest))).json["value"] == other
    assert [each["name"] for each in (await world.user.get("dhcp-snippets/")).json] == ["own"]
    assert (await world.admin.put(path, enabled="false")).json["enabled"] is False
    assert (await world.admin.delete(path)).status == 204
    assert (await world.admin.get(path)).status == 404


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_a_snippet(world: World) -> None:
    """The field is named, and nothing is made."""

    async def tried(**fields: str) -> Reply:
        return await world.admin.post("dhcp-snippets/", **{"name": "x", "value": DOMAIN, **fields})

    for fields, field, words in (
        ({"value": "on commit { }"}, "value", "on is refused"),
        ({"value": "a 1"}, "value", "semicolon"),
        ({"subnet": "1", "global_snippet": "true"}, "global_snippet", "name one place"),
        ({"subnet": "1", "iprange": "1"}, "iprange", "name one of them"),
    ):
        await refused(await tried(**fields), field, words)
    assert (await tried(subnet="999")).status == 404
    await refused(await tried(global_snippet="false"), "global_snippet", "give subnet or iprange")
    held = await world.admin.post(
        "ipranges/", type="reserved", start_ip="10.0.0.3", end_ip="10.0.0.9"
    )
    await refused(await tried(iprange=str(held.json["id"])), "iprange", "is not handed out")
    await tried()
    await refused(await tried(), "name", "exists already")
    (only,) = (await world.user.get("dhcp-snippets/")).json
    reply = await world.admin.post(f"dhcp-snippets/{only['id']}/?op=revert", to="-7")
    await refused(reply, "to", "is no text of this snippet")


@pytest_twisted.ensureDeferred
async def test_one_that_dhcpd_refused(world: World) -> None:
    """Its words are shown until the text is another, with an alarm."""
    made = (await world.admin.post("dhcp-snippets/", name="bad", value=DOMAIN)).json
    await world.pool.run(
        lambda tx: leave_out(tx, SnippetId(made["id"]), "rack:abc", "line 3: no such option")
    )
    path = f"dhcp-snippets/{made['id']}/"
    assert (await world.user.get(path)).json["refusal"] == "line 3: no such option"
    newest = (await world.user.get("events/")).json["events"][0]
    assert (newest["type"], newest["level"]) == ("dhcp.snippet-refused", "ALARM")
    changed = (await world.admin.put(path, value=DOMAIN.replace("a", "c"))).json
    assert changed["refusal"] == ""
    events = (await world.user.get("events/")).json["events"]
    assert any(each["clears"] == newest["id"] for each in events)


@pytest_twisted.ensureDeferred
async def test_a_place_with_a_snippet_stays(world: World) -> None:
    """A range or a subnet is not deleted under its snippet; other words for it are no change."""
    range_ = {"start_ip": "10.0.0.50", "end_ip": "10.0.0.59"}
    held = (await world.admin.post("ipranges/", type="dynamic", **range_)).json
    made = await world.admin.post(
        "dhcp-snippets/", name="pool", value="min-lease-time 9;", iprange=str(held["id"])
    )
    reply = await world.admin.delete(f"ipranges/{held['id']}/")
    assert (reply.status, "in use by snippet pool" in reply.text) == (409, True)
    path = f"dhcp-snippets/{made.json['id']}/"
    await world.pool.run(lambda tx: leave_out(tx, SnippetId(made.json["id"]), "rack:abc", "no"))
    renamed = (await world.admin.put(path, name="other", description="words")).json
    assert (renamed["name"], renamed["refusal"]) == ("other", "no")
    assert (await world.admin.delete(path)).status == 204
    assert (await world.admin.delete(f"ipranges/{held['id']}/")).status == 204
