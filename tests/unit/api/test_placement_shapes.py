from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import evolve

from maasha.api.placement_shapes import (
    Situation,
    action_json,
    drain_json,
    evenness_json,
    history_json,
    moves_json,
    pause_json,
    placement_json,
)
from maasha.balancer.actions import Close, Flip, Move, Plan, Reason, Verdict
from maasha.db.drains import DrainId, DrainView, Kind, PauseView
from maasha.db.leading import Acknowledged, LeaderView
from maasha.db.link_moves import MoveId, MoveView
from maasha.db.placement import Evenness, Names, Seat
from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.model.leader import Outlook
from maasha.model.placement import IDLE, Link, Placement, Rack, UnderWay, Worker
from tests.unit.api.samples import NOON

HOME, AWAY = SystemId("rrr666"), SystemId("sss777")
ONE, TWO, GONE = WorkerId(1), WorkerId(2), WorkerId(9)
RACK = RackKey(1)
NAMES = Names(
    {
        WorkerId(3): Seat("region-0", 0),
        ONE: Seat("region-1", 0),
        TWO: Seat("region-1", 1),
        WorkerId(4): Seat("region-2", 0),
    },
    {RACK: "rack-1", RackKey(2): "rack-2"},
)
PLACEMENT = Placement(
    (
        Worker(ONE, HOME),
        Worker(TWO, HOME, capacity=2.0),
        Worker(WorkerId(4), AWAY, draining=True),
    ),
    (
        Link(LinkId(1), RACK, ONE),
        Link(LinkId(2), RackKey(2), ONE),
        Link(LinkId(3), RackKey(2), WorkerId(4)),
    ),
    (Rack(RACK, ONE), Rack(RackKey(2), None)),
)
MOVE = Move(LinkId(2), RackKey(2), ONE, TWO, Reason.WORKERS)
PLAN = Plan((MOVE,), Verdict.EVEN, Verdict.WITHIN_BAND, IDLE)
DRAIN = DrainView(
    DrainId(5),
    Kind.WORKER,
    "region-1/0",
    HOME,
    "user:admin",
    NOON,
    NOON + timedelta(hours=4),
    keep=False,
    overdue=False,
    remaining=3,
    present=True,
)
SITUATION = Situation(PLACEMENT, NAMES, (), PLAN)


def shown(situation: Situation) -> Any:
    """Show it."""
    return placement_json(situation)


def test_what_is() -> None:
    """Regions have their living workers with what these hold; a dead one is not shown."""
    first, second = shown(SITUATION)["regions"]
    assert (first["hostname"], first["system_id"], first["draining"]) == ("region-1", HOME, False)
    assert first["workers"] == [
        {
            "slot": 0,
            "links": 2,
            "load": 2.0,
            "capacity": 1.0,
            "draining": False,
            "racks": ["rack-1"],
        },
        {"slot": 1, "links": 0, "load": 0.0, "capacity": 2.0, "draining": False, "racks": []},
    ]
    assert (second["hostname"], second["draining"]) == ("region-2", True)
    assert (second["workers"][0]["links"], second["workers"][0]["load"]) == (1, None)


def test_how_even_it_is() -> None:
    """The greatest load over the mean of the open workers."""
    document = shown(SITUATION)
    assert (document["ratio"], document["mean"], document["links"]) == (3.0, 0.667, 3)


def test_what_is_planned() -> None:
    """Each action has its reason in words, and the plan its verdicts."""
    assert shown(SITUATION)["plan"] == {
        "actions": [
            {
                "action": "move",
                "rack": "rack-2",
                "from": "region-1/0",
                "to": "region-1/1",
                "reason": "the worker has more than its share of its region's links",
            }
        ],
        "links": "it is even",
        "owners": "it is not even, but not enough to act",
        "waiting": [],
    }


def test_every_kind_of_action() -> None:
    """A link is moved or closed, an owner hands over."""
    close = action_json(Close(LinkId(2), RackKey(2), ONE, Reason.NOWHERE_ELSE), NAMES)
    assert (close["action"], close["from"], close["to"]) == ("close", "region-1/0", None)
    flip = action_json(Flip(RACK, ONE, TWO, Reason.OWNERS), NAMES)
    assert (flip["action"], flip["to"]) == ("hand-over", "region-1/1")


