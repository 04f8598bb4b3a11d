"""The safe orders of `maasha.dhcp.rollout`, step by step and under every interruption."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from maasha.dhcp.facts import Member, Off, Pair, Solo, Wanted
from maasha.dhcp.rollout import Step, step
from maasha.model.dhcp import OFF, SOLO, Duty, PeerState, Role
from tests.unit.dhcp.fleet import VLAN, Fleet, Rack, goal_of, key

ONE, TWO, THREE = key(1), key(2), key(3)
WISHES = st.sampled_from(
    [Off()]
    + [Solo(key(n), 0) for n in (1, 2, 3)]
    + [Pair(key(a), key(b), 0) for a in (1, 2, 3) for b in (1, 2, 3) if a != b]
)
NUMBERS = st.sampled_from([1, 2, 3])


class Interrupted(RuleBasedStateMachine):
    """Anything may happen between any two steps."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet = Fleet()
        self.pairing = 0

    @rule(wish=WISHES)
    def change_wish(self, wish: Wanted) -> None:
        """Let the operator want something else, of the racks that there are."""
        if self.fleet.deleted & set(goal_of(wish)):
            return
        self.want(wish)

    def want(self, wish: Wanted) -> None:
        """Raise the pairing with every change of members."""
        self.pairing += 1
        if not isinstance(wish, Off):
            wish = evolve(wish, pairing=self.pairing)
        self.fleet.wanted = wish

    @rule()
    def ask(self) -> None:
        """Let the region ask for the next step: one move at a time, and none beside an open one."""
        before = self.fleet.members()
        plan = self.fleet.plan()
        if not isinstance(self.fleet.wanted, Off):
            moved = [m for m in before if plan.role(m.rack) != m.running]
            uncertain = [m for m in before if not m.certain]
            assert len(moved) <= 1 or moved == uncertain
        self.fleet.ask()

    @rule(number=NUMBERS)
    def obey(self, number: int) -> None:
        """Let a rack do what it was asked."""
        self.obey_safely(self.fleet.racks[key(number)])

    def obey_safely(self, rack: Rack) -> None:
        """Obey; that never takes the last server away, whoever else is off."""
        served = any(other.asked != OFF for other in self.fleet.serving())
        self.fleet.obey(rack)
        assert isinstance(self.fleet.wanted, Off) or not served or self.fleet.serving()

    @rule(number=NUMBERS)
    def answer(self, number: int) -> None:
        """Let a rack say what it runs."""
        self.fleet.answer(self.fleet.racks[key(number)])

    @rule()
    def advance(self) -> None:
        """Let a step go well."""
        self.ask()
        for rack in self.fleet.racks.values():
            self.obey_safely(rack)
            self.fleet.answer(rack)

    @rule(number=NUMBERS)
    def darken(self, number: int) -> None:
        """Cut or mend a rack's link to the region."""
        rack = self.fleet.racks[key(number)]
        rack.dark = not rack.dark

    @rule(number=NUMBERS)
    def kill(self, number: int) -> None:
        """Switch a host off, but not in the blink between asking and obeying."""
        if all(rack.runs == rack.asked for rack in self.fleet.racks.values()):
            self.fleet.racks[key(number)].dead = True

    @rule(number=NUMBERS)
    def revive(self, number: int) -> None:
        """Switch a host on again."""
        self.fleet.racks[key(number)].dead = False
        self.fleet.settle()

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        """Delete a rack by force: one with a link, which serves on for now, or one that is off."""
        rack, wanted = self.fleet.racks[key(number)], goal_of(self.fleet.wanted)
        if rack.deleted or (rack.dark and not rack.dead):
            return
        if rack.key in wanted:
            left = [Solo(other, 0) for other in wanted if other != rack.key]
            self.want(left[0] if left else Off())
        self.fleet.delete(rack)

    @rule(number=NUMBERS)
    def vouch(self, number: int) -> None:
        """Delete the tombstone of a host that is off."""
        rack = self.fleet.racks[key(number)]
        if rack.deleted and rack.dead:
            self.fleet.vouch(rack)

    @rule()
    def converge(self) -> None:
        """Mend everything: what is wanted is reached."""
        self.fleet.recover()
        assert self.fleet.plan().complete
        here = [rack for rack in self.fleet.racks.values() if not rack.scrapped]
        assert {r.key: r.runs.duty for r in here if r.runs != OFF} == goal_of(self.fleet.wanted)

    @invariant()
    def safe(self) -> None:
        """Hold after everything that happens."""
        assert self.fleet.broken() == []


