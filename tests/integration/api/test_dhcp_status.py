"""How DHCP stands, what the size of pools means, and taking over, over the API."""

from __future__ import annotations

from typing import Any

import pytest_twisted

from maasha.db.notices import Notices
from maasha.db.pools import store_counts
from maasha.db.racks import drop_links
from maasha.model.network import VlanId
from maasha.model.pools import PoolCount
from tests.integration.api.client import World
from tests.integration.api.obedient import Obedient
from tests.integration.api.test_dhcp import during
from tests.integration.api.test_dhcp_roles import served

RELAYED = """
insert into vlan (fabric_id, vid, relay_vlan) select fabric_id, 9, id from vlan
where dhcp_on returning id
"""
CUT = "update service set state = 'communications-interrupted' where rack_id = %s"


async def standing(world: World, **fields: str) -> Any:
    """Read how the VLAN stands."""
    reply = await world.user.get("dhcp-status/", **fields)
    assert reply.status == 200, reply.text
    return reply.json[0]


async def alone(world: World, notices: Notices) -> tuple[str, VlanId]:
    """Serve the VLAN by a pair and lose the primary; gives the VLAN's path and id."""
    path = await served(world, notices, "rack-1", "rack-2")
    one, two = world.racks
    vlan = VlanId((await world.user.get(path)).json["id"])
    counts = [PoolCount(vlan, 50, 26, 20, active=4)]
    await world.pool.run(lambda tx: store_counts(tx, two.rack, counts))
    await world.pool.run(lambda tx: drop_links(tx, [one.link]))
    await world.pool.run(lambda tx: tx.execute(CUT, two.rack))
    return path, vlan


@pytest_twisted.ensureDeferred
async def test_who_serves_alone(world: World, notices: Notices) -> None:
    """The states, what they mean, and what is left."""
    _, vlan = await alone(world, notices)
    seen = await standing(world)
    assert (seen["id"], seen["standing"], seen["addresses"]) == (vlan, "alone", 50)
    assert (seen["take_over_after"], seen["endurance_bound"]) == (0, 24)
    one, two = seen["racks"]
    assert (one["rack"], one["linked"], one["serves"]) == ("rack-1", False, False)
    assert (two["state"], two["serves"]) == ("communications-interrupted", True)
    assert two["pools"]["backup"] == 20
    assert seen["endurance"]["addresses_left"] == 20
    assert (await standing(world, vlan=str(vlan)))["id"] == vlan
    assert (await world.user.get("dhcp-status/", vlan="999")).status == 404


@pytest_twisted.ensureDeferred
async def test_a_relayed_vlan_is_listed(world: World, notices: Notices) -> None:
    """With the racks of the VLAN that it is relayed to, alone or among the others."""
    _, vlan = await alone(world, notices)
    relayed = await world.pool.run(lambda tx: tx.value(RELAYED))
    only = await standing(world, vlan=str(relayed))
    assert (only["id"], only["relay_vlan"]["id"], only["dhcp_on"]) == (relayed, vlan, True)
    assert (only["standing"], len(only["racks"])) == ("alone", 2)
    both = (await world.user.get("dhcp-status/")).json
    assert only["racks"] == next(one for one in both if one["id"] == relayed)["racks"]


@pytest_twisted.ensureDeferred
async def test_taking_over(world: World, notices: Notices) -> None:
    """An administrator vouches for the host that is off; refusals say why."""
    _, vlan = await alone(world, notices)
    fields = {"vlan": str(vlan), "off": "rack-1"}
    assert (await world.user.post("dhcp-status/?op=takeover", **fields)).status == 403
    wrong = await world.admin.post("dhcp-status/?op=takeover", vlan=str(vlan), off="rack-2")
    assert (wrong.status, "rack-1 is" in wrong.text) == (409, True)
    none = await world.admin.post("dhcp-status/?op=takeover", vlan=str(vlan))
    assert (none.status, list(none.json)) == (400, ["off"])
    obedient = Obedient(world.pool)
    reply = await during(
        notices, obedient, lambda: world.admin.post("dhcp-status/?op=takeover", **fields)
    )
    assert reply.status == 200, reply.text
    assert (reply.json["survivor"], reply.json["off"]) == ("rack-2", "rack-1")
    assert (reply.json["taken_over"], reply.json["dhcp_status"]) == ([vlan], "running")
    seen = await standing(world)
    assert seen["standing"] == "taken-over"
    assert seen["racks"][0]["taken_over_by"] == "user:admin"


@pytest_twisted.ensureDeferred
async def test_answers_advise_on_the_size_of_pools(world: World, notices: Notices) -> None:
    """Of a VLAN and of its ranges; nothing is refused for it."""
    path = await served(world, notices, "rack-1", "rack-2")
    reply = await world.admin.put(path, description="lan")
    assert any("half of the 50 free addresses" in words for words in reply.json["advice"])
    obedient = Obedient(world.pool)
    reply = await during(
        notices,
        obedient,
        lambda: world.admin.post(
            "ipranges/", type="dynamic", start_ip="10.0.0.100", end_ip="10.0.0.109"
        ),
    )
    assert any("half of the 60 free addresses" in words for words in reply.json["advice"])
    kept = {"type": "reserved", "start_ip": "10.0.0.120", "end_ip": "10.0.0.121"}
    assert (await world.admin.post("ipranges/", **kept)).json["advice"] == []


@pytest_twisted.ensureDeferred
async def test_what_a_vlan_allows(world: World, notices: Notices) -> None:
    """Numbers with their bounds; what is wrong is refused by its name."""
    path = await served(world, notices, "rack-1", "rack-2")
    reply = await world.admin.put(path, take_over_after="600", endurance_bound="0")
    assert (reply.json["take_over_after"], reply.json["endurance_bound"]) == (600, 0)
    reply = await world.admin.put(path, take_over_after="60", endurance_bound="721")
    assert "from 120 to 604800; give one, or 0 for never" in reply.json["take_over_after"][0]
    assert "or 0 for no alarm" in reply.json["endurance_bound"][0]