def test_what_is_under_way() -> None:
    """Only what has not ended; a worker or a rack that has gone has no name any more."""
    open_move = UnderWay(LinkId(2), RackKey(2), ONE, TWO, NOON, open=True)
    moves = (
        open_move,
        evolve(open_move, open=False),
        evolve(open_move, rack=RackKey(7), source=GONE, target=None),
    )
    assert shown(evolve(SITUATION, under_way=moves))["under_way"] == [
        {
            "rack": "rack-2",
            "from": "region-1/0",
            "to": "region-1/1",
            "since": "2026-01-02T12:00:00+00:00",
        },
        {"rack": "", "from": "", "to": None, "since": "2026-01-02T12:00:00+00:00"},
    ]


def test_what_stops_it() -> None:
    """A pause, drains, and why nothing is begun."""
    document = shown(SITUATION)
    assert (document["pause"], document["drains"], document["stops"]) == (None, [], [])
    pause = PauseView("user:ann", NOON)
    document = shown(evolve(SITUATION, pause=pause, drains=(DRAIN,), stops=("paused",)))
    assert document["pause"] == {"by": "user:ann", "until": "2026-01-02T12:00:00+00:00"}
    assert [drain["id"] for drain in document["drains"]] == [5]
    assert document["stops"] == ["paused"]


def test_a_pause_without_an_end() -> None:
    """It lasts until somebody resumes."""
    assert pause_json(PauseView("user:ann", None)) == {"by": "user:ann", "until": None}


def test_a_drain() -> None:
    """It is shown with its end, and what becomes of it then."""
    assert drain_json(DRAIN) == {
        "id": 5,
        "kind": "worker",
        "name": "region-1/0",
        "system_id": "rrr666",
        "by": "user:admin",
        "since": "2026-01-02T12:00:00+00:00",
        "expires": "2026-01-02T16:00:00+00:00",
        "at_end": "undo",
        "overdue": False,
        "remaining": 3,
        "resource_uri": "/MAAS/api/2.0/drains/5/",
    }
    assert drain_json(evolve(DRAIN, keep=True))["at_end"] == "alarm"


def test_moves_by_the_page() -> None:
    """A full page leads to older moves; a link that was closed went nowhere."""
    done = MoveView(MoveId(8), "rack-1", "region-1/0", "region-1/1", "it is fuller", NOON, NOON, "")
    closed = evolve(done, id=MoveId(7), target="", ended=None)
    document: Any = moves_json((done, closed), 2)
    first, second = document["moves"]
    assert first == {
        "id": 8,
        "rack": "rack-1",
        "from": "region-1/0",
        "to": "region-1/1",
        "reason": "it is fuller",
        "begun": "2026-01-02T12:00:00+00:00",
        "ended": "2026-01-02T12:00:00+00:00",
        "failure": "",
    }
    assert (second["to"], second["ended"]) == (None, None)
    further = "/MAAS/api/2.0/placement/?op=moves&limit=2&before=7"
    assert (document["count"], document["next_uri"]) == (2, further)
    assert moves_json((done,), 2)["next_uri"] is None


def test_history_by_the_page() -> None:
    """A full page leads to what was before, of the same span."""
    noted = Evenness(NOON, 1.25, 10, 4)
    document: Any = history_json((noted, noted), 2, None)
    before = "before=2026-01-02T12%3A00%3A00%2B00%3A00"
    assert (document["count"], document["history"]) == (2, [evenness_json(noted)] * 2)
    assert document["next_uri"] == f"/MAAS/api/2.0/placement/?op=history&limit=2&{before}"
    assert str(history_json((noted,), 1, 60)["next_uri"]).endswith(f"limit=1&{before}&seconds=60")
    assert history_json((noted,), 2, 60)["next_uri"] is None


def test_what_the_leader_has_in_mind() -> None:
    """It stands beside what is, with the racks that wait; null where nobody leads."""
    document = shown(SITUATION)
    assert (document["leader"], document["acknowledged"]) == (None, None)
    view = LeaderView("region-1/0", NOON, Outlook(NOON))
    told = evolve(
        SITUATION,
        leader=view,
        acknowledged=Acknowledged("user:ann", NOON),
        resting={RACK: NOON},
    )
    document = shown(told)
    assert document["leader"]["worker"] == "region-1/0"
    assert document["acknowledged"] == {"by": "user:ann", "until": "2026-01-02T12:00:00+00:00"}
    assert [each["rack"] for each in document["plan"]["waiting"]] == ["rack-1"]


def test_evenness() -> None:
    """An entry holds from its instant on."""
    assert evenness_json(Evenness(NOON, 1.25, 10, 4)) == {
        "at": "2026-01-02T12:00:00+00:00",
        "ratio": 1.25,
        "links": 10,
        "workers": 4,
    }
