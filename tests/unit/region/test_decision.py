"""What a rack's owner does next follows from one snapshot."""

from __future__ import annotations

from attrs import evolve

from maasha.dhcp.effective import effective
from maasha.dhcp.hosts import UNSURE, fingerprint
from maasha.dhcp.plan import digest
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO, Duty, PeerState
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind
from maasha.model.service import RackSituation, VlanSituation
from maasha.region.decision import (
    ChangeHosts,
    Complete,
    Configure,
    Decision,
    EndOrders,
    Waiting,
    decide,
)
from tests.unit.region.situations import (
    GENERATION,
    ONE,
    TWO,
    member,
    pair,
    pair_role,
    situation,
    subnet,
    vlan,
)
from tests.unit.region.spot import NOON

V = VlanId(1)


def decision(now: RackSituation) -> Decision:
    """Give what is to be done where every VLAN can be served."""
    verdict = decide(now)
    assert verdict.problems == {}
    return verdict.decision


def configured(now: object) -> Configure:
    """Take a decision that must be to configure."""
    assert isinstance(now, Configure)
    return now


def test_a_rack_with_nothing_to_serve_is_complete() -> None:
    """No VLAN names it, and no server runs."""
    assert decision(situation()) == Complete(GENERATION)


def test_what_is_on_record_is_not_recorded_again() -> None:
    """A rack at rest costs nothing: neither its completion nor its problems are written twice."""
    assert decision(evolve(situation(), running=GENERATION)) == Waiting()
    first = decide(situation(unserved(1)))
    assert not first.noted
    (mine,) = unserved(1).members
    known = evolve(unserved(1), members=(evolve(mine, problem=first.problems[V]),))
    assert decide(evolve(situation(known), judged=GENERATION)).noted
    assert not decide(situation(known)).noted


def test_that_nothing_is_wrong_is_noted_once_too() -> None:
    """What stood against an earlier generation is over then."""
    assert not decide(situation()).noted
    assert decide(evolve(situation(), judged=GENERATION)).noted


def unserved(number: int) -> VlanSituation:
    """Give a VLAN of rack 1 alone that has no addresses to give."""
    key = VlanId(number)
    empty = evolve(subnet(key), ranges=())
    return evolve(vlan(number, (member(key, ONE),), secondary=None), subnets=(empty,))


def test_a_deleted_rack_is_waited_for_until_it_has_stopped() -> None:
    """Nobody serves alone while it may still serve; then it has no part any more."""
    running = pair_role(V, TWO, Duty.SECONDARY)
    leaving = evolve(member(V, TWO, running), asked=OFF, deleted=True)
    mine = member(V, ONE, pair_role(V, ONE, Duty.PRIMARY))
    assert configured_or_waiting(vlan(1, (mine, leaving), secondary=None)) == Duty.PRIMARY
    left = evolve(leaving, running=OFF)
    assert configured_or_waiting(vlan(1, (mine, left), secondary=None)) == Duty.SOLO


def configured_or_waiting(shared: VlanSituation) -> Duty:
    """Give the duty that rack 1 is to have next on its only VLAN."""
    plan = configured(decision(situation(shared))).plan
    return plan.roles[0].role.duty


def test_the_first_rack_serves_alone() -> None:
    """A VLAN that nobody serves is served as soon as there is a primary."""
    now = situation(vlan(1, (member(V, ONE), member(V, TWO))))
    plan = configured(decision(now)).plan
    assert [entry.role for entry in plan.roles] == [SOLO]
    assert plan.generation == GENERATION


def test_a_plan_that_runs_already_is_not_sent() -> None:
    """The same digest means that nothing is to be done; the secondary is waited for."""
    now = situation(vlan(1, (member(V, ONE, SOLO), member(V, TWO))))
    plan = configured(decision(now)).plan
    again = decision(evolve(now, digest=digest(plan)))
    assert isinstance(again, Waiting)


def test_a_pair_that_runs_is_complete() -> None:
    """Both roles are what is wanted, and the text is the running one."""
    now = situation(pair(1))
    plan = configured(decision(now)).plan
    assert plan.roles[0].role == pair_role(V, ONE, Duty.PRIMARY)
    assert decision(evolve(now, digest=digest(plan))) == Complete(GENERATION)


def test_a_drained_rack_is_stopped_while_its_peer_serves() -> None:
    """The peer serves alone then, though both places are filled."""
    whole = pair(1)
    first, second = whole.members
    drained = evolve(whole, members=(evolve(first, draining=True), second))
    assert configured(decision(situation(drained, digest="of the pair"))).plan.roles == ()
    stopped = evolve(drained, members=(member(V, ONE, OFF), second))
    left = evolve(stopped, members=(evolve(stopped.members[0], draining=True), second))
    plan = configured(decision(situation(left, rack=TWO, digest="of the pair"))).plan
    assert plan.roles[0].role == SOLO