TestInterrupted = Interrupted.TestCase
TestInterrupted.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def address(number: int) -> IPv4Address:
    """Give the address of the rack with this number."""
    return IPv4Address(f"10.0.0.{number}")


def in_pair(duty: Duty, number: int, other: int, name: str = "failover-vlan-7-1") -> Role:
    """Give a rack's role in a pair."""
    return Role(duty, name, address(number), address(other))


def member(
    number: int, role: Role = OFF, state: PeerState = PeerState.UNKNOWN, asked: Role | None = None
) -> Member:
    """Give a member that is certain of its role, unless it was asked for another."""
    return Member(key(number), address(number), asked or role, role, state, hostname=f"r{number}")


def pair_of(first: PeerState, second: PeerState) -> tuple[Member, Member]:
    """Give racks 1 and 2 as primary and secondary of pairing 1, in these states."""
    one = member(1, in_pair(Duty.PRIMARY, 1, 2), first)
    return one, member(2, in_pair(Duty.SECONDARY, 2, 1), second)


def test_the_first_pair_begins_with_its_primary_alone() -> None:
    """Where nobody serves, the primary serves at once; then the secondary; then both as a pair."""
    assert Fleet().journey(Pair(ONE, TWO, 1)) == ["1 solo", "2 secondary", "1 primary"]


def test_a_pair_is_dissolved_secondary_first() -> None:
    """The primary serves alone only after the secondary has stopped."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    assert fleet.journey(Solo(ONE, 2)) == ["2 off", "1 solo"]


def test_a_lone_rack_hands_over_through_a_passing_pair() -> None:
    """The next rack has every lease before the one before it stops."""
    fleet = Fleet()
    fleet.journey(Solo(ONE, 1))
    moves = fleet.journey(Solo(TWO, 2))
    assert moves == ["2 secondary", "1 primary", "1 off", "2 solo"]
    assert set(fleet.primaries) == {"failover-vlan-7-2-handover"}


def test_racks_change_their_parts_through_the_one_that_serves() -> None:
    """When primary and secondary swap, the wanted primary, which serves already, stays."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    moves = fleet.journey(Pair(TWO, ONE, 2))
    assert moves == ["1 off", "2 solo", "1 secondary", "2 primary"]


def test_a_new_secondary_leaves_the_primary_in_place() -> None:
    """The old secondary stops, and the primary goes on alone until the new one is up."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    moves = fleet.journey(Pair(ONE, THREE, 2))
    assert moves == ["2 off", "1 solo", "3 secondary", "1 primary"]


def test_a_new_primary_takes_over_from_the_secondary_that_stays() -> None:
    """The rack that stays keeps the VLAN, hands it over, and comes back as the secondary."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    moves = fleet.journey(Pair(THREE, TWO, 2))
    assert moves == [
        *("1 off", "2 solo", "3 secondary", "2 primary", "2 off", "3 solo"),
        *("2 secondary", "3 primary"),
    ]


