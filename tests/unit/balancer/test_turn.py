"""One look of the leader: it waits for calm, does what is asked for at once, and begins in time."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve
from hypothesis import given

from maasha.balancer.actions import Close, Flip, Move
from maasha.balancer.brakes import Act, Limits, Pause
from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY, Policy
from maasha.balancer.turn import (
    FRESH,
    REST,
    Memory,
    Seen,
    Turn,
    away,
    expected,
    foreseen,
    regained,
    turn,
)
from maasha.model.cluster import LinkId, RackKey, WorkerId
from maasha.model.placement import IDLE, Acting, Placement, UnderWay
from tests.unit.balancer.fleet import NOW, alone, counts, placed, placements, spots_of, workers

CALM = Policy(settled=0.0)
CARELESS = Limits(after_leader=0.0, moves_after_gap=0.0)
SECOND = timedelta(seconds=1)


def move(link: int, source: int, target: int | None, **more: bool) -> UnderWay:
    """Give a move under way of the rack with the link's number."""
    to = None if target is None else WorkerId(target)
    given = {"open": True, **more}
    return UnderWay(LinkId(link), RackKey(link), WorkerId(source), to, NOW, **given)


def first(placement: Placement, *under_way: UnderWay, policy: Policy = CALM) -> Turn:
    """Take the first look of a leader that is careless."""
    return turn(FRESH, Seen(placement, NOW, under_way), policy, CARELESS)


def test_what_may_begin_begins() -> None:
    """Of a plan as much as the pace allows."""
    decided = first(alone(4, 0))
    assert len(decided.plan.moves) == 2
    assert decided.begin == decided.plan.actions[:1]
    assert decided.waits


def test_an_even_cluster_is_left_alone() -> None:
    """And looked at seldom."""
    decided = first(alone(2, 2))
    assert decided.begin == ()
    assert not decided.waits


def test_evening_waits_until_nobody_comes_or_goes() -> None:
    """Two seconds after the last change of members."""
    seen = Seen(alone(4, 0), NOW)
    decided = turn(FRESH, seen, POLICY, CARELESS)
    assert (decided.begin, decided.waits) == ((), True)
    seen = evolve(seen, now=NOW + SECOND)
    decided = turn(decided.memory, seen, POLICY, CARELESS)
    assert decided.begin == ()
    grown = Seen(alone(5, 0), NOW + 2 * SECOND)
    assert turn(decided.memory, grown, POLICY, CARELESS).begin == ()
    decided = turn(decided.memory, evolve(seen, now=NOW + 2 * SECOND), POLICY, CARELESS)
    assert len(decided.begin) == 1


def _with_late(placement: Placement, number: int) -> Placement:
    workers = (evolve(one, late=one.id == WorkerId(number)) for one in placement.workers)
    return evolve(placement, workers=tuple(workers))


def test_evening_waits_while_somebody_may_be_dead() -> None:
    """A worker whose heartbeat is overdue counts as alive, but nothing is planned on it yet."""
    doubtful = _with_late(alone(4, 1, 1), 2)
    decided = first(doubtful)
    assert decided.plan.moves
    assert (decided.begin, decided.waits) == ((), True)
    certain = turn(decided.memory, Seen(alone(4, 1, 1), NOW + SECOND), CALM, CARELESS)
    assert certain.begin


def test_nothing_moves_to_who_may_be_dead() -> None:
    """Not even what has to leave, nor when evening has waited for long enough."""
    late = _with_late(alone(0, 4), 1)
    draining = evolve(
        late, workers=tuple(evolve(one, draining=not one.late) for one in late.workers)
    )
    assert first(draining).plan.moves
    assert first(draining).begin == ()
    decided = first(_with_late(alone(4, 0, 1), 2))
    for second in range(1, 17):
        seen = Seen(_with_late(alone(4, 0, 1), 2), NOW + second * SECOND)
        decided = turn(decided.memory, seen, CALM, CARELESS)
    assert decided.settled
    assert all(WorkerId(2) != action.to for action in decided.begin if isinstance(action, Move))


def test_a_move_is_no_change_of_members() -> None:
    """Neither while it is under way, half done or done."""
    before = turn(FRESH, Seen(alone(4, 0), NOW), POLICY, CARELESS).memory
    both = placed(workers(2), [[1, 2], [1], [1], [1]])
    done = placed(workers(2), [[2], [1], [1], [1]])
    for placement, under_way in (
        (alone(4, 0), (move(1, 1, 2),)),
        (both, (move(1, 1, 2),)),
        (done, ()),
    ):
        seen = Seen(placement, NOW + 2 * SECOND, under_way)
        assert turn(before, seen, POLICY, CARELESS).settled


def test_what_is_drained_waits_for_nobody() -> None:
    """Not for calm, not for the end of a pause."""
    one, two = workers(2)
    placement = placed((evolve(one, draining=True), two), [[1]])
    seen = Seen(placement, NOW, pause=Pause(None, "user:admin"))
    decided = turn(FRESH, seen, POLICY, Limits())
    assert not decided.settled
    assert [type(action) for action in decided.begin] == [Move]


