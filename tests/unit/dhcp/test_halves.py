"""Facts about which IPv6 addresses each rack hands out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from maasha.dhcp.facts import Off, Pair, Solo, Wanted
from maasha.dhcp.halves import Allotment, Holder, Lapse, allot
from maasha.model.cluster import RackKey
from maasha.model.stretches import Stretches, common, lower_half, union, upper_half, without
from tests.unit.model.test_stretches import addresses, of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=600)
ALL = of((0, 99))
LOWER, UPPER = of((0, 49)), of((50, 99))
A, B, C = RackKey(1), RackKey(2), RackKey(3)
PAIR = Pair(A, B, 1)


def holder(
    rack: RackKey, held: Stretches = (), *, present: bool = True, lapsing: Stretches = ()
) -> Holder:
    """Give a rack that runs what it was asked."""
    lapses = tuple(Lapse(each, LATER) for each in lapsing)
    return Holder(rack, held, held, lapses, present, f"rack-{rack}")


def next_of(wanted: Wanted, *holders: Holder, now: datetime = NOW) -> Allotment:
    """Decide."""
    return allot(wanted, ALL, holders, now)


def test_a_pair_has_half_of_every_range_each() -> None:
    """The primary's is the lower half, at once."""
    found = next_of(PAIR, holder(A), holder(B))
    assert (found.share(A), found.share(B)) == (LOWER, UPPER)
    assert not found.complete
    done = next_of(PAIR, holder(A, LOWER), holder(B, UPPER))
    assert done.complete
    assert (done.waiting, done.away) == ("", "")


def test_one_rack_has_all() -> None:
    """Alone, a rack hands out every address; a rack that has no part has none."""
    found = next_of(Solo(A, 1), holder(A))
    assert found.share(A) == ALL
    assert found.share(C) == ()


def test_who_is_primary_moves_no_address() -> None:
    """Two racks that change places keep their halves."""
    assert next_of(Pair(B, A, 2), holder(A, LOWER), holder(B, UPPER)).complete


@pytest.mark.parametrize("gone", [False, True])
def test_a_survivor_keeps_to_its_half(gone: bool) -> None:
    """Without evidence the half of a rack that is away is nobody else's, however long."""
    away = holder(B, UPPER, present=False) if gone else holder(B, present=False)
    found = next_of(PAIR, holder(A, LOWER), away, now=NOW + timedelta(days=365))
    assert found.share(A) == LOWER
    assert "rack-2 is away" in found.away


def test_a_survivor_has_all_when_the_other_s_leases_have_ended() -> None:
    """Declared lost, the other is not wanted any more and holds nothing; its leases may live."""
    lost = holder(B, present=False, lapsing=UPPER)
    early = next_of(Solo(A, 2), holder(A, LOWER), lost)
    assert early.share(A) == LOWER
    assert "2026-01-01 00:10:00 UTC" in early.waiting
    late = next_of(Solo(A, 2), holder(A, LOWER), lost, now=LATER)
    assert late.share(A) == ALL


def test_a_rack_that_comes_back_waits_for_the_survivor_s_leases() -> None:
    """The survivor gives the half up as soon as the other is there, which has it when they end."""
    while_away = next_of(PAIR, holder(A, ALL), holder(B, present=False))
    assert while_away.share(A) == ALL
    assert while_away.away == ""
    back = next_of(PAIR, holder(A, ALL), holder(B))
    assert (back.share(A), back.share(B)) == (LOWER, ())
    given_up = evolve(holder(A, LOWER), lapses=(Lapse(UPPER[0], LATER),))
    assert next_of(PAIR, given_up, holder(B)).share(B) == ()
    assert next_of(PAIR, given_up, holder(B), now=LATER).share(B) == UPPER


def test_what_is_not_confirmed_is_held_both_ways() -> None:
    """A rack that was asked to give up its half may still hand it out."""
    unsure = Holder(B, asked=(), running=UPPER, present=True, hostname="rack-2")
    found = next_of(Solo(A, 2), holder(A, LOWER), unsure)
    assert found.share(A) == LOWER
    assert found.waiting == "rack-2 has not confirmed which IPv6 addresses it hands out"


