"""What `maasha status` shows of the cluster."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from maasha.cli.status import status_text
from tests.unit.cli.test_shape import json_values


def worker(slot: int, racks: list[str], connections: int) -> dict[str, object]:
    """Give a worker as cluster/ shows it."""
    return {"slot": slot, "pid": 9, "endpoints": [], "connections": connections, "racks": racks}


def rack(name: str, links: list[tuple[str, int]], **dhcp: object) -> dict[str, object]:
    """Give a rack as cluster/ shows it; its first link is its owner's."""
    connections = [{"region": region, "worker": slot} for region, slot in links]
    return {
        "hostname": name,
        "system_id": "abc",
        "connections": connections,
        "owner": connections[0] if connections else None,
        "dhcp": {"serving": True, "wanted": "1.2", "running": "1.2", "problem": ""} | dhcp,
    }


CLUSTER = {
    "regions": [
        {
            "hostname": "region-1",
            "system_id": "4a6",
            "racks": ["rack-1", "rack-2"],
            "workers": [worker(0, ["rack-1"], 2), worker(1, ["rack-2"], 1)],
        },
        {"hostname": "region-2", "system_id": "7bc", "racks": [], "workers": []},
    ],
    "racks": [
        rack("rack-1", [("region-1", 0), ("region-1", 1)]),
        rack("rack-2", [("region-1", 1)], running="1.1", serving=False, problem="line 3: ;"),
        rack("rack-3", []),
    ],
    "vlans": [
        {
            "fabric": "fabric-0",
            "vid": 0,
            "subnets": ["10.0.0.0/24"],
            "dhcp_status": "running",
            "primary": "rack-1",
            "secondary": "rack-2",
            "primary_by": "user:ann",
            "secondary_by": "automatic",
            "states": [
                {"rack": "rack-1", "state": "normal"},
                {"rack": "rack-2", "state": "unknown"},
            ],
        },
        {
            "fabric": "fabric-1",
            "vid": 7,
            "dhcp_status": "off",
            "primary": None,
            "primary_by": "automatic",
            "secondary_by": "user:ann",
            "states": [],
        },
    ],
    "alarms": [
        {"since": "2026-01-02T03:04:05", "subject": "vlan:1", "kind": "dhcp.pair", "detail": "x"}
    ],
}

SHOWN = """\
Regions: 1 of 2 running, 2 workers
REGION    ID   STATE    WORKERS  RACKS  RACKS/CONNECTIONS BY WORKER
region-1  4a6  running  2        2      0: 1/2, 1: 1/1
region-2  7bc  down     0        0      -

Racks: 2 of 3 connected, 3 connections
RACK    ID   CONNECTIONS  TO REGION/WORKER        MANAGED BY  DHCPD
rack-1  abc  2            region-1/0, region-1/1  region-1/0  serving
rack-2  abc  1            region-1/1              region-1/1  off, has 1.1 of 1.2, problem
rack-3  abc  0            -                       -           unknown

VLANs
FABRIC    VID  SUBNETS      DHCP     PRIMARY          SECONDARY  CHOSEN BY
fabric-0  0    10.0.0.0/24  running  rack-1 (normal)  rack-2     user:ann, automatic
fabric-1  7    -            off      -                -          user:ann

Alarms: 1
  2026-01-02T03:04:05  vlan:1  dhcp.pair  x"""


def test_the_three_questions_are_answered() -> None:
    """Racks per region, connections per rack, and what runs now, then DHCP and alarms."""
    assert status_text(CLUSTER) == SHOWN


def test_a_connection_shows_how_it_fares() -> None:
    """Once it was measured; one that is suspect says so."""
    measured = {"round_trip_ms": 0.41, "round_trip_deviation_ms": 0.1, "health": "healthy"}
    shown = rack("rack-1", [("region-1", 0), ("region-1", 1), ("region-2", 0)])
    links: list[Any] = shown["connections"]  # type: ignore[assignment]
    shown["connections"] = [
        links[0] | measured,
        links[1] | measured | {"health": "suspect"},
        links[2] | {"round_trip_ms": None, "round_trip_deviation_ms": None, "health": "healthy"},
    ]
    fares = "  region-1/0 0.41±0.1 ms, region-1/1 0.41±0.1 ms suspect, region-2/0  "
    assert fares in status_text({"racks": [shown]})


def test_a_lost_rack_says_who_gave_it_up() -> None:
    """Where others have their links."""
    lost = rack("rack-3", []) | {"lost": "2026-01-02T03:04:05", "lost_by": "user:ann"}
    shown = status_text({"racks": [lost]})
    assert "Racks: 0 of 1 connected, 0 connections, 1 declared lost" in shown
    assert "rack-3  abc  0            lost, says user:ann  -           unknown" in shown


UNKNOWN = {
    "hostname": "rack-4",
    "system_id": "gh3",
    "remote": "10.0.0.4:4000",
    "serving": True,
    "first_seen": "2026-01-02T03:04:05",
    "last_seen": "2026-01-02T03:05:05",
}


def test_racks_that_were_ours_are_shown_with_the_command_that_mends_it() -> None:
    """They stand right below the racks on record."""
    shown = status_text(CLUSTER | {"unknown_racks": [UNKNOWN, UNKNOWN | {"serving": False}]})
    (part,) = [part for part in shown.split("\n\n") if part.startswith("Unknown")]
    lines = part.splitlines()
    assert lines[0] == "Unknown, was ours: 2"
    assert lines[2].split() == [str(UNKNOWN[name]) for name in list(UNKNOWN)[:3]] + [
        "2026-01-02T03:04:05",
        "2026-01-02T03:05:05",
        "serving",
    ]
    assert lines[3].endswith("off")
    assert lines[4].endswith("maasha rack-controller readmit ID")


def test_an_open_rotation_is_shown() -> None:
    """With since when, and how to end it."""
    shown = status_text({"secret_rotation_since": "2026-01-02T03:04:05"})
    assert "two are valid since 2026-01-02T03:04:05" in shown
    assert "maasha-region rotate-secret --finish" in shown


def test_a_pause_and_drains_are_shown() -> None:
    """A line for each: by whom, until when, and how many links are left."""
    shown = status_text(
        CLUSTER
        | {
            "pause": {"by": "user:ann", "until": None},
            "drains": [{"kind": "region", "name": "region-1", "by": "user:ann", "remaining": 3}],
        }
    )
    (part,) = [part for part in shown.split("\n\n") if part.startswith("Paused")]
    paused, drained = part.splitlines()
    assert paused.startswith("Paused by user:ann until somebody says: maasha resume")
    assert drained.startswith("Drained: region region-1 by user:ann until ")
    assert drained.endswith(", 3 links left")


def test_an_empty_cluster() -> None:
    """A cluster with nothing in it has tables without rows and no alarm."""
    shown = status_text({})
    assert shown.startswith("Regions: 0 of 0 running, 0 workers\n")
    assert shown.endswith("\n\nAlarms: none")


@given(json_values)
def test_any_answer_is_shown(value: object) -> None:
    """An answer of another shape never makes the command fail."""
    assert status_text(value)
    keys = (
        "regions",
        "racks",
        "vlans",
        "alarms",
        "unknown_racks",
        "secret_rotation_since",
        "drains",
    )
    for key in keys:
        assert status_text({key: [value, {}]})
    assert status_text({"pause": value, "drains": value})
    assert status_text({"racks": [{"connections": [{}], "dhcp": value, "owner": value}]})
