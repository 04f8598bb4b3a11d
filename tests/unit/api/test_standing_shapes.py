"""How DHCP stands, as JSON."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from maasha.api.standing_shapes import Network, advice_of, standing_json
from maasha.db.vlans import VlanRow
from maasha.model.event import Event, EventId
from maasha.model.network import VlanId
from maasha.model.orders import OrderKind
from maasha.model.standing import VlanStanding
from tests.unit.api.samples import ONE, TWO, VLAN
from tests.unit.dhcp.standings import ALONE, PAIR, TAKEN, at

ROW = evolve(VLAN, dhcp_on=True, primary=ONE, secondary=TWO)


def alarm(subject: str) -> Event:
    """Give an open alarm about something."""
    return Event(EventId(1), at(5), "leader", subject, "dhcp.alone", "alarm", "alone", None)


def shown(now: VlanStanding, row: VlanRow = ROW, home: VlanRow | None = None) -> dict[str, Any]:
    """Show a VLAN ten seconds after noon."""
    alarms = [alarm("vlan:7"), alarm("vlan:8")]
    return dict(standing_json(Network(row, home or row, 100), now, alarms, at(10)))


def test_a_vlan_with_one_server() -> None:
    """Its alarm, what its racks say, what that means, and how long it lasts."""
    found = shown(ALONE)
    assert (found["standing"], found["meaning"]) == ("alone", "one rack of two serves")
    assert found["endurance"] == {
        "rack": "rack2",
        "addresses_left": 20,
        "clients_per_hour": 60.0,
        "hours": 0.33,
    }
    assert [one["kind"] for one in found["alarms"]] == ["dhcp.alone"]
    gone, left = found["racks"]
    assert (gone["rack"], gone["place"], gone["serves"], gone["linked"]) == (
        "rack1",
        "primary",
        False,
        False,
    )
    assert (left["state"], left["serves"]) == ("communications-interrupted", True)
    assert "half of the free addresses" in left["meaning"]
    assert left["pools"] == {
        "total": 100,
        "free": 30,
        "backup": 20,
        "active": 45,
        "returning": 3,
        "abandoned": 2,
        "own": "backup",
        "age": 10.0,
    }
    assert any("half" in words for words in found["advice"])


def test_a_vlan_that_was_taken_over() -> None:
    """The one that is off says nothing; the other has no state of a peer."""
    found = shown(TAKEN)
    gone, left = found["racks"]
    assert (gone["taken_over_by"], gone["taken_over_since"]) == ("user:admin", at(0).isoformat())
    assert (gone["state"], gone["since"], gone["pools"]) == (None, None, None)
    assert (left["role"], left["state"], left["meaning"]) == ("solo", None, "")


def test_what_was_ordered_on_the_spot_is_shown() -> None:
    """Of each rack for itself."""
    one, two = PAIR.members
    found = shown(evolve(PAIR, members=(evolve(one, ordered=OrderKind.STOP), two)))
    assert [each["ordered"] for each in found["racks"]] == ["stop", None]


def test_a_vlan_without_dhcp_or_numbers() -> None:
    """What is not known is null."""
    bare = tuple(evolve(each, count=None, counted=None) for each in PAIR.members)
    found = shown(evolve(PAIR, dhcp_on=False), evolve(ROW, dhcp_on=False))
    assert (found["standing"], found["endurance"], found["advice"]) == ("off", None, [])
    found = shown(evolve(PAIR, members=bare))
    assert found["endurance"] is None
    assert [one["pools"] for one in found["racks"]] == [None, None]
    one = evolve(PAIR, members=(evolve(PAIR.members[0], counted=None),))
    assert [each["pools"]["age"] for each in shown(one)["racks"]] == [None]


def test_a_place_without_a_rack_is_left_out() -> None:
    """So is a rack that was deleted meanwhile."""
    assert [one["rack"] for one in shown(PAIR, evolve(ROW, secondary=None))["racks"]] == ["rack1"]
    assert shown(evolve(PAIR, members=()))["racks"] == []


def test_no_advice_where_dhcp_is_off() -> None:
    """There is no pool then."""
    off = evolve(ROW, dhcp_on=False)
    assert advice_of(Network(off, off, 100), PAIR) == ()
    assert advice_of(Network(ROW, ROW, 100), None)


def test_a_vlan_that_is_relayed() -> None:
    """It is on where its racks have their places, in which they are shown."""
    relays = evolve(VLAN, id=VlanId(8), vid=8, relay=ROW.id)
    found = shown(evolve(PAIR, vlan=relays.id, relay=ROW.id), relays, ROW)
    assert (found["id"], found["relay_vlan"]["id"]) == (8, 7)
    assert (found["dhcp_on"], found["standing"]) == (True, "pair")
    assert [one["place"] for one in found["racks"]] == ["primary", "secondary"]
    assert found["endurance"]["addresses_left"] == 20
    assert any("one of the two racks" in words for words in found["advice"])
    assert shown(PAIR)["relay_vlan"] is None
