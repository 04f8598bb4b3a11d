"""Automatic acts stop where this side may be the one that is cut off, and go on afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.balancer.brakes import (
    FREE,
    LIMITS,
    START,
    Act,
    GapEnded,
    LeaderChanged,
    NotLeading,
    Pause,
    Paused,
    RacksVanished,
    Sight,
    State,
    Stop,
    Verdict,
    look,
    regained,
)
from maasha.model.cluster import RackKey

EPOCH = datetime(2026, 11, 28, 12, tzinfo=UTC)
CAREFUL = (Act.MOVE, Act.ROLE_CHANGE, Act.TAKE_OVER)


def at(seconds: float) -> datetime:
    """Give an instant."""
    return EPOCH + timedelta(seconds=seconds)


def racks(*numbers: int) -> frozenset[RackKey]:
    """Give racks by their numbers."""
    return frozenset(map(RackKey, numbers))


def sight(of: int = 0, away: dict[int, float] | None = None) -> Sight:
    """See a number of racks, some of them away since an instant."""
    gone = {RackKey(number): at(since) for number, since in (away or {}).items()}
    return Sight(racks(*range(of)) - gone.keys(), gone)


CALM = State(leading_since=at(-1000))


def verdict(seen: Sight, now: float = 0, state: State = CALM) -> Verdict:
    """Judge one look."""
    return look(state, seen, at(now))[1]


def kinds(stops: Iterable[Stop]) -> set[type[Stop]]:
    """Give what kinds of reasons there are."""
    return {type(stop) for stop in stops}


def test_nothing_stands_against_acts_of_a_settled_leader() -> None:
    """With all racks there everything is allowed."""
    assert all(verdict(sight(20)).allows(act) and FREE.allows(act) for act in Act)


@pytest.mark.parametrize("until", [None, at(7200)])
def test_a_pause_stops_all_but_what_people_drain(until: datetime | None) -> None:
    """It says who paused, and until when."""
    found = verdict(evolve(sight(20), pause=Pause(until, "user:admin")))
    assert [act for act in Act if not found.allows(act)] == list(CAREFUL)
    (stop,) = found.why_not(Act.MOVE)
    end = "2026-11-28 14:00:00 UTC" if until else "`maasha resume`"
    assert str(stop) == f"paused by user:admin until {end}"


def test_a_pause_ends_by_itself() -> None:
    """At its instant acts are allowed again."""
    paused = evolve(sight(20), pause=Pause(at(10), "user:admin"))
    assert not verdict(paused, 9.9).allows(Act.MOVE)
    assert verdict(paused, 10).allows(Act.MOVE)


def test_whoever_does_not_lead_does_nothing() -> None:
    """Not even a drain's moves."""
    found = verdict(evolve(sight(20), leading=False))
    assert all(kinds(found.why_not(act)) == {NotLeading} for act in Act)
    assert str(found.why_not(Act.MOVE)[0]) == "another worker leads"


def test_every_leader_looks_on_at_first() -> None:
    """The first one too; and anew when it leads again. A drain goes on."""
    state, began = look(START, sight(20), at(0))
    assert [act for act in Act if kinds(began.why_not(act)) == {LeaderChanged}] == list(CAREFUL)
    assert "looks on until 2026-11-28 12:00:15 UTC" in str(began.why_not(Act.MOVE)[0])
    assert not look(state, sight(20), at(14.9))[1].allows(Act.ROLE_CHANGE)
    assert look(state, sight(20), at(15))[1].allows(Act.ROLE_CHANGE)
    state, _ = look(state, evolve(sight(20), leading=False), at(100))
    assert not look(state, sight(20), at(101))[1].allows(Act.MOVE)


def test_after_a_gap_roles_wait_longer_than_moves() -> None:
    """Moves 15 s, roles and take-overs 120 s, drains not at all."""
    state = regained(CALM, at(60))

    def allowed(now: float) -> list[Act]:
        found = look(state, sight(20), at(60 + now))[1]
        return [act for act in Act if found.allows(act)]

    assert allowed(0) == allowed(14.9) == [Act.DRAIN_MOVE]
    assert allowed(15) == allowed(119.9) == [Act.MOVE, Act.DRAIN_MOVE]
    assert allowed(120) == list(Act)
    found = look(state, sight(20), at(60))[1]
    assert "may be old until 2026-11-28 12:03:00 UTC" in str(found.why_not(Act.ROLE_CHANGE)[0])


def test_a_gap_that_everybody_saw_outlives_the_leader() -> None:
    """The next leader was blind as well; what is past is forgotten in the end."""
    state, found = look(regained(START, at(10)), sight(20), at(10))
    assert kinds(found.why_not(Act.ROLE_CHANGE)) == {GapEnded, LeaderChanged}
    state, _ = look(state, sight(20), at(130))
    assert state.gap_ended is None


def test_a_second_gap_counts_from_its_own_end() -> None:
    """The wait begins anew."""
    state, _ = look(regained(CALM, at(10)), sight(20), at(10))
    _, found = look(regained(state, at(30)), sight(20), at(30))
    assert found.why_not(Act.MOVE) == (GapEnded(at(45)),)


def test_a_gap_that_is_told_again_is_the_same() -> None:
    """What is said of it changes with no look, though clocks differ by a little."""
    state = regained(CALM, at(10))
    assert regained(state, at(10.003)) == regained(state, at(9.997)) == state
    assert regained(state, at(12)) != state