def test_a_change_waits_for_its_turn() -> None:
    """The primary does not restart while its secondary is away."""
    now = situation(pair(1, PeerState.COMMUNICATIONS_INTERRUPTED), digest="of another text")
    waiting = decision(now)
    assert isinstance(waiting, Waiting)
    assert "15 s" in waiting.why


def test_dhcp_turned_off_stops_the_server() -> None:
    """The empty plan is sent, and then all is complete."""
    now = situation(vlan(1, (member(V, ONE, SOLO),), dhcp_on=False), digest="of a running text")
    assert configured(decision(now)).plan.interfaces == ()
    stopped = situation(vlan(1, (member(V, ONE, OFF),), dhcp_on=False))
    assert decision(stopped) == Complete(GENERATION)


def test_a_vlan_without_primary_is_off() -> None:
    """Nobody is asked to serve it."""
    now = situation(vlan(1, (member(V, ONE),), primary=None, secondary=None))
    assert decision(now) == Complete(GENERATION)


def test_a_bad_vlan_is_named_and_the_others_are_served() -> None:
    """The rack is done when it serves all that can be served."""
    good = vlan(1, (member(V, ONE),), secondary=None)
    first = decide(situation(good, unserved(2)))
    plan = configured(first.decision).plan
    assert [entry.vlan for entry in plan.roles] == [1]
    assert list(first.problems) == [2]
    served = evolve(good, members=(member(V, ONE, SOLO),))
    later = decide(situation(served, unserved(2), digest=digest(plan)))
    assert later.decision == Complete(GENERATION)
    assert later.problems == first.problems


def test_a_rack_without_interface_is_told_by_name() -> None:
    """A member that has no place on the VLAN cannot serve it."""
    nowhere = evolve(member(V, ONE), interface="", address=None)
    verdict = decide(situation(vlan(1, (nowhere,), secondary=None)))
    assert list(verdict.problems) == [V]


def test_a_readmitted_rack_keeps_what_it_serves() -> None:
    """Nothing is wanted of it as far as the database knows: that is no reason to stop it."""
    now = evolve(situation(digest="of another time"), kept=True)
    waiting = decision(now)
    assert isinstance(waiting, Waiting)
    assert "keeps what it served" in waiting.why
    assert configured(decision(evolve(now, kept=False))).plan.interfaces == ()


def test_a_readmitted_rack_serves_what_is_wanted_of_it() -> None:
    """A VLAN that names it ends the keeping, whatever the mark says."""
    now = situation(vlan(1, (member(V, ONE),), secondary=None), digest="of another time")
    plan = configured(decision(evolve(now, kept=True))).plan
    assert [role.role.duty for role in plan.roles] == [Duty.SOLO]


def test_orders_that_ended_in_the_region_end_first() -> None:
    """Those that were given later stand."""
    orders = tuple(Order(number, OrderKind.STOP, None, NOON) for number in (3, 4))
    found = evolve(situation(pair(1)), orders=orders, acts=4, resume_upto=3, resume_by="user:ann")
    assert decide(found).decision == EndOrders((3,), "user:ann")


def test_a_stopped_rack_is_sent_nothing_for_ever() -> None:
    """What it would run of the plan is what it runs."""
    stop = Order(3, OrderKind.STOP, None, NOON)
    one = evolve(member(VlanId(1), ONE), ordered=OrderKind.STOP, vouched_off=True)
    two = evolve(member(VlanId(1), TWO), ordered=OrderKind.STOP)
    found = evolve(situation(vlan(1, (one, two))), orders=(stop,), acts=3)
    assert not isinstance(decide(found).decision, Configure)


def test_a_plan_says_of_which_acts_it_knows() -> None:
    """A rack that has acted since refuses it."""
    found = evolve(situation(vlan(1, (member(VlanId(1), ONE), member(VlanId(1), TWO)))), acts=7)
    assert configured(decide(found).decision).plan.acts == 7


HOSTS = "52:54:00:00:00:01 10.0.1.5 web\n"


def running(*vlans: VlanSituation, known: str = "", rack: RackKey = ONE) -> RackSituation:
    """Give a rack that runs all that it is to, and whose dhcpd says that it knows these hosts."""
    now = situation(*vlans, rack=rack)
    plan = configured(decision(now)).plan
    return evolve(now, digest=digest(plan), hosts=HOSTS, known_hosts=known)


