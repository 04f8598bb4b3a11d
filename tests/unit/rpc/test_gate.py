"""The gate bounds what strangers cost, and never stands between a known source and its region."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from maasha.rpc.gate import Gate, Limits, Refusal

LIMITS = Limits(unproved=4, unproved_per_source=2, rate_per_source=1.0)


def crowd(
    gate: Gate[str], source: str, visits: str, now: float = 0.0
) -> list[str | Refusal | None]:
    """Let visits knock and enter; gives for each why not, who made room, or None."""
    return [gate.knock(source, now) or gate.enter(visit, source, now) for visit in visits]


def known(source: str, now: float = 0.0) -> Gate[str]:
    """Give a gate that knows a source which has left again."""
    gate = Gate[str](LIMITS)
    gate.enter("first", source, now)
    gate.prove("first", now)
    gate.leave("first", now)
    return gate


def test_a_stranger_has_few_connections_at_a_time() -> None:
    """One that ends makes place for the next, once the rate allows it."""
    gate = Gate[str](LIMITS)
    assert crowd(gate, "a", "123") == [None, None, Refusal.CROWDED]
    gate.leave("1", 0)
    gate.leave("1", 0)
    assert crowd(gate, "a", "3", now=1) == [None]


def test_a_stranger_opens_connections_at_a_limited_rate() -> None:
    """A few at once, then one a second here, and no more for having waited long."""
    gate = Gate[str](LIMITS)

    def knocks(now: float) -> list[Refusal | None]:
        return [gate.knock("a", now) for _ in range(3)]

    assert knocks(0) == [None, None, Refusal.HASTY]
    assert knocks(1) == [None, Refusal.HASTY, Refusal.HASTY]
    assert knocks(100) == [None, None, Refusal.HASTY]
    assert gate.knock("b", 100) is None


def test_each_refusal_costs_a_pause_twice_as_long() -> None:
    """Up to a longest one; a source that was quiet for long begins anew."""
    gate, now, pauses = Gate[int](LIMITS), 0.0, []
    for visit in range(8):
        assert gate.knock("a", now) is None
        gate.enter(visit, "a", now)
        gate.refuse(visit, now)
        gate.leave(visit, now)
        began = now
        while gate.knock("a", now) is Refusal.PAUSED:
            now += 0.5
        pauses.append(now - began)
        now += 600 if visit == 5 else 10
    assert pauses == [0.5, 1, 2, 4, 8, 8, 0.5, 1]


def test_a_known_source_is_bound_by_the_total_only() -> None:
    """Neither the rate, nor the crowd, nor another's wrong secret behind the same address."""
    gate = known("a")
    assert crowd(gate, "a", "1234") == [None] * 4
    gate.refuse("1", 0)
    gate.leave("1", 0)
    assert crowd(gate, "a", "5") == [None]


def test_a_source_is_known_as_long_as_it_has_a_proved_connection() -> None:
    """And for an hour after the last one has ended."""
    gate = Gate[str](LIMITS)
    gate.enter("link", "a", 0)
    gate.prove("link", 0)
    assert [gate.knock("a", 86400) for _ in range(5)] == [None] * 5
    gate.leave("link", 86400)
    assert [gate.knock("a", 90000 - 1) for _ in range(5)] == [None] * 5
    assert [gate.knock("a", 90000) for _ in range(3)] == [None, None, Refusal.HASTY]


def test_the_oldest_stranger_makes_room() -> None:
    """For strangers as for known sources."""
    gate = Gate[str](LIMITS)
    assert crowd(gate, "a", "12") + crowd(gate, "b", "34") == [None] * 4
    assert crowd(gate, "c", "56") == ["1", "2"]
    assert crowd(gate, "a", "7", now=9) == ["3"]


def test_known_sources_make_no_room_for_strangers() -> None:
    """Where none but them are proving themselves, everybody waits."""
    gate = known("a")
    assert crowd(gate, "a", "12") + crowd(gate, "b", "34") == [None] * 4
    assert crowd(gate, "a", "56") == ["3", "4"]
    assert crowd(gate, "b", "7", now=9) == [Refusal.FULL]
    assert crowd(gate, "a", "7") == [Refusal.FULL]
    gate.leave("1", 0)
    assert crowd(gate, "b", "7", now=9) == [None]


