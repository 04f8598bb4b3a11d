"""What the leader lets others see of what it keeps in mind."""

from __future__ import annotations

import json
from datetime import timedelta

from attrs import evolve

from maasha.balancer.brakes import (
    Act,
    GapEnded,
    LeaderChanged,
    Limits,
    NotLeading,
    Pause,
    Paused,
    RacksVanished,
    Verdict,
)
from maasha.balancer.outlook import outlook
from maasha.balancer.policy import POLICY
from maasha.balancer.turn import FRESH, Seen, Turn, turn
from maasha.model.codec import from_json, from_loose, to_json
from maasha.model.leader import Cause, Hold, Outlook
from maasha.model.placement import Acting
from tests.unit.balancer.fleet import NOW, alone

LATER = NOW + timedelta(seconds=15)
CARELESS = Limits(after_leader=0.0, moves_after_gap=0.0, roles_after_leader=0.0)


def first(seen: Seen, limits: Limits = CARELESS) -> Turn:
    """Take the first look."""
    return turn(FRESH, seen, POLICY, limits)


def test_a_leader_that_is_evening() -> None:
    """It leads since its first look and waits for calm; what it evens is told."""
    told = outlook(first(Seen(alone(4, 0), NOW)))
    assert told == Outlook(NOW, (), settled=False, unsettled=NOW, acting=Acting(links=True))


def test_it_changes_only_when_something_does() -> None:
    """So it is written seldom: not for each second that passes, nor for each link."""
    once = first(Seen(alone(40, 0), NOW))
    seen = Seen(alone(39, 0), NOW + timedelta(seconds=1))
    again = turn(once.memory, seen, POLICY, CARELESS)
    assert outlook(again) == outlook(once)
    calm = turn(again.memory, evolve(seen, now=NOW + timedelta(seconds=4)), POLICY, CARELESS)
    assert outlook(calm) == evolve(outlook(once), settled=True, unsettled=None)


def test_a_new_leader_holds_still() -> None:
    """It is said why and until when, and by whom it is paused."""
    told = outlook(first(Seen(alone(2, 2), NOW, pause=Pause(None, "user:ann")), Limits()))
    assert [(hold.cause, hold.until) for hold in told.holds] == [
        (Cause.PAUSED, None),
        (Cause.LEADER_NEW, LATER),
    ]
    assert told.role_holds == told.holds
    assert told.holds[0].reason == "paused by user:ann until `maasha resume`"


def test_every_reason_has_its_cause() -> None:
    """With its end, where one is known."""
    stops = (
        Paused(Pause(LATER, "user:ann")),
        NotLeading(),
        GapEnded(LATER),
        LeaderChanged(LATER),
        RacksVanished((), 0, NOW),
    )
    decided = evolve(first(Seen(alone(1), NOW)), verdict=Verdict({Act.MOVE: stops}))
    assert outlook(decided).role_holds == ()
    assert outlook(decided).holds == tuple(
        Hold(cause, str(stop), until)
        for stop, (cause, until) in zip(
            stops,
            (
                (Cause.PAUSED, LATER),
                (Cause.NOT_LEADING, None),
                (Cause.GAP_ENDED, LATER),
                (Cause.LEADER_NEW, LATER),
                (Cause.RACKS_VANISHED, None),
            ),
            strict=True,
        )
    )


def test_roles_have_holds_of_their_own() -> None:
    """What racks know of each other is old for longer than where their links are."""
    moves, roles = (GapEnded(NOW + timedelta(seconds=seconds)) for seconds in (15, 120))
    verdict = Verdict({Act.MOVE: (moves,), Act.ROLE_CHANGE: (roles,)})
    told = outlook(evolve(first(Seen(alone(1), NOW)), verdict=verdict))
    assert [hold.until for hold in (*told.holds, *told.role_holds)] == [moves.until, roles.until]
    assert str(told.role_holds[0]) == str(roles)


def test_it_goes_through_the_database() -> None:
    """And comes back as it was."""
    told = outlook(first(Seen(alone(4, 0), NOW), Limits()))
    assert from_json(Outlook, to_json(told)) == told


def test_what_an_older_leader_wrote() -> None:
    """Nothing of roles; all else is read."""
    told = outlook(first(Seen(alone(4, 0), NOW), Limits()))
    written = json.loads(to_json(told))
    del written["role_holds"]
    assert from_loose(Outlook, written) == evolve(told, role_holds=())