def test_the_last_one_that_serves_hands_over_in_two_parts() -> None:
    """A rack that is replaced gives up half, and the rest when the next one serves."""
    assert next_of(Solo(B, 2), holder(A, ALL), holder(B)).share(A) == LOWER
    lapsing = evolve(holder(A, LOWER), lapses=(Lapse(UPPER[0], LATER),))
    assert next_of(Solo(B, 2), lapsing, holder(B)).share(A) == LOWER
    assert next_of(Solo(B, 2), lapsing, holder(B), now=LATER).share(B) == UPPER
    assert next_of(Solo(B, 2), holder(A, LOWER), holder(B, UPPER)).share(A) == ()


def test_nobody_hands_over_to_who_is_not_there() -> None:
    """A rack that is replaced goes on while its successor is away."""
    found = next_of(Solo(B, 2), holder(A, ALL), holder(B, present=False))
    assert found.share(A) == ALL
    assert found.away == ""


def test_of_single_addresses_the_first_stays() -> None:
    """Addresses that cannot be halved are handed over but for one; a lone one cannot be."""
    few = of((0, 0), (5, 5))
    found = allot(Solo(B, 2), few, (holder(A, few), holder(B)), NOW)
    assert found.share(A) == few[:1]
    assert allot(Solo(B, 2), few[:1], (holder(A, few[:1]), holder(B)), NOW).share(A) == few[:1]


def test_off_is_off_at_once() -> None:
    """Nobody is waited for when nobody is to serve."""
    found = next_of(Off(), holder(A, LOWER), holder(B))
    assert (found.share(A), found.complete) == ((), False)
    assert found.waiting == "rack-1 has not confirmed that its DHCPv6 is off"
    assert next_of(Off(), holder(A)).complete


def test_nobody_begins_with_what_another_may_hold_unknown() -> None:
    """A database that was restored knows less than happened: who serves goes on, and no more."""
    silent = Holder(B, present=False, hostname="rack-2", doubt=ALL)
    found = next_of(Solo(A, 2), holder(A, LOWER), silent)
    assert found.share(A) == LOWER
    assert found.waiting == "rack-2 has not said what it hands out since the database was restored"
    assert next_of(PAIR, holder(A), silent).share(A) == ()


def test_racks_without_a_name_are_called_by_number() -> None:
    """Texts name a rack in any case."""
    assert str(Holder(C)) == "rack 3"


