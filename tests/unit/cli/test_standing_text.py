"""What `maasha dhcp status` and `maasha dhcp takeover` show."""

from __future__ import annotations

from hypothesis import given

from maasha.cli.standing_text import standing_text, taken_over_text
from tests.unit.cli.test_shape import json_values

RACK1 = {
    "rack": "rack1",
    "place": "primary",
    "serves": False,
    "role": "primary",
    "state": "unknown",
    "since": "2026-01-02T12:00:00.123+00:00",
    "meaning": "its dhcpd says nothing",
    "mend": "look at the rack",
    "taken_over_by": None,
    "pools": None,
}
RACK2 = {
    "rack": "rack2",
    "place": "secondary",
    "serves": True,
    "role": "secondary",
    "state": "communications-interrupted",
    "since": "2026-01-02T12:00:00.123+00:00",
    "meaning": "it serves, but does not reach its peer",
    "mend": "",
    "pools": {"free": 30, "backup": 20, "active": 45, "returning": 3, "total": 100},
}
ALONE = {
    "id": 5001,
    "fabric": "fabric-0",
    "vid": 0,
    "dhcp_on": True,
    "standing": "alone",
    "meaning": "one rack of two serves",
    "racks": [RACK1, RACK2],
    "endurance": {"rack": "rack2", "addresses_left": 20, "clients_per_hour": 100.0, "hours": 0.2},
    "endurance_bound": 24,
    "alarms": [{"kind": "dhcp.alone", "detail": "rack2 serves alone, as rack1 is away"}],
    "advice": ["Leases of 7200 s keep addresses"],
}
OFF = {"id": 5002, "fabric": "fabric-1", "vid": 0, "dhcp_on": False, "standing": "off"}


def lasting(hours: float | None) -> str:
    """Give the last column for an endurance."""
    endurance = {"rack": "rack2", "addresses_left": 1, "clients_per_hour": 1, "hours": hours}
    line = standing_text([ALONE | {"endurance": endurance, "alarms": []}]).splitlines()[1]
    return line.split("  ")[-1].strip()


def test_all_vlans_are_a_table_with_their_alarms() -> None:
    """One on which DHCP is off is left out."""
    heads, row, *alarm = standing_text([ALONE, OFF]).splitlines()
    assert heads.split() == ["VLAN", "FABRIC", "VID", "STANDING", "LEFT", "CLIENTS/H", "LASTS"]
    assert row.split() == ["5001", "fabric-0", "0", "alone", "20", "100.0", "12", "min"]
    assert alarm == ["    dhcp.alone: rack2 serves alone, as rack1 is away"]


def test_one_vlan_is_shown_with_all_that_is_known() -> None:
    """States in words, what to do, how long it lasts, and advice."""
    shown = standing_text([ALONE], whole=True)
    assert "one rack of two serves" in shown
    assert "2026-01-02 12:00:00" in shown
    assert "rack1: its dhcpd says nothing. look at the rack" in shown
    assert "rack2: it serves, but does not reach its peer\n" in shown
    words = " ".join(shown.split())
    assert "rack2 has 20 addresses for new clients, of whom 100.0 an hour came lately" in words
    assert "it lasts 12 min (alarm below 24 h when alone)" in words
    assert "Advice: Leases of 7200 s keep addresses" in shown


def test_a_pair_is_shown_with_what_either_would_have() -> None:
    """Nothing is wrong then, so no state is explained."""
    racks = [rack | {"state": "normal"} for rack in (RACK1, RACK2)]
    pair = ALONE | {"standing": "pair", "racks": racks, "alarms": [], "advice": []}
    words = " ".join(standing_text([pair], whole=True).split())
    assert "If the other died now, rack2 would have 20 addresses" in words
    assert "says nothing" not in words


def test_a_take_over_is_shown_with_who_did_it() -> None:
    """And since when."""
    taken = RACK1 | {
        "state": None,
        "taken_over_by": "user:ann",
        "taken_over_since": "2026-01-02T13:00:00.5+00:00",
    }
    shown = standing_text([ALONE | {"racks": [taken, RACK2]}], whole=True)
    assert "rack1: its peer took over at 2026-01-02 13:00:00, says user:ann" in shown


def test_what_was_ordered_on_the_spot_is_shown() -> None:
    """By whom is in the alarm about the rack."""
    shown = standing_text([ALONE | {"racks": [RACK1 | {"ordered": "stop"}, RACK2]}], whole=True)
    assert "rack1: a person ordered it on the spot: stop" in shown


def test_hours_as_people_read_them() -> None:
    """Minutes, hours, days, or without end."""
    assert lasting(0.0) == "0 min"
    assert lasting(3.25) == "3.2 h"
    assert lasting(96.0) == "4 d"
    assert lasting(None) == "without end"
    assert standing_text([ALONE | {"endurance": None}]).splitlines()[1].endswith("-")


def test_nothing_to_show() -> None:
    """One that is off is shown where it is asked for, without racks."""
    assert standing_text([]) == "DHCP is on for no VLAN yet"
    assert standing_text([OFF]) == "DHCP is on for no VLAN yet"
    assert "off" in standing_text([OFF], whole=True)


def test_what_a_take_over_came_to() -> None:
    """Who serves what, and what happens when the other is back."""
    answer = {"survivor": "rack2", "off": "rack1", "taken_over": [5, 6], "dhcp_status": "running"}
    shown = taken_over_text(answer)
    assert "rack2 serves alone in the stead of rack1, with all addresses, on VLAN 5, 6" in shown
    assert "running" in shown
    assert taken_over_text({})


@given(json_values)
def test_no_answer_is_a_crash(document: object) -> None:
    """Whatever came."""
    standing_text(document)
    standing_text([document], whole=True)


def test_a_relayed_vlan_says_whose_racks_serve_it() -> None:
    """It is in the table as others are."""
    relayed = ALONE | {"id": 5003, "relay_vlan": {"id": 5001}, "alarms": []}
    _, row, words = standing_text([relayed]).splitlines()
    assert row.split()[:4] == ["5003", "fabric-0", "0", "alone"]
    assert words == "    relayed to VLAN 5001, whose racks serve it"
