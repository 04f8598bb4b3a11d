"""Racks get their parts in a VLAN by evidence, and lose them by people's word only."""

from __future__ import annotations

from collections import Counter

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.balancer.brakes import FREE, NotLeading, Verdict
from maasha.balancer.roles import (
    Action,
    Appoint,
    ChoosePrimary,
    Decision,
    Held,
    Lack,
    Nobody,
    Promote,
    Rest,
    Settled,
    Unfit,
    Vacate,
    carried_out,
    counted,
    decide,
    decide_all,
    rendezvous,
    shortcomings,
)
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.roles import Candidate, Evidence, Place, VlanRoles
from tests.unit.balancer.vlans import FIT, HELD, NOW, ago, lost, place, rack, vlan

VLAN = VlanId(7)
ONE, TWO, THREE = RackKey(1), RackKey(2), RackKey(3)


def decided(
    roles: VlanRoles, primaries: dict[RackKey, int] | None = None, verdict: Verdict = FREE
) -> Decision:
    """Decide about one VLAN."""
    return decide(roles, primaries or {}, verdict, NOW)


def test_a_second_rack_becomes_the_secondary() -> None:
    """Adding a rack is HA, whoever chose the primary."""
    for chosen in (place(1), place(1, "user:admin")):
        roles = vlan(rack(1), rack(2), primary=chosen)
        assert decided(roles) == Appoint(VLAN, TWO, ONE)


def test_who_chose_is_told() -> None:
    """A person by name."""
    assert (place(1).author, place(1, "user:admin").author) == ("automatic", "user:admin")


@pytest.mark.parametrize(
    ("evidence", "lacks"),
    [
        (evolve(FIT, address=False), (Lack.ADDRESS,)),
        (evolve(FIT, probed=None), (Lack.PROBE,)),
        (evolve(FIT, probed=ago(30.1)), (Lack.PROBE,)),
        (evolve(FIT, probed=ago(-30.1)), (Lack.PROBE,)),
        (evolve(FIT, reached=ago(30.1)), (Lack.PORT,)),
        (evolve(FIT, clock_offset=None), (Lack.CLOCK_UNKNOWN,)),
        (evolve(FIT, clock_offset=5.0), (Lack.CLOCK,)),
        (evolve(FIT, clock_offset=-5.0), (Lack.CLOCK,)),
        (evolve(FIT, clock_offset=float("nan")), (Lack.CLOCK,)),
        (Evidence(), (Lack.ADDRESS, Lack.PROBE, Lack.PORT, Lack.CLOCK_UNKNOWN)),
    ],
)
def test_a_rack_without_evidence_is_named_with_all_it_lacks(
    evidence: Evidence, lacks: tuple[Lack, ...]
) -> None:
    """Old evidence is none, and neither is evidence from the future."""
    roles = vlan(rack(1), rack(2, evidence), primary=place(1))
    assert decided(roles) == Nobody(VLAN, (Unfit(TWO, "r2", lacks),))


def test_evidence_is_fresh_up_to_its_last_second() -> None:
    """A clock that the database set back a little harms nothing."""
    edge = Evidence(address=True, probed=ago(30), reached=ago(-30), clock_offset=-4.99)
    assert decided(vlan(rack(1), rack(2, edge), primary=place(1))) == Appoint(VLAN, TWO, ONE)


@pytest.mark.parametrize(
    ("candidate", "lacks"),
    [
        (lost(2), (Lack.LOST, Lack.LINK)),
        (evolve(rack(2), draining=True), (Lack.DRAINING,)),
        (evolve(rack(2), linked=False), (Lack.LINK,)),
    ],
)
def test_a_rack_that_is_not_there_gets_no_part(
    candidate: Candidate, lacks: tuple[Lack, ...]
) -> None:
    """Neither as secondary nor as primary."""
    unfit = Unfit(TWO, "r2", lacks)
    assert decided(vlan(rack(1), candidate, primary=place(1))) == Nobody(VLAN, (unfit,))
    assert decided(vlan(candidate)) == Nobody(VLAN, (unfit,))


def test_what_is_lacking_is_told_in_words() -> None:
    """All of it in one sentence."""
    unfit = Unfit(TWO, "r2", (Lack.LINK, Lack.ADDRESS))
    assert str(unfit) == "r2 has no link to a region; it has no IPv4 address on this VLAN"


def test_nobody_is_paired_with_a_primary_that_is_away() -> None:
    """It could not take up its peer; only the primary is named, whatever the others lack."""
    away = evolve(rack(1, evolve(FIT, address=False)), linked=False)
    unfit = Unfit(ONE, "r1", (Lack.LINK, Lack.ADDRESS))
    assert decided(vlan(away, rack(2), primary=place(1))) == Nobody(VLAN, (unfit,))