class Vlan(RuleBasedStateMachine):
    """Racks that are told, answer, vanish, are declared lost; people who change their minds.

    The truth is kept beside what the region knows: `serving` is what a rack's dhcpd hands out, and
    `leases` until when clients may hold addresses of its, each granted at the worst moment.
    """

    LEASE = 10

    def __init__(self) -> None:
        super().__init__()
        self.time = 0
        self.ranges = of((0, 15))
        self.wanted: Wanted = Off()
        self.known = {rack: holder(rack) for rack in (A, B, C)}
        self.serving: dict[RackKey, Stretches] = dict.fromkeys(self.known, ())
        self.leases: dict[RackKey, dict[int, int]] = {rack: {} for rack in self.known}

    @property
    def now(self) -> datetime:
        """Give the time for the decision."""
        return NOW + timedelta(seconds=self.time)

    @property
    def anybody(self) -> Stretches:
        """Give what some rack hands out."""
        return union(self.serving[A], union(self.serving[B], self.serving[C]))

    def decide(self) -> Allotment:
        """Decide from what the region knows."""
        return allot(self.wanted, self.ranges, tuple(self.known.values()), self.now)

    def note(self, rack: RackKey, changed: Holder) -> None:
        """Write down, with a lapse for what the rack does not hold any more."""
        before = self.known[rack]
        until = self.now + timedelta(seconds=self.LEASE)
        gone = without(before.held, changed.held)
        kept = tuple(lapse for lapse in before.lapses if lapse.until > self.now)
        lapses = (*kept, *(Lapse(each, until) for each in gone))
        self.known[rack] = evolve(changed, lapses=lapses)

    @rule(racks=st.permutations([A, B, C]), number=st.integers(0, 2))
    def want(self, racks: list[RackKey], number: int) -> None:
        """Want nobody, one rack or two."""
        wishes = (Off(), Solo(racks[0], 1), Pair(racks[0], racks[1], 1))
        self.wanted = wishes[number]

    @rule(first=st.integers(0, 8), length=st.integers(0, 12))
    def change_ranges(self, first: int, length: int) -> None:
        """Change the range."""
        self.ranges = of((first, first + length))

    @rule(rack=st.sampled_from([A, B, C]), present=st.booleans())
    def come_or_go(self, rack: RackKey, present: bool) -> None:
        """Have a link come or end; the rack's dhcpd goes on."""
        self.note(rack, evolve(self.known[rack], present=present))

    @rule(rack=st.sampled_from([A, B, C]))
    def ask(self, rack: RackKey) -> None:
        """Write down what the rack is about to be told; whether it hears it is another matter."""
        if self.known[rack].present:
            before = self.known[rack]
            told = evolve(before, asked=self.decide().share(rack))
            # what was asked before and never confirmed may run too
            self.note(rack, evolve(told, running=before.held))

    @rule(rack=st.sampled_from([A, B, C]))
    def hear(self, rack: RackKey) -> None:
        """Run what was asked, and lose the answer."""
        before = self.serving[rack]
        self.serving[rack] = self.known[rack].asked
        for address in addresses(before) - addresses(self.serving[rack]):
            self.leases[rack][address] = self.time + self.LEASE

    @rule(rack=st.sampled_from([A, B, C]))
    def answer(self, rack: RackKey) -> None:
        """Say what runs."""
        runs = self.serving[rack]
        if self.known[rack].present:
            self.note(rack, evolve(self.known[rack], asked=runs, running=runs))

    @rule(rack=st.sampled_from([A, B, C]))
    def lose(self, rack: RackKey) -> None:
        """Have a host die, and a person say so."""
        for address in addresses(self.serving[rack]):
            self.leases[rack][address] = self.time + self.LEASE
        self.serving[rack] = ()
        self.note(rack, evolve(self.known[rack], asked=(), running=(), present=False))

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.time += seconds

    @precondition(lambda self: not isinstance(self.wanted, Off))
    @rule(rack=st.sampled_from([A, B, C]))
    def obey(self, rack: RackKey) -> None:
        """Tell a rack, which hears and answers: a VLAN that was served still is."""
        served = common(
            union(self.serving[A], union(self.serving[B], self.serving[C])), self.ranges
        )
        if self.known[rack].present:
            self.answer(rack)
            self.ask(rack)
            self.hear(rack)
            self.answer(rack)
        assert self.anybody or not served

    @rule()
    def settle(self) -> None:
        """See that all get what they are to have where nobody interferes."""
        for rack in self.known:
            self.come_or_go(rack, True)
        for _ in range(8):
            for rack in self.known:
                self.answer(rack)
                self.ask(rack)
                self.hear(rack)
                self.answer(rack)
            self.wait(self.LEASE)
        found = self.decide()
        alone = isinstance(self.wanted, Solo) and len(addresses(self.ranges)) == 1
        assert found.complete or alone
        if found.complete and not isinstance(self.wanted, Off):
            held = (self.known[rack].running for rack in self.known)
            assert sum(len(addresses(each)) for each in held) == len(addresses(self.ranges))

    @invariant()
    def no_address_is_two_racks(self) -> None:
        """See that what a rack hands out is nobody else's, nor held by a client of another's."""
        for rack, serves in self.serving.items():
            for other in self.known:
                if other != rack:
                    live = {a for a, until in self.leases[other].items() if until > self.time}
                    taken = addresses(self.serving[other]) | live
                    assert not addresses(serves) & taken


TestVlan = Vlan.TestCase
TestVlan.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_halves_of_the_test_are_halves() -> None:
    """The lower and the upper half are what the facts above call so."""
    assert (lower_half(ALL), upper_half(ALL)) == (LOWER, UPPER)