def test_all_stop_at_once_when_the_vlan_is_wanted_off() -> None:
    """Switching DHCP off needs no order."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    assert fleet.journey(Off()) == ["1 off", "2 off"]
    assert fleet.plan() == Step(((ONE, OFF), (TWO, OFF), (THREE, OFF)), complete=True)


def test_off_stops_the_racks_that_are_certain_and_waits_for_the_others() -> None:
    """A rack that answers nobody does not keep the others running."""
    busy = member(2, asked=in_pair(Duty.SECONDARY, 2, 1))
    plan = step(VLAN, Off(), (member(1, SOLO), busy))
    assert (plan.role(ONE), plan.role(TWO), plan.complete) == (OFF, busy.asked, False)
    assert plan.waiting == "r2 has not confirmed that its dhcpd is secondary"


def test_nobody_moves_while_a_rack_is_uncertain() -> None:
    """A command whose outcome is unknown is finished before the next is given."""
    busy = member(2, asked=in_pair(Duty.SECONDARY, 2, 1))
    plan = step(VLAN, Solo(ONE, 2), (member(1, OFF), busy))
    assert (plan.role(ONE), plan.role(TWO)) == (OFF, busy.asked)
    assert "r2 has not confirmed" in plan.waiting


def test_the_primary_waits_until_the_secondary_says_that_it_is_up() -> None:
    """A secondary that was asked but whose dhcpd says nothing leaves the primary alone."""
    quiet = member(2, in_pair(Duty.SECONDARY, 2, 1))
    plan = step(VLAN, Pair(ONE, TWO, 1), (member(1, SOLO), quiet))
    assert plan.role(ONE) == SOLO
    assert plan.waiting == "the dhcpd of r2 has not said that it is up"


def test_a_secondary_that_refused_leaves_the_primary_alone() -> None:
    """After a failed start the secondary is off for certain, and is asked again."""
    plan = step(VLAN, Pair(ONE, TWO, 1), (member(1, SOLO), member(2)))
    assert (plan.role(ONE), plan.role(TWO)) == (SOLO, in_pair(Duty.SECONDARY, 2, 1))
    assert not plan.complete


def test_the_handing_rack_waits_until_the_next_one_has_every_lease() -> None:
    """In a handover nothing stops before the new rack answers clients."""
    name = "failover-vlan-7-2-handover"
    old = member(1, in_pair(Duty.PRIMARY, 1, 2, name), PeerState.RECOVER)
    new = member(2, in_pair(Duty.SECONDARY, 2, 1, name), PeerState.RECOVER)
    plan = step(VLAN, Solo(TWO, 2), (old, new))
    assert (plan.role(ONE), plan.role(TWO)) == (old.running, new.running)
    assert plan.waiting == "r2 has to get every lease from r1"


@pytest.mark.parametrize("secondary", [PeerState.UNKNOWN, PeerState.STARTUP])
def test_a_peer_that_may_serve_is_not_stopped_for_one_that_may_not(secondary: PeerState) -> None:
    """Of two racks nobody heard of neither is stopped: one of them serves perhaps."""
    members = pair_of(PeerState.UNKNOWN, secondary)
    plan = step(VLAN, Solo(ONE, 2), members)
    assert [plan.role(m.rack) for m in members] == [m.running for m in members]
    assert plan.waiting == "it is not known whether r1 serves"


def test_a_pair_that_never_met_is_dissolved_around_its_primary() -> None:
    """Behind a firewall both recover for ever and answer nobody: removing the secondary helps."""
    plan = step(VLAN, Solo(ONE, 2), pair_of(PeerState.RECOVER, PeerState.RECOVER))
    assert (plan.role(ONE).duty, plan.role(TWO)) == (Duty.PRIMARY, OFF)


def test_the_peer_that_serves_is_kept_when_the_primary_lost_its_leases() -> None:
    """A primary that recovers is stopped, and the secondary keeps the VLAN."""
    members = pair_of(PeerState.RECOVER, PeerState.COMMUNICATIONS_INTERRUPTED)
    plan = step(VLAN, Pair(ONE, TWO, 2), members)
    assert (plan.role(ONE), plan.role(TWO).duty) == (OFF, Duty.SECONDARY)


def test_a_pair_at_other_addresses_is_paired_anew() -> None:
    """A rack whose address changed is no longer the peer that its partner looks for."""
    one, two = pair_of(PeerState.NORMAL, PeerState.NORMAL)
    moved = evolve(two, address=address(9))
    plan = step(VLAN, Pair(ONE, TWO, 1), (one, moved))
    assert (plan.role(ONE), plan.role(TWO)) == (one.running, OFF)


def test_a_primary_left_alone_serves_alone_before_it_is_paired_again() -> None:
    """A secondary joins only a rack that knows it is alone; it begins without a past then."""
    one, _ = pair_of(PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.UNKNOWN)
    plan = step(VLAN, Pair(ONE, TWO, 1), (one, member(2)))
    assert (plan.role(ONE), plan.role(TWO)) == (SOLO, OFF)


def test_a_deleted_rack_counts_as_stopped() -> None:
    """The survivor of a pair serves alone as soon as its peer was deleted."""
    one, two = pair_of(PeerState.UNKNOWN, PeerState.COMMUNICATIONS_INTERRUPTED)
    plan = step(VLAN, Solo(TWO, 2), (evolve(one, gone=True), two))
    assert (plan.role(ONE), plan.role(TWO)) == (OFF, SOLO)


@pytest.mark.parametrize("off", [1, 2])
def test_a_rack_that_was_off_while_its_peer_took_over_learns_all_anew(off: int) -> None:
    """Whatever it says that it is when it is back, the one that served meanwhile goes on."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    gone, left = fleet.racks[key(off)], fleet.racks[key(3 - off)]
    gone.dead, gone.asked, gone.told = True, OFF, OFF
    assert fleet.journey(Solo(left.key, 2)) == [f"{left.key} solo"]
    gone.dead = False
    gone.synced = True  # it answers after 15 s, with what it knew
    fleet.answer(gone)
    moves = fleet.journey(Pair(ONE, TWO, 3))
    rejoins = ["1 off", "1 secondary", "2 primary", "2 off", "1 solo", "2 secondary", "1 primary"]
    assert moves == (rejoins if off == 1 else ["2 off", "2 secondary", "1 primary"])


