"""What is shown of the leader's memory, and why nothing happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from maasha.api.leader_shapes import (
    NOBODY,
    acknowledged_json,
    current,
    leader_json,
    role_holds,
    stops_of,
    waiting_json,
)
from maasha.balancer.brakes import Pause
from maasha.balancer.staying import Together
from maasha.db.leading import Acknowledged, LeaderView
from maasha.db.placement import Names, Seat
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.leader import Cause, Hold, Outlook
from maasha.model.placement import Acting
from tests.unit.api.samples import NOON

LATER = NOON + timedelta(seconds=15)
NEW = Hold(Cause.LEADER_NEW, "the leader is new", LATER)
PAUSED = Hold(Cause.PAUSED, "paused by user:ann until `maasha resume`")
VANISHED = Hold(Cause.RACKS_VANISHED, "5 racks vanished")
OUTLOOK = Outlook(NOON)
RACK, WORKER = RackKey(1), WorkerId(1)
NAMES = Names({WORKER: Seat("region-1", 0)}, {RACK: "rack-1"})
STAYS = Together(RACK, WORKER, on_worker=False, links=2, moved=NOON, until=LATER)


def view(outlook: Outlook = OUTLOOK) -> LeaderView:
    """Give what a leader sees."""
    return LeaderView("region-1/0", NOON, outlook)


def test_the_leader() -> None:
    """Who it is, since when, what holds it and until when."""
    seen = Outlook(NOON, (NEW, VANISHED), False, NOON, role_holds=(VANISHED,))
    assert leader_json(view(seen)) == {
        "worker": "region-1/0",
        "since": "2026-01-02T12:00:00+00:00",
        "changed": "2026-01-02T12:00:00+00:00",
        "state": "holds still",
        "holds": [
            {
                "cause": "leader-new",
                "reason": "the leader is new",
                "until": "2026-01-02T12:00:15+00:00",
            },
            {"cause": "racks-vanished", "reason": "5 racks vanished", "until": None},
        ],
        "role_holds": [{"cause": "racks-vanished", "reason": "5 racks vanished", "until": None}],
        "settled": False,
        "unsettled_since": "2026-01-02T12:00:00+00:00",
        "evening": {"links": False, "owners": False},
    }
    assert leader_json(None) is None


@pytest.mark.parametrize(
    ("outlook", "state"),
    [
        (evolve(OUTLOOK, holds=(NEW,), settled=False), "holds still"),
        (evolve(OUTLOOK, settled=False), "waits for calm"),
        (evolve(OUTLOOK, acting=Acting(links=True)), "evens"),
        (evolve(OUTLOOK, acting=Acting(owners=True)), "evens"),
        (OUTLOOK, "is ready"),
    ],
)
def test_its_state_in_words(outlook: Outlook, state: str) -> None:
    """What it is about, in one word for people."""
    shown = leader_json(view(outlook))
    assert shown is not None
    assert shown["state"] == state


def test_a_hold_ends_in_time() -> None:
    """A leader with nothing to do looks seldom: what is over is not shown until then."""
    held = view(Outlook(NOON, (NEW, VANISHED)))
    assert current(held, NOON) == held
    assert current(held, LATER).outlook.holds == (VANISHED,)
    roles = view(Outlook(NOON, role_holds=(NEW, VANISHED)))
    assert current(roles, LATER).outlook.role_holds == (VANISHED,)


def test_what_stops_it() -> None:
    """A pause counts from when it is written; an alarm is the same reason as the leader's."""
    pause = Pause(None, "user:ann")
    assert stops_of(None, None, ()) == ()
    assert stops_of(pause, None, ()) == (PAUSED.reason,)
    assert stops_of(pause, view(Outlook(NOON, (PAUSED, NEW))), ()) == (PAUSED.reason, NEW.reason)
    assert stops_of(None, view(Outlook(NOON, (PAUSED,))), ()) == ()
    vanished = view(Outlook(NOON, (VANISHED,)))
    assert stops_of(None, vanished, [VANISHED.reason]) == (VANISHED.reason,)
    assert stops_of(None, None, [VANISHED.reason]) == (VANISHED.reason,)


def test_what_stops_changes_of_roles() -> None:
    """What the leader told of them, and a pause from when it is written; without one all waits."""
    pause = Pause(LATER, "user:ann")
    written = Hold(Cause.PAUSED, "paused by user:ann until 2026-01-02 12:00:15 UTC", LATER)
    assert role_holds(None, view(Outlook(NOON, (NEW,)))) == ()
    seen = view(Outlook(NOON, role_holds=(PAUSED, NEW, VANISHED)))
    assert role_holds(None, seen) == (NEW, VANISHED)
    assert role_holds(pause, seen) == (written, NEW, VANISHED)
    assert role_holds(pause, None) == (written, NOBODY)
    assert str(NOBODY).startswith("nobody leads now")


def test_who_knows_of_racks_that_vanished() -> None:
    """And up to when."""
    assert acknowledged_json(None) is None
    assert acknowledged_json(Acknowledged("user:ann", NOON)) == {
        "by": "user:ann",
        "until": "2026-01-02T12:00:00+00:00",
    }


def test_a_moved_link_stays() -> None:
    """Also where it doubles what its rack has there; the rule is said."""
    (shown,) = waiting_json([STAYS], {}, NAMES)
    assert shown == {
        "rack": "rack-1",
        "until": "2026-01-02T12:00:15+00:00",
        "reason": (
            "rack rack-1 has both links on region region-1 until 12:00:15 UTC, because the link "
            "was moved at 12:00:00 and stays for a while, unless the worker is drained"
        ),
    }


@pytest.mark.parametrize(
    ("stays", "words"),
    [
        (evolve(STAYS, on_worker=True), "both links on worker region-1/0 until"),
        (evolve(STAYS, links=3), "3 links on region region-1 until"),
        (evolve(STAYS, worker=WorkerId(9)), "both links on region  until"),
        (evolve(STAYS, worker=WorkerId(9), on_worker=True), "both links on worker  until"),
        (evolve(STAYS, rack=RackKey(9)), "rack  has both"),
    ],
)
def test_where_links_stay(stays: Together, words: str) -> None:
    """On a region or on one worker; whoever has gone meanwhile has no name any more."""
    assert words in str(waiting_json([stays], {}, NAMES))


def test_a_rack_whose_move_failed_rests() -> None:
    """It is said until when."""
    (shown,) = waiting_json((), {RACK: LATER}, NAMES)
    assert shown == {
        "rack": "rack-1",
        "until": "2026-01-02T12:00:15+00:00",
        "reason": "rack rack-1 is left alone until 12:00:15 UTC, because its last move failed",
    }
    assert "rack  is left" in str(waiting_json((), {RackKey(9): LATER}, NAMES))