def test_a_plan_has_the_hosts_with_it() -> None:
    """Whatever restarts dhcpd anyway brings them along."""
    now = evolve(situation(vlan(1, (member(V, ONE),), secondary=None)), hosts=HOSTS)
    assert configured(decision(now)).plan.hosts == HOSTS


def test_other_hosts_restart_nothing_and_wait_for_nobody() -> None:
    """Both racks are told at once, whatever their peers do, and that was all."""
    for state in PeerState:
        for rack in (ONE, TWO):
            whole = pair(1, state, partner_current=False, partner_commanded=True, me=rack)
            now = running(pair(1, me=rack), rack=rack)
            told = decision(evolve(now, vlans=(whole,)))
            assert isinstance(told, ChangeHosts)
            assert (told.generation, told.hosts, told.instead) == (GENERATION, HOSTS, "")
            last = now.digest if state is PeerState.NORMAL else ""
            assert told.complete_with in (last, now.digest)


def test_known_hosts_are_not_told_again() -> None:
    """The rack is complete."""
    known = fingerprint(HOSTS)
    assert decision(running(pair(1), known=known)) == Complete(GENERATION, known)


def test_unsure_hosts_are_made_sure_by_a_restart_in_turn() -> None:
    """It takes both peers normal, and nobody goes before it."""
    now = running(pair(1), known=UNSURE)
    assert configured(decision(now)).plan.hosts == HOSTS
    alone = running(vlan(1, (member(V, ONE, SOLO),), secondary=None), known=UNSURE)
    assert configured(decision(alone)).plan.hosts == HOSTS


def test_a_lone_survivor_is_told_again_rather_than_restarted() -> None:
    """Also where its dhcpd is mute, so that nobody knows its state."""
    now = running(pair(1), known=UNSURE)
    for state in PeerState:
        if state is PeerState.NORMAL:
            continue
        told = decision(evolve(now, vlans=(pair(1, state),)))
        assert isinstance(told, ChangeHosts)
        assert "rack2 does not cover for rack1" in told.instead


def test_hosts_are_told_while_a_restart_waits_for_its_turn() -> None:
    """They are no part of what waits."""
    changed = evolve(pair(1, PeerState.COMMUNICATIONS_INTERRUPTED), lease_time=900)
    now = evolve(running(pair(1)), vlans=(changed,))
    told = decision(now)
    assert isinstance(told, ChangeHosts)
    assert (told.hosts, told.instead, told.complete_with) == (HOSTS, "", "")
    unsure = decision(evolve(now, known_hosts=UNSURE))
    assert isinstance(unsure, ChangeHosts)
    assert "rack2 does not cover" in unsure.instead
    known = decision(evolve(now, known_hosts=fingerprint(HOSTS)))
    assert isinstance(known, Waiting)
    assert "rack2 does not cover" in known.why


def test_hosts_that_were_not_read_are_known() -> None:
    """There is nothing to tell of them, whether a restart waits or not."""
    now = evolve(running(pair(1), known="of these"), hosts=None)
    assert decision(now) == Complete(GENERATION, "of these")
    changed = evolve(pair(1, PeerState.COMMUNICATIONS_INTERRUPTED), lease_time=900)
    assert isinstance(decision(evolve(now, vlans=(changed,))), Waiting)


def test_a_stopped_rack_is_not_told_of_hosts() -> None:
    """It knows none; they come with the plan on which it serves again."""
    stop = Order(3, OrderKind.STOP, None, NOON)
    found = evolve(situation(pair(1)), orders=(stop,), acts=3, hosts=HOSTS, known_hosts="")
    assert not isinstance(decide(found).decision, Configure | ChangeHosts)


def test_hosts_are_told_to_a_rack_that_an_order_keeps_from_a_vlan() -> None:
    """What it says that it runs is what the order leaves of its plan."""
    stop = Order(3, OrderKind.STOP, VlanId(1), NOON)
    both = situation(pair(1), vlan(2, (member(VlanId(2), ONE),), secondary=None))
    runs = effective(configured(decision(both)).plan, (stop,))
    now = evolve(both, orders=(stop,), acts=3, digest=digest(runs), hosts=HOSTS)
    told = decision(now)
    assert isinstance(told, ChangeHosts)
    assert (told.hosts, told.complete_with) in ((HOSTS, ""), (HOSTS, digest(runs)))
    unsure = decision(evolve(now, known_hosts=UNSURE))
    assert isinstance(unsure, Configure)
    assert len(unsure.plan.roles) > len(runs.roles)