@pytest.mark.parametrize(
    ("of", "away", "alarm"),
    [
        (2, 1, False),
        (2, 2, True),
        (19, 2, True),
        (20, 2, False),
        (20, 3, True),
        (1000, 100, False),
        (1000, 101, True),
    ],
)
def test_racks_vanish_when_more_than_one_and_a_tenth_go(of: int, away: int, alarm: bool) -> None:
    """Of those that had a link just before."""
    found = verdict(sight(of, dict.fromkeys(range(away), -9.0)))
    assert (found.alarm is not None) == alarm
    assert [act for act in Act if not found.allows(act)] == (list(CAREFUL) if alarm else [])


def test_a_rack_is_away_only_after_a_while() -> None:
    """A link that is dialled anew is no vanished rack."""
    gone = dict.fromkeys(range(3), 0.0)
    assert verdict(sight(10, gone), 8).alarm is None
    found = verdict(sight(10, gone), 8.1).alarm
    assert found == RacksVanished(tuple(sorted(racks(0, 1, 2))), 10, at(0))
    assert str(found).startswith("3 of 10 racks vanished at once, at 2026-11-28 12:00:00 UTC")


def test_racks_that_go_one_by_one_are_no_event() -> None:
    """Only what goes within a minute counts together."""
    assert verdict(sight(10, {1: -61, 2: 0}), 9).alarm is None
    assert verdict(sight(10, {1: -60, 2: 0}), 9).alarm is not None


def test_the_largest_event_is_told_however_long_ago() -> None:
    """A new leader finds it as well, and later losses hide nothing."""
    found = verdict(sight(30, {1: 0, 2: 5, 3: 70, 4: 71, 5: 72, 6: 73, 7: 200}), 86400).alarm
    assert found == RacksVanished(tuple(sorted(racks(3, 4, 5, 6))), 27, at(70))


def test_it_lasts_until_they_are_back_and_a_minute_has_passed() -> None:
    """Racks that come and go do not free the hand in between."""
    gone = dict.fromkeys(range(3), 0.0)
    state, _ = look(CALM, sight(10, gone), at(10))
    state, back = look(state, sight(10), at(20))
    assert back.alarm is not None
    state, again = look(state, sight(10, dict.fromkeys(range(3), 25.0)), at(30))
    assert again.alarm is not None
    assert look(state, sight(10), at(59))[1].alarm is not None
    assert look(state, sight(10), at(60))[1].alarm is None


def test_it_ends_when_the_racks_are_gone_for_good() -> None:
    """Deleted or declared lost, they are in no sight any more."""
    state, _ = look(CALM, sight(10, dict.fromkeys(range(3), 0.0)), at(10))
    seen = Sight(racks(3, 4, 5, 6, 7, 8, 9), {RackKey(0): at(0)})
    assert look(state, seen, at(11))[1].alarm is None


def test_it_ends_when_a_person_knows_of_it() -> None:
    """Those that vanish later are news."""
    seen = evolve(sight(10, {0: 0.0, 1: 0.0, 2: 5.0}), known_until=at(3))
    assert verdict(seen, 20).alarm is None
    assert verdict(evolve(seen, away={**seen.away, RackKey(3): at(6)}), 20).alarm is not None


def test_a_person_may_know_of_one_rack_only() -> None:
    """The others are an alarm by themselves; the one is news when it vanishes again."""
    gone = sight(30, dict.fromkeys(range(4), 0.0))
    assert verdict(evolve(gone, known={RackKey(3): at(5)}), 20).alarm == RacksVanished(
        tuple(sorted(racks(0, 1, 2))), 29, at(0)
    )
    both = evolve(gone, known={RackKey(3): at(5), RackKey(2): at(0)})
    assert verdict(both, 20).alarm is None
    assert verdict(evolve(gone, known={RackKey(3): at(-1), RackKey(2): at(0)}), 20).alarm


WHEN = st.floats(-200, 200).map(at)
SIGHTS = st.builds(
    lambda linked, away, leading: Sight(linked - away.keys(), away, leading),
    st.frozensets(st.integers(0, 12).map(RackKey)),
    st.dictionaries(st.integers(0, 12).map(RackKey), WHEN),
    st.booleans(),
)


@given(st.lists(st.tuples(st.floats(0, 50), SIGHTS, st.booleans()), max_size=12))
def test_whatever_is_seen_acts_differ_in_caution_only(
    story: list[tuple[float, Sight, bool]],
) -> None:
    """A drain may what moves may, moves what roles may; roles and take-overs are alike."""
    state, now = START, 0.0
    for passed, seen, blinded in story:
        now += passed
        state = regained(state, at(now)) if blinded else state
        state, found = look(state, seen, at(now))
        role = found.allows(Act.ROLE_CHANGE)
        assert role == found.allows(Act.TAKE_OVER) <= found.allows(Act.MOVE)
        assert found.allows(Act.MOVE) <= found.allows(Act.DRAIN_MOVE)
        assert found.allows(Act.DRAIN_MOVE) == seen.leading
        assert set(state.seen_away) <= seen.linked | seen.away.keys()


@given(SIGHTS, st.floats(0, 1000))
def test_a_cluster_that_stays_together_is_freed(seen: Sight, before: float) -> None:
    """Whatever was, two minutes with every rack, the database and one leader allow everything."""
    state, _ = look(regained(START, at(before)), seen, at(before))
    whole = sight(13)
    state, _ = look(state, whole, at(before + 1))
    patience = max(LIMITS.roles_after_gap, LIMITS.window + 200)
    _, found = look(state, whole, at(before + 1 + patience))
    assert all(found.allows(act) for act in Act)


def test_reasons_are_of_their_kinds() -> None:
    """Several may stand against one act."""
    seen = evolve(sight(3, {0: -9, 1: -9}), pause=Pause(None, "user:admin"))
    found = look(regained(START, at(0)), seen, at(0))[1]
    expected = {GapEnded, Paused, LeaderChanged, RacksVanished}
    assert kinds(found.why_not(Act.MOVE)) == expected
