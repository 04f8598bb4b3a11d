"""What a rack's DHCPv6 server should run next."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv6Address, IPv6Network

from attrs import evolve

from maasha.dhcp.plan import digest
from maasha.model.cluster import RackKey
from maasha.model.network import Stretch, Subnet6, SubnetId, VlanId
from maasha.model.service6 import (
    LapseSituation,
    MemberSituation6,
    RackSituation6,
    VlanSituation6,
)
from maasha.model.stamp import NEVER, Stamp
from maasha.model.stretches import Stretches, lower_half, upper_half
from maasha.region.decision import Complete, Configure, Waiting
from maasha.region.decision6 import decide6

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = RackKey(1), RackKey(2)
RANGE = Stretch(IPv6Address("fd00::100"), IPv6Address("fd00::1ff"))
SUBNET = Subnet6(SubnetId(1), IPv6Network("fd00::/64"), ranges=(RANGE,))
LOWER, UPPER = lower_half((RANGE,)), upper_half((RANGE,))
VLAN = VlanId(5)


def member(rack: RackKey, held: Stretches = (), *, linked: bool = True) -> MemberSituation6:
    """Give a rack that runs what it was asked."""
    own = IPv6Address("fd00::") + rack
    return MemberSituation6(rack, f"rack{rack}", "eth1", own, held, held, held, linked=linked)


def situation(*members: MemberSituation6, known: str = "") -> RackSituation6:
    """Give the first rack's situation in a pair of both."""
    vlan = VlanSituation6(VLAN, 600, True, ONE, TWO, 1, (SUBNET,), members)
    return RackSituation6(ONE, Stamp(1, 7), NEVER, Stamp(1, 7), known, NOW, (vlan,), "c2VjcmV0")


def told(found: RackSituation6) -> Stretches:
    """Give the share that the rack is told to hand out."""
    decision = decide6(found).verdict.decision
    assert isinstance(decision, Configure)
    return decision.plan.roles[0].role.stretches


def running(*members: MemberSituation6) -> RackSituation6:
    """Give the situation in which the rack runs what it was told."""
    begun = situation(*members)
    decision = decide6(begun).verdict.decision
    assert isinstance(decision, Configure)
    return evolve(begun, digest=digest(decision.plan), running=begun.generation)


def test_a_rack_is_told_its_half() -> None:
    """It runs another plan than it does; then that is written down, and all is done."""
    assert told(situation(member(ONE), member(TWO))) == LOWER
    done = running(member(ONE, LOWER), member(TWO, UPPER))
    assert decide6(done).verdict.decision == Waiting()
    late = evolve(done, running=NEVER)
    assert decide6(late).verdict.decision == Complete(Stamp(1, 7))


def test_a_drained_rack_s_half_lapses_first() -> None:
    """Its peer is to have all, once the leases that it granted have ended."""
    drained = evolve(
        member(TWO), draining=True, lapses=(LapseSituation(UPPER[0], NOW.replace(minute=9)),)
    )
    assert told(situation(member(ONE, LOWER), drained)) == LOWER
    ended = evolve(situation(member(ONE, LOWER), drained), now=NOW.replace(minute=10))
    assert told(ended) == (RANGE,)


def test_what_is_not_confirmed_is_held_whole() -> None:
    """A rack of which nobody knows what it runs may hand out all that it ever was asked."""
    unsure = evolve(member(TWO), asked=UPPER, running=(), held=(RANGE,))
    begun = evolve(situation(member(ONE), unsure))
    assert decide6(begun).verdict.decision == Complete(Stamp(1, 7))
    waiting = evolve(begun, running=begun.generation)
    words = "rack2 has not confirmed which IPv6 addresses it hands out"
    assert decide6(waiting).verdict.decision == Waiting(words)


def test_a_rack_that_was_not_heard_since_a_restore_may_hold_all() -> None:
    """Nobody gets more until it is heard."""
    drained = evolve(member(TWO), draining=True, sure=False)
    assert told(situation(member(ONE, LOWER), drained)) == LOWER


def test_whose_half_nobody_hands_out_is_told() -> None:
    """For an alarm; a rack without an address of its own is like one that is away."""
    found = decide6(running(member(ONE, LOWER), member(TWO, linked=False)))
    assert "rack2 is away" in found.away[VLAN]
    bare = evolve(member(TWO), address=None)
    assert "rack2 is away" in decide6(running(member(ONE, LOWER), bare)).away[VLAN]


def test_a_rack_that_cannot_serve_says_why() -> None:
    """The problem is written down once; the rack is told to serve nothing there."""
    lame = evolve(member(ONE, LOWER), interface="")
    found = decide6(situation(lame, member(TWO))).verdict
    assert "no usable interface" in found.problems[VLAN]
    assert not found.noted
    known = situation(evolve(lame, problem=found.problems[VLAN]), member(TWO))
    assert decide6(known).verdict.noted


def test_a_readmitted_rack_keeps_what_it_serves() -> None:
    """Until somebody wants something of it."""
    alone = RackSituation6(ONE, Stamp(1, 7), NEVER, Stamp(1, 7), "ab" * 32, NOW, (), kept=True)
    assert isinstance(decide6(alone).verdict.decision, Waiting)
    assert isinstance(decide6(evolve(alone, kept=False)).verdict.decision, Configure)


def test_off_is_told_to_who_serves() -> None:
    """A VLAN of which a rack is no member any more is stopped there; nobody else is asked."""
    begun = running(member(ONE, LOWER), member(TWO, UPPER))
    (vlan,) = begun.vlans
    off = evolve(begun, vlans=(evolve(vlan, dhcp_on=False),))
    decision = decide6(off).verdict.decision
    assert isinstance(decision, Configure)
    assert decision.plan.interfaces == ()
    alone = evolve(vlan, secondary=None, members=(member(TWO, UPPER),))
    assert decide6(evolve(begun, vlans=(alone,))).verdict.problems == {}


def test_who_is_concerned() -> None:
    """A rack with addresses of IPv6 to hand out, or that holds some, or runs a server."""
    pair = situation(member(ONE), member(TWO))
    assert pair.concerned
    (vlan,) = pair.vlans
    bare = evolve(pair, vlans=(evolve(vlan, subnets=()),))
    assert not bare.concerned
    assert evolve(bare, digest="ab").concerned
    holding = evolve(vlan, subnets=(), members=(member(ONE, LOWER),))
    assert evolve(pair, vlans=(holding,)).concerned