def test_brakes_hold_evening() -> None:
    """A new leader looks on; a pause holds it as long as it lasts."""
    placement = alone(4, 0)
    assert turn(FRESH, Seen(placement, NOW), CALM).begin == ()
    paused = Seen(placement, NOW, pause=Pause(None, "user:admin"))
    decided = turn(FRESH, paused, CALM, CARELESS)
    assert decided.begin == ()
    assert not decided.verdict.allows(Act.MOVE)


def test_racks_that_vanish_are_seen() -> None:
    """From when the leader saw that they had no link any more; others from when they were heard."""
    whole = placed(workers(2), [[1], [2]] * 5)
    memory = turn(FRESH, Seen(whole, NOW), CALM, CARELESS).memory
    gone = evolve(whole, links=whole.links[5:])
    later = NOW + timedelta(seconds=20)
    memory = turn(memory, Seen(gone, later), CALM, CARELESS).memory
    assert set(memory.away.values()) == {later}
    verdict = turn(memory, Seen(gone, later + timedelta(seconds=9)), CALM, CARELESS).verdict
    assert verdict.alarm is not None
    assert len(verdict.alarm.racks) == 5


def test_racks_that_people_know_of_stop_nothing() -> None:
    """They vanished before somebody said so; others that vanish later count anew."""
    whole = placed(workers(2), [[1], [2]] * 5)
    memory = turn(FRESH, Seen(whole, NOW), CALM, CARELESS).memory
    later = NOW + timedelta(seconds=20)
    gone = Seen(evolve(whole, links=whole.links[5:]), later)
    memory = turn(memory, gone, CALM, CARELESS).memory
    known = evolve(gone, now=later + timedelta(seconds=9), known_until=later)
    assert turn(memory, known, CALM, CARELESS).verdict.alarm is None
    more = evolve(known, placement=evolve(whole, links=whole.links[7:]))
    memory = turn(memory, more, CALM, CARELESS).memory
    much_later = evolve(more, now=later + timedelta(seconds=60))
    alarm = turn(memory, much_later, CALM, CARELESS).verdict.alarm
    assert alarm is not None
    assert len(alarm.racks) == 2
    assert "maasha acknowledge" in str(alarm)


def test_others_foresee_what_the_leader_plans() -> None:
    """From the same rows, if they know what it is evening: also where a move failed."""
    seen = Seen(alone(6, 5, 4), NOW, (move(1, 1, 3, open=False, failed=True),))
    memory = evolve(FRESH, acting=Acting(links=True))
    decided = turn(memory, seen, CALM, CARELESS)
    assert decided.plan.moves
    assert plan(foreseen(seen, memory.acting), CALM, NOW) == decided.plan
    assert not plan(foreseen(seen, IDLE), CALM, NOW).moves


def test_a_rack_that_the_leader_never_saw_counts_from_when_it_was_heard() -> None:
    """One that never was is not away."""
    placement = placed(workers(1), [[1], [], []])
    long_ago = NOW - timedelta(days=1)
    seen = Seen(placement, NOW, last_heard={RackKey(2): long_ago})
    assert turn(FRESH, seen, CALM, CARELESS).memory.away == {RackKey(2): long_ago}
    drained = evolve(
        placement, racks=tuple(evolve(each, draining=True) for each in placement.racks)
    )
    memory = turn(FRESH, evolve(seen, placement=drained), CALM, CARELESS).memory
    assert (memory.away, memory.linked) == ({}, frozenset())


def test_a_gap_is_remembered_by_who_did_not_lead() -> None:
    """A new leader brakes for the gap that it saw before."""
    careless = Limits(after_leader=0.0)
    memory = regained(FRESH, NOW - SECOND)
    assert turn(memory, Seen(alone(4, 0), NOW), CALM, careless).begin == ()
    later = Seen(alone(4, 0), NOW + 15 * SECOND)
    decided = turn(regained(FRESH, NOW - SECOND), later, CALM, careless)
    assert decided.begin
    assert not decided.verdict.allows(Act.ROLE_CHANGE)


def test_moves_under_way_count_as_done() -> None:
    """Also half done; and what is closed is closed."""
    both = placed(workers(3), [[1, 2], [1, 3], [1]])
    under_way = (
        UnderWay(LinkId(1), RackKey(1), WorkerId(1), WorkerId(2), NOW, open=True),
        UnderWay(LinkId(3), RackKey(2), WorkerId(1), None, NOW, open=True),
        UnderWay(LinkId(5), RackKey(3), WorkerId(1), WorkerId(2), NOW, open=True),
        UnderWay(LinkId(5), RackKey(3), WorkerId(1), WorkerId(3), NOW, open=False),
        UnderWay(LinkId(99), RackKey(9), WorkerId(1), WorkerId(3), NOW, open=True),
    )
    coming = expected(Seen(both, NOW, under_way))
    assert counts(coming) == [0, 2, 1]
    assert {rack.key: rack.owner for rack in coming.racks} == {1: 2, 2: 1, 3: 2}