def test_a_primary_that_left_the_vlan_is_not_lost() -> None:
    """It is unknown there, and nobody takes its place."""
    unfit = Unfit(ONE, "rack 1", (Lack.LINK, Lack.ADDRESS))
    assert decided(vlan(rack(2), primary=place(1))) == Nobody(VLAN, (unfit,))


def test_a_lone_primary_waits_for_another_rack() -> None:
    """There is nobody to be unfit."""
    assert decided(vlan(rack(1), primary=place(1))) == Nobody(VLAN, ())


def test_an_empty_place_that_a_person_wants_stays_empty() -> None:
    """Of the secondary as of the primary."""
    settled = Settled(VLAN, Rest.KEPT_EMPTY, "user:admin")
    none = place(None, "user:admin")
    assert decided(vlan(rack(1), rack(2), primary=place(1), secondary=none)) == settled
    assert decided(vlan(rack(1), rack(2), primary=none)) == settled
    replaced = vlan(lost(1), rack(2), rack(3), primary=place(1), secondary=none)
    action = decided(replaced)
    assert isinstance(action, ChoosePrimary)
    assert decided(carried_out(replaced, action)) == settled


def test_where_people_choose_nothing_happens() -> None:
    """Nor where DHCP is off."""
    roles = vlan(rack(1), rack(2), primary=place(1))
    assert decided(evolve(roles, ha_auto=False)) == Settled(VLAN, Rest.BY_HAND)
    assert decided(evolve(roles, dhcp_on=False)) == Settled(VLAN, Rest.DHCP_OFF)


@pytest.mark.parametrize("by", ["", "user:admin"])
def test_a_pair_stays_as_it_is(by: str) -> None:
    """However silent both are, however uneven it is, whoever chose it."""
    silent = [evolve(rack(n, Evidence()), linked=False) for n in (1, 2)]
    pair = vlan(*silent, rack(3), primary=place(1, by), secondary=place(2, by))
    assert decided(pair, {ONE: 99}) == Settled(VLAN, Rest.FILLED)


def test_the_secondary_follows_a_lost_primary() -> None:
    """It has the leases; its own place is free then."""
    roles = vlan(lost(1), rack(2), rack(3), primary=place(1, "user:a"), secondary=place(2))
    action = decided(roles, {TWO: 9})
    assert action == Promote(VLAN, TWO, ONE)
    after = carried_out(roles, action)
    assert (after.primary, after.secondary) == (place(2), place(None))
    assert decided(after) == Appoint(VLAN, THREE, TWO)


def test_a_lost_secondary_makes_room() -> None:
    """The primary serves alone at once, and is paired when somebody is fit."""
    roles = vlan(rack(1), lost(2), rack(3), primary=place(1), secondary=place(2, "user:a"))
    action = decided(roles)
    assert action == Vacate(VLAN, TWO)
    after = carried_out(roles, action)
    assert decided(after) == Appoint(VLAN, THREE, ONE)
    assert decided(carried_out(after, Appoint(VLAN, THREE, ONE))) == Settled(VLAN, Rest.FILLED)


def test_a_pair_that_is_lost_is_replaced() -> None:
    """Its places are filled one after the other."""
    roles = vlan(lost(1), lost(2), rack(3), primary=place(1), secondary=place(2))
    assert decided(roles) == Vacate(VLAN, TWO)
    after = carried_out(roles, Vacate(VLAN, TWO))
    assert decided(after) == ChoosePrimary(VLAN, THREE, 0, ONE)


def test_the_first_primary_is_the_least_busy() -> None:
    """It needs no evidence but its address; a secondary without a primary is not chosen twice."""
    plain = [rack(n, Evidence(address=True)) for n in (1, 2, 3)]
    busy = {ONE: 3, TWO: 1, THREE: 2}
    assert decided(vlan(*plain), busy) == ChoosePrimary(VLAN, TWO, 1)
    assert decided(vlan(*plain, secondary=place(2)), busy) == ChoosePrimary(VLAN, THREE, 2)


def test_the_least_busy_becomes_the_secondary() -> None:
    """It is the one that serves when the primary dies."""
    roles = vlan(rack(1), rack(2), rack(3), primary=place(1))
    assert decided(roles, {TWO: 1}) == Appoint(VLAN, THREE, ONE)
    assert decided(roles, {THREE: 1}) == Appoint(VLAN, TWO, ONE)


def test_the_order_of_rendezvous_is_the_same_everywhere() -> None:
    """It depends on nothing but the two numbers, in every version."""
    assert rendezvous(VlanId(7), RackKey(1)).hex()[:16] == "c37caccccd98d22d"


def test_brakes_hold_acts_and_nothing_else() -> None:
    """What would be done is told."""
    roles = vlan(rack(1), rack(2), primary=place(1))
    assert decided(roles, verdict=HELD) == Held(Appoint(VLAN, TWO, ONE), (NotLeading(),))
    lonely = vlan(rack(1), primary=place(1))
    assert decided(lonely, verdict=HELD) == Nobody(VLAN, ())