def test_a_deleted_rack_that_still_serves_is_waited_for() -> None:
    """Its peer serves alone only when it has stopped and said so."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    fleet.delete(fleet.racks[ONE])
    fleet.wanted = Solo(TWO, 2)
    fleet.ask()
    fleet.obey(fleet.racks[TWO])
    assert (fleet.racks[TWO].runs.duty, fleet.broken()) == (Duty.SECONDARY, [])
    fleet.recover()
    assert (fleet.racks[ONE].runs, fleet.racks[TWO].runs) == (OFF, SOLO)


def test_a_rack_that_was_counted_as_stopped_too_early_is_found_out() -> None:
    """The invariants look at what a deleted rack truly runs."""
    fleet = Fleet()
    fleet.journey(Pair(ONE, TWO, 1))
    one = fleet.racks[ONE]
    one.deleted, one.asked, one.told = True, OFF, OFF
    fleet.wanted = Solo(TWO, 2)
    fleet.ask()
    fleet.obey(fleet.racks[TWO])
    assert fleet.broken() == ["2 alone beside " + str(one)]


def test_a_secondary_without_address_is_refused_by_name() -> None:
    """The primary serves alone, and the reason names the rack."""
    bare = evolve(member(2), address=None)
    plan = step(VLAN, Pair(ONE, TWO, 1), (member(1, SOLO), bare))
    assert (plan.role(ONE), plan.role(TWO), plan.complete) == (SOLO, OFF, False)
    assert plan.waiting == "r2 needs an address on this VLAN to be a failover peer"


def test_a_rack_that_cannot_be_paired_cannot_take_over() -> None:
    """A VLAN stays with the rack that serves it, and the reason says what to do."""
    bare = evolve(member(2), address=None)
    plan = step(VLAN, Solo(TWO, 2), (member(1, SOLO), bare))
    assert (plan.role(ONE), plan.role(TWO), plan.complete) == (SOLO, OFF, False)
    assert plan.waiting == (
        "r2 cannot take over from r1: r2 needs an address on this VLAN to be a failover peer; "
        "or switch DHCP off and on, with a gap"
    )


@pytest.mark.parametrize("wanted", [Solo(THREE, 2), Pair(THREE, ONE, 2)])
def test_a_wanted_primary_that_is_not_there_changes_nothing(wanted: Wanted) -> None:
    """Who serves goes on serving."""
    plan = step(VLAN, wanted, (member(1, SOLO),))
    assert (plan.role(ONE), plan.complete) == (SOLO, False)
    assert plan.waiting == "rack 3, the wanted primary, was deleted or is not on this VLAN"


def test_a_wanted_secondary_that_is_not_there_leaves_the_primary_alone() -> None:
    """The primary serves, and the reason names the rack."""
    plan = step(VLAN, Pair(ONE, THREE, 1), (member(1, SOLO),))
    assert (plan.role(ONE), plan.complete) == (SOLO, False)
    assert plan.waiting == "rack 3, the wanted secondary, was deleted or is not on this VLAN"


def test_a_secondary_under_another_name_is_stopped_first() -> None:
    """What is left of an older pairing never becomes part of a new one."""
    stale = member(2, in_pair(Duty.SECONDARY, 2, 1, "failover-vlan-7-0"), PeerState.RECOVER)
    plan = step(VLAN, Pair(ONE, TWO, 1), (member(1, SOLO), stale))
    assert (plan.role(ONE), plan.role(TWO)) == (SOLO, OFF)


def test_a_rack_without_a_part_runs_nothing() -> None:
    """A step answers for any rack."""
    assert step(VLAN, Off(), ()).role(THREE) == OFF