def test_one_proof_opens_the_gate_for_all_behind_an_address() -> None:
    """Just after a restart 500 racks behind a NAT are strangers; the first one changes that."""
    gate = Gate[int]()
    inside = [visit for visit in range(500) if gate.knock("nat", 0) is None]
    for visit in inside:
        gate.enter(visit, "nat", 0)
    assert len(inside) == Limits().unproved_per_source
    gate.prove(inside[0], 0.05)
    assert all(gate.knock("nat", 0.1) is None for _ in range(500))


def test_the_end_of_one_who_made_room_is_nothing_new() -> None:
    """Nor is a proof that came too late."""
    gate = Gate[str](Limits(unproved=1))
    assert crowd(gate, "a", "12") == [None, "1"]
    gate.refuse("1", 0)
    gate.prove("1", 0)
    gate.leave("1", 0)
    assert crowd(gate, "a", "3") == ["2"]


def test_a_flood_of_strangers_makes_nobody_known_forgotten() -> None:
    """Each kind has a book of its own, and forgets its oldest."""
    gate = Gate[str](Limits(remembered=2, unproved_per_source=1))
    gate.enter("1", "home", 0)
    gate.prove("1", 0)
    gate.leave("1", 0)
    assert [gate.knock(source, 0) for source in "abcb"] == [None, None, None, Refusal.HASTY]
    assert gate.knock("a", 0) is None
    assert [gate.knock("home", 0) for _ in range(3)] == [None] * 3


SOURCES = st.sampled_from("abcdef")


class Town(RuleBasedStateMachine):
    """Sources do whatever they like, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits(unproved=5, unproved_per_source=2, remembered=3)
        self.gate = Gate[int](self.limits)
        self.now = 0.0
        self.numbers = count()
        self.inside: dict[int, str] = {}
        self.proved: set[int] = set()

    @rule(source=SOURCES)
    def knock(self, source: str) -> None:
        """One that comes in."""
        if self.gate.knock(source, self.now) is None:
            visit = next(self.numbers)
            self.inside[visit] = source
            gone = self.gate.enter(visit, source, self.now)
            if gone is not None:
                assert gone not in self.proved
                del self.inside[gone]

    @precondition(lambda self: self.inside)
    @rule(chosen=st.data(), what=st.sampled_from(("prove", "refuse", "leave")))
    def go_on(self, chosen: st.DataObject, what: str) -> None:
        """One of them proves itself, is refused or goes."""
        visit = chosen.draw(st.sampled_from(sorted(self.inside)))
        getattr(self.gate, what)(visit, self.now)
        if what == "prove":
            self.proved.add(visit)
        if what == "leave":
            del self.inside[visit]

    @rule(seconds=st.sampled_from((0.01, 1.0, 4000.0)))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def bounds_hold(self) -> None:
        """Whatever happens, what is unproved and what is remembered is bounded."""
        unproved = [visit for visit in self.inside if visit not in self.proved]
        assert len(unproved) <= self.limits.unproved
        assert len(self.gate._strangers) <= self.limits.remembered
        assert len(self.gate._known) <= self.limits.remembered
        assert sum(self.gate._crowds.values()) == len(unproved)
        assert set(self.gate._crowds) <= {self.inside[visit] for visit in unproved}


TestTown = Town.TestCase


@given(st.integers(0, 50))
def test_any_number_of_refusals_is_a_pause(refusals: int) -> None:
    """No count is too great to be doubled."""
    gate = Gate[str](LIMITS)
    gate.enter("1", "a", 0)
    for _ in range(refusals):
        gate.refuse("1", 0)
    assert gate.knock("a", 0) is (Refusal.PAUSED if refusals else None)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_said_in_words(refusal: Refusal) -> None:
    """It follows a `for` in the log."""
    assert refusal.value[0].islower()