@given(racks=st.integers(1, 8), vlans=st.integers(0, 40))
def test_first_choices_spread_evenly(racks: int, vlans: int) -> None:
    """No rack of a site has two primaries more than another."""
    site = [vlan(*map(rack, range(1, racks + 1)), number=number) for number in range(vlans)]
    chosen = [act for act in decide_all(site, {}, FREE, NOW) if isinstance(act, ChoosePrimary)]
    counts = Counter(act.rack for act in chosen)
    assert len(chosen) == vlans
    assert max(counts.values(), default=0) - min(counts[RackKey(n + 1)] for n in range(racks)) <= 1


def test_a_promotion_counts_for_the_next_choice() -> None:
    """Within one look."""
    promoted = vlan(lost(1), rack(2), primary=place(1), secondary=place(2), number=1)
    off = evolve(vlan(rack(2), number=9), dhcp_on=False)
    new = vlan(rack(2), rack(3), number=2)
    assert decide_all([promoted, off, new], {ONE: 1}, FREE, NOW) == (
        Promote(VlanId(1), TWO, ONE),
        Settled(VlanId(9), Rest.DHCP_OFF),
        ChoosePrimary(VlanId(2), THREE, 0),
    )


CANDIDATES = st.builds(
    Candidate,
    st.integers(1, 4).map(RackKey),
    st.just("r"),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([FIT, Evidence(address=True), evolve(FIT, probed=ago(99))]),
)
PLACES = st.builds(
    Place, st.none() | st.integers(1, 4).map(RackKey), st.sampled_from(["", "user:a"])
)
VLANS = st.builds(
    VlanRoles,
    st.integers(1, 9).map(VlanId),
    PLACES,
    PLACES,
    st.booleans(),
    st.booleans(),
    st.lists(CANDIDATES, max_size=4, unique_by=lambda one: one.rack).map(tuple),
).filter(lambda roles: roles.primary.rack is None or roles.primary.rack != roles.secondary.rack)


def moved(before: VlanRoles, after: VlanRoles) -> list[Place]:
    """Give the places that are no longer what they were."""
    pairs = ((before.primary, after.primary), (before.secondary, after.secondary))
    return [old for old, new in pairs if old != new]


@given(VLANS)
def test_acts_come_to_an_end(roles: VlanRoles) -> None:
    """After four at most nothing is left to do; no rack ever has both places."""
    for _ in range(4):
        decision = decided(roles)
        if not isinstance(decision, Action):
            break
        roles = carried_out(roles, decision)
        assert roles.primary.rack is None or roles.primary.rack != roles.secondary.rack
    assert not isinstance(decided(roles), Action)


@given(VLANS)
def test_only_the_lost_lose_their_places(roles: VlanRoles) -> None:
    """Whoever is not lost has a part after any act; what a person chose stays, emptiness too."""
    decision = decided(roles)
    if not isinstance(decision, Action):
        return
    assert roles.dhcp_on
    assert roles.ha_auto
    after = carried_out(roles, decision)
    lost_one = {one.rack for one in roles.candidates if one.lost}
    before_racks = {roles.primary.rack, roles.secondary.rack} - {None}
    assert before_racks - {after.primary.rack, after.secondary.rack} <= lost_one
    follows = isinstance(decision, Promote)
    for old in moved(roles, after):
        assert not old.by or old.rack in lost_one or (follows and old == roles.secondary)


@given(VLANS)
def test_whoever_gets_a_part_is_fit_for_it(roles: VlanRoles) -> None:
    """Unless it follows its own primary."""
    decision = decided(roles)
    if isinstance(decision, ChoosePrimary | Appoint):
        chosen = roles.candidate(decision.rack)
        assert chosen.linked
        assert chosen.evidence.address
        assert not chosen.lost
        assert not chosen.draining
    if isinstance(decision, Appoint):
        assert chosen.evidence == FIT
        assert roles.candidate(decision.primary).linked


@given(st.lists(VLANS, max_size=5, unique_by=lambda roles: roles.vlan))
def test_counts_are_of_racks_with_a_place(vlans: list[VlanRoles]) -> None:
    """As many as there are VLANs with a primary."""
    assert counted(vlans).total() == sum(roles.primary.rack is not None for roles in vlans)


def test_what_racks_lack() -> None:
    """Each is told all, for people; without a primary nobody needs evidence."""
    far = evolve(FIT, reached=None)
    away = evolve(rack(1), linked=False)
    roles = vlan(away, rack(2, far), lost(3), primary=place(1))
    assert shortcomings(roles, NOW) == {
        ONE: (Lack.LINK,),
        TWO: (Lack.PORT,),
        THREE: (Lack.LOST, Lack.LINK),
    }
    for primary in (place(None), place(3)):
        without = evolve(roles, primary=primary)
        assert shortcomings(without, NOW)[TWO] == ()
