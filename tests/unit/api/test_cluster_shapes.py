from __future__ import annotations

from typing import Any

from attrs import evolve

from maasha.api.cluster_shapes import Status, cluster_json
from maasha.api.picture import picture_of
from maasha.db.drains import PauseView
from maasha.db.networks import Networks
from maasha.db.overview import Overview
from maasha.db.strays import Stray
from maasha.model.cluster import SystemId
from maasha.model.event import Event, EventId
from tests.unit.api.samples import NETWORKS, NOON, ONE, REGION, SOLO_RACK, TWO, VLAN, rack_view
from tests.unit.api.test_placement_shapes import DRAIN

SERVED = evolve(VLAN, primary=ONE, dhcp_on=True)
LOST = evolve(rack_view(TWO, linked=False), owner=None)
ALARM = Event(EventId(3), NOON, "worker:1", "vlan:7", "dhcp.interrupted", "alarm", "since noon")
RACKS = (SOLO_RACK, LOST)
STATUS = Status(
    Overview((REGION,), RACKS),
    picture_of(Networks(NETWORKS.fabrics, {VLAN.id: SERVED}, NETWORKS.subnets), RACKS),
    (ALARM,),
)
SHOWN: Any = cluster_json(STATUS)


def test_the_three_questions() -> None:
    """One can read racks per region, connections per rack, and regions and workers running."""
    (region,) = SHOWN["regions"]
    assert region["racks"] == ["rack-1"]
    assert region["workers"] == [
        {
            "slot": 0,
            "pid": 321,
            "endpoints": ["10.1.0.1:5250"],
            "connections": 1,
            "racks": ["rack-1"],
            "heartbeat_age": 0.25,
        }
    ]
    first, second = SHOWN["racks"]
    assert first["connections"] == [
        {
            "region": "region-1",
            "worker": 0,
            "since": "2026-01-02T12:00:00+00:00",
            "remote": "10.0.0.1:4000",
            "health": "healthy",
            "round_trip_ms": None,
            "round_trip_deviation_ms": None,
        }
    ]
    assert first["owner"] == {"region": "region-1", "worker": 0}
    assert (second["connections"], second["owner"]) == ([], None)


def test_dhcp_of_racks() -> None:
    """A rack without link is not said to serve, whatever it said last."""
    first, second = SHOWN["racks"]
    assert first["dhcp"] == {"serving": True, "wanted": "1.4", "running": "1.4", "problem": ""}
    assert second["dhcp"]["serving"] is False


def test_vlans() -> None:
    """A VLAN has its outcome and the state of each rack that has a part in it."""
    (vlan,) = SHOWN["vlans"]
    assert (vlan["dhcp_status"], vlan["primary"], vlan["secondary"]) == ("running", "rack-1", None)
    assert vlan["subnets"] == [str(subnet.cidr) for subnet in NETWORKS.subnets.values()]
    assert vlan["states"][0] == {
        "rack": "rack-1",
        "asked": "solo",
        "running": "solo",
        "peer_name": "",
        "state": "normal",
        "partner": "normal",
    }


def test_the_last_words_of_an_unlinked_rack_are_not_shown() -> None:
    """A state is what a rack says now; of a rack without link nothing is known."""
    gone = evolve(SOLO_RACK, links=())
    shown: Any = cluster_json(evolve(STATUS, picture=evolve(STATUS.picture, racks=(gone,))))
    assert [state["state"] for state in shown["vlans"][0]["states"]] == ["unknown"]


def test_alarms() -> None:
    """An open alarm has its subject, kind and since when."""
    (alarm,) = SHOWN["alarms"]
    assert (alarm["subject"], alarm["kind"]) == ("vlan:7", "dhcp.interrupted")


def test_idle_vlan() -> None:
    """A VLAN that nobody serves has null for its racks."""
    status = evolve(STATUS, picture=picture_of(NETWORKS, ()))
    shown: Any = cluster_json(status)
    assert (shown["vlans"][0]["primary"], shown["vlans"][0]["states"]) == (None, [])


def test_who_chose() -> None:
    """A VLAN says who chose its racks, a rack who declared it lost."""
    (vlan,) = SHOWN["vlans"]
    assert (vlan["primary_by"], vlan["secondary_by"], vlan["ha_auto"]) == ("automatic",) * 2 + (
        True,
    )
    assert (SHOWN["racks"][0]["lost"], SHOWN["racks"][0]["lost_by"]) == (None, "")
    gone = evolve(RACKS[0], lost=NOON, lost_by="user:ann")
    shown: Any = cluster_json(evolve(STATUS, overview=Overview((), (gone,))))
    assert shown["racks"][0]["lost"] == "2026-01-02T12:00:00+00:00"
    assert shown["racks"][0]["lost_by"] == "user:ann"


def test_owner_that_died() -> None:
    """An owner whose worker is not among the living is nobody."""
    shown: Any = cluster_json(evolve(STATUS, overview=Overview((), RACKS)))
    assert shown["racks"][0]["owner"] is None


def test_racks_that_were_ours() -> None:
    """They are shown as they were seen."""
    stray = Stray(
        system_id=SystemId("gh3kmn"),
        hostname="rack-4",
        version="0.1",
        remote="10.0.0.4:4000",
        serving=True,
        first_seen=NOON,
        last_seen=NOON,
    )
    shown: Any = cluster_json(evolve(STATUS, strays=(stray,)))
    assert shown["unknown_racks"] == [
        {
            "system_id": "gh3kmn",
            "hostname": "rack-4",
            "version": "0.1",
            "remote": "10.0.0.4:4000",
            "serving": True,
            "first_seen": "2026-01-02T12:00:00+00:00",
            "last_seen": "2026-01-02T12:00:00+00:00",
        }
    ]
    assert SHOWN["unknown_racks"] == []


def test_an_open_rotation() -> None:
    """One knows since when two secrets are valid; null: one is."""
    shown: Any = cluster_json(evolve(STATUS, rotated=NOON))
    assert shown["secret_rotation_since"] == "2026-01-02T12:00:00+00:00"
    assert SHOWN["secret_rotation_since"] is None


def test_pause_and_drains() -> None:
    """The status says what is drained, and that nothing is done without a hand."""
    assert (SHOWN["pause"], SHOWN["drains"]) == (None, [])
    shown: Any = cluster_json(
        evolve(STATUS, pause=PauseView("user:ann", None), drains=(DRAIN, DRAIN))
    )
    assert shown["pause"] == {"by": "user:ann", "until": None}
    assert [drain["name"] for drain in shown["drains"]] == ["region-1/0"] * 2