def test_a_link_that_has_outlived_its_move_counts() -> None:
    """However the move ended: a rack may keep it, and nothing would ever be moved in its stead."""
    both = placed(workers(3), [[1, 2], [1, 3], [1]])
    ended = (
        UnderWay(LinkId(1), RackKey(1), WorkerId(1), WorkerId(2), NOW, open=False),
        UnderWay(LinkId(3), RackKey(2), WorkerId(1), WorkerId(3), NOW, open=False, failed=True),
        UnderWay(LinkId(5), RackKey(3), WorkerId(1), WorkerId(3), NOW, open=False),
    )
    assert counts(expected(Seen(both, NOW, ended))) == [3, 1, 1]


def test_a_rack_that_failed_to_move_rests() -> None:
    """Longer after each failure; perhaps it does not reach what others do."""
    placement = alone(4, 0)
    (wanted, *_) = first(placement).begin
    failed = [
        UnderWay(each.id, each.rack, WorkerId(1), WorkerId(2), NOW, open=False, failed=True)
        for each in placement.links
    ]
    for failures in (1, 2, 3):
        rest = REST * 2 ** (failures - 1)
        for since, begins in ((rest - SECOND, False), (rest, True)):
            seen = Seen(placement, NOW + since, tuple(failed * failures))
            decided = turn(FRESH, seen, CALM, CARELESS)
            assert bool(decided.begin) == begins
    assert isinstance(wanted, Move)


def test_a_deaf_rack_holds_nobody_else_up() -> None:
    """It takes no share of the pace, and others go in its stead."""
    one, two = workers(2)
    draining = placed((evolve(one, draining=True), two), [[1]] * 3)
    for placement in (alone(4, 0), draining):
        deaf = first(placement).begin[0].rack
        failed = move(deaf, 1, 2, open=False, failed=True)
        begun = turn(FRESH, Seen(placement, NOW + SECOND, (failed,)), CALM, CARELESS).begin
        assert begun
        assert all(action.rack != deaf for action in begun)


def test_who_comes_and_goes_holds_evening_up_for_a_while_only() -> None:
    """Else one rack could do so for ever."""
    memory, begun = FRESH, []
    for step in range(20):
        placement = alone(8 + step % 2, 0)
        decided = turn(memory, Seen(placement, NOW + step * SECOND), POLICY, CARELESS)
        memory = decided.memory
        begun.append(bool(decided.begin))
    assert begun == [False] * 15 + [True] * 5


def test_flips_need_no_rest() -> None:
    """They ask nothing of the rack's links."""
    placement = placed(workers(2), [[1, 2]] * 4)
    failed = move(1, 1, 2, open=False, failed=True)
    begun = first(placement, failed).begin
    assert [type(action) for action in begun] == [Flip, Flip]


def test_a_link_is_closed_where_every_other_worker_has_one() -> None:
    """Of a rack on a worker that is drained."""
    one, two = workers(2)
    placement = placed((one, evolve(two, draining=True)), [[1, 2]])
    assert [type(action) for action in first(placement).begin] == [Close]


@given(placements())
def test_looks_that_are_carried_out_come_to_rest(placement: Placement) -> None:
    """Each begins something until the plan is empty, and no rack ever loses its last link."""
    memory: Memory = FRESH
    had = {rack for rack, spots in spots_of(placement).items() if spots}
    for step in range(200):
        seen = Seen(placement, NOW + step * SECOND)
        decided = turn(memory, seen, CALM, CARELESS)
        memory = decided.memory
        if not decided.plan.actions:
            break
        assert decided.begin
        moved = [
            UnderWay(
                each.link,
                each.rack,
                each.source,
                each.to if isinstance(each, Move) else None,
                seen.now,
                open=True,
            )
            for each in decided.begin
            if not isinstance(each, Flip)
        ]
        flipped = {each.rack: each.to for each in decided.begin if isinstance(each, Flip)}
        coming = expected(evolve(seen, under_way=tuple(moved)))
        racks = tuple(
            evolve(rack, owner=flipped.get(rack.key, rack.owner)) for rack in coming.racks
        )
        placement = evolve(coming, racks=racks)
        assert {rack for rack, spots in spots_of(placement).items() if spots} == had
    assert plan(evolve(placement, acting=memory.acting), CALM, NOW).actions == ()


def test_who_is_away_since_before() -> None:
    """Without a link, not drained, and last heard of until then."""
    placement = placed(workers(1), [[1], [], [], [], []])
    racks = (evolve(rack, draining=rack.key == RackKey(3)) for rack in placement.racks)
    heard = {RackKey(rack): NOW for rack in (1, 2, 3)} | {RackKey(4): NOW + SECOND}
    seen = Seen(evolve(placement, racks=tuple(racks)), NOW, last_heard=heard)
    assert away(seen, NOW) == (RackKey(2),)
    assert away(seen, NOW + SECOND) == (RackKey(2), RackKey(4))
