"""Peers are restarted one after the other, and a lone survivor not at all."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.dhcp import SOLO, DhcpPlan, Duty, PeerState, VlanRole
from maasha.model.network import VlanId
from maasha.model.service import RackSituation
from maasha.region.turns import not_my_turn
from tests.unit.region.situations import (
    GENERATION,
    ONE,
    TWO,
    member,
    pair,
    pair_role,
    situation,
    vlan,
)


def same_roles(now: RackSituation) -> DhcpPlan:
    """Give a plan of another text in which the rack keeps all its roles."""
    roles = tuple(
        VlanRole(entry.vlan, one.running)
        for entry in now.vlans
        for one in entry.members
        if one.rack == now.rack
    )
    return DhcpPlan(GENERATION, "another text", ("eth0",), roles)


def verdict(now: RackSituation) -> str:
    """Say why the rack must wait with a change that keeps its roles; empty: it may go."""
    return not_my_turn(now, same_roles(now))


def test_a_rack_without_a_pair_goes_at_once() -> None:
    """Nobody covers for it, and nobody is waited for."""
    alone = vlan(1, (member(VlanId(1), ONE, SOLO),), secondary=None)
    assert verdict(situation(alone)) == ""


def test_the_secondary_goes_first() -> None:
    """The primary waits for a secondary that has not run the change yet."""
    primary = situation(pair(1, partner_current=False, me=ONE), rack=ONE)
    secondary = situation(pair(1, partner_current=False, me=TWO), rack=TWO)
    assert verdict(primary) == "rack2 goes first"
    assert verdict(secondary) == ""


def test_the_primary_follows() -> None:
    """It goes when the secondary runs the change and both are normal."""
    assert verdict(situation(pair(1))) == ""


@pytest.mark.parametrize(
    "state", [PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.PARTNER_DOWN, PeerState.RECOVER]
)
def test_a_lone_survivor_is_not_restarted(state: PeerState) -> None:
    """It would answer nobody for 15 s; the reason says how to go on."""
    reason = verdict(situation(pair(1, state)))
    assert "answer nobody for 15 s" in reason
    assert "take it from the VLAN" in reason


def test_a_silent_dhcpd_may_be_restarted() -> None:
    """There is nothing to interrupt, and the change may mend it."""
    assert verdict(situation(pair(1, PeerState.UNKNOWN))) == ""


def test_a_partner_under_way_is_waited_for() -> None:
    """It was told another plan and has not answered."""
    now = situation(pair(1, partner_commanded=True, me=TWO), rack=TWO)
    assert verdict(now) == "rack1 is being restarted"


def test_a_change_of_roles_has_its_own_order() -> None:
    """The rollout has decided it; the turns have no say."""
    now = situation(pair(1, PeerState.COMMUNICATIONS_INTERRUPTED))
    changed = DhcpPlan(GENERATION, "text", ("eth0",), (VlanRole(VlanId(1), SOLO),))
    assert not_my_turn(now, changed) == ""


def test_a_change_of_roles_elsewhere_spares_a_lone_survivor() -> None:
    """A new VLAN does not silence another one whose peer is away."""
    lonely = pair(1, PeerState.COMMUNICATIONS_INTERRUPTED)
    fresh = vlan(2, (member(VlanId(2), ONE),), secondary=None)
    now = situation(lonely, fresh)
    kept = VlanRole(VlanId(1), pair_role(VlanId(1), ONE, Duty.PRIMARY))
    plan = DhcpPlan(GENERATION, "text", ("eth1", "eth2"), (kept, VlanRole(VlanId(2), SOLO)))
    assert "answer nobody for 15 s" in not_my_turn(now, plan)
    assert not_my_turn(situation(pair(1), fresh), plan) == ""


def test_a_change_of_roles_elsewhere_waits_for_no_partner_to_be_current() -> None:
    """The partner's next step may be waiting for this very change."""
    fresh = vlan(2, (member(VlanId(2), ONE),), secondary=None)
    kept = VlanRole(VlanId(1), pair_role(VlanId(1), ONE, Duty.PRIMARY))
    plan = DhcpPlan(GENERATION, "text", ("eth1", "eth2"), (kept, VlanRole(VlanId(2), SOLO)))
    assert not_my_turn(situation(pair(1, partner_current=False), fresh), plan) == ""


def test_a_rack_that_runs_nothing_may_begin() -> None:
    """A VLAN in which it has no part yet changes its roles."""
    now = situation(vlan(1, (member(VlanId(1), TWO, SOLO),), primary=TWO, secondary=None))
    role = pair_role(VlanId(1), ONE, Duty.SECONDARY)
    assert (
        not_my_turn(now, DhcpPlan(GENERATION, "x", ("eth0",), (VlanRole(VlanId(1), role),))) == ""
    )


def test_a_peer_that_runs_another_pair_covers_nobody_and_is_not_waited_for() -> None:
    """Only the rack that runs the same pair counts as the partner."""
    mine = member(VlanId(1), ONE, pair_role(VlanId(1), ONE, Duty.PRIMARY))
    other = member(VlanId(1), TWO, SOLO, current=False)
    assert verdict(situation(vlan(1, (mine, other)))) == ""


@given(st.sets(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 63))
def test_of_two_outdated_peers_exactly_one_may_go(numbers: set[int], primaries: int) -> None:
    """Whatever each is the primary of: no change waits for ever, and no two go at once."""

    def seen_by(me: int) -> str:
        vlans = (
            pair(
                n,
                primary=ONE if primaries >> n & 1 else TWO,
                partner_current=False,
                me=ONE if me == 1 else TWO,
            )
            for n in sorted(numbers)
        )
        return verdict(situation(*vlans, rack=ONE if me == 1 else TWO))

    assert sorted(bool(seen_by(rack)) for rack in (1, 2)) == [False, True]


def for_hosts(now: RackSituation) -> str:
    """Say why the rack must not be restarted for its fixed hosts alone; empty: it may."""
    return not_my_turn(now, same_roles(now), hosts_only=True)


def test_for_hosts_alone_only_a_rack_that_is_covered_goes() -> None:
    """A mute dhcpd is no licence: its partner must say that both are normal."""
    assert for_hosts(situation(pair(1))) == ""
    assert "goes first" in for_hosts(situation(pair(1, partner_current=False)))
    mute = pair(1, PeerState.UNKNOWN)
    assert verdict(situation(mute)) == ""
    assert "does not cover" in for_hosts(situation(mute))
    mine, other = mute.members
    covered = evolve(mute, members=(mine, evolve(other, state=PeerState.NORMAL)))
    assert for_hosts(situation(covered)) == ""


def test_for_hosts_alone_a_peer_without_its_partner_stays() -> None:
    """It would answer nobody for 15 s."""
    whole = pair(1)
    left = evolve(whole, members=whole.members[:1])
    assert verdict(situation(left)) == ""
    assert "alone in a pair" in for_hosts(situation(left))
    alone = vlan(1, (member(VlanId(1), ONE, SOLO),), secondary=None)
    assert for_hosts(situation(alone)) == ""
