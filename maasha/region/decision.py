"""What a rack's dhcpd should run next, decided from one snapshot."""

from __future__ import annotations

from attrs import frozen

from maasha.dhcp.facts import Member, Off, Pair, RackFacts, Solo, VlanFacts, Wanted
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render import render
from maasha.dhcp.rollout import Step, step
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, DhcpPlan
from maasha.model.service import MemberSituation, RackSituation, VlanSituation
from maasha.model.stamp import Stamp
from maasha.region.turns import not_my_turn


@frozen
class Configure:
    """The rack is to run another plan than it runs; `problem` names VLANs left out of it."""

    plan: DhcpPlan
    problem: str


@frozen
class Complete:
    """The rack runs all that this generation wants of it, and that is not on record yet."""

    generation: Stamp


@frozen
class Stuck:
    """Something that is not on record yet stands against this generation."""

    generation: Stamp
    problem: str


@frozen
class Waiting:
    """The next move is another rack's, or nobody's; `why` says what is waited for, for people."""

    why: str = ""


Decision = Configure | Complete | Stuck | Waiting


def decide(situation: RackSituation) -> Decision:
    """Give the next thing to do for the rack of this situation."""
    me = situation.rack
    steps = {vlan.vlan: _step(vlan) for vlan in situation.vlans}
    facts = RackFacts(
        me,
        situation.generation,
        situation.omapi_secret,
        tuple(_vlan_facts(vlan, me) for vlan in situation.vlans),
    )
    rendered = render(facts, {vlan: taken.role(me) for vlan, taken in steps.items()})
    refused = [f"VLAN {problem.vlan}: {problem.reason}" for problem in rendered.problems]
    if digest(rendered.plan) != (situation.digest or digest(EMPTY)):
        others = not_my_turn(situation, rendered.plan)
        return Waiting(others) if others else Configure(rendered.plan, "\n".join(refused))
    if refused:
        return _stuck(situation, "\n".join(refused))
    if all(taken.complete for taken in steps.values()):
        done = situation.running == situation.generation
        return Waiting() if done else Complete(situation.generation)
    return Waiting("; ".join(taken.waiting for taken in steps.values() if taken.waiting))


def _stuck(situation: RackSituation, problem: str) -> Decision:
    """Give the problem, unless it is on record already."""
    if (situation.failed, situation.problem) == (situation.generation, problem):
        return Waiting(problem)
    return Stuck(situation.generation, problem)


def _step(vlan: VlanSituation) -> Step:
    return step(vlan.vlan, _wanted(vlan), [_member(member) for member in vlan.members])


def _wanted(vlan: VlanSituation) -> Wanted:
    if not vlan.dhcp_on or vlan.primary is None:
        return Off()
    if vlan.secondary is None:
        return Solo(vlan.primary, vlan.pairing)
    return Pair(vlan.primary, vlan.secondary, vlan.pairing)


def _vlan_facts(vlan: VlanSituation, me: RackKey) -> VlanFacts:
    interfaces = {member.rack: member.interface for member in vlan.members}
    return VlanFacts(
        vlan=vlan.vlan,
        lease_time=vlan.lease_time,
        mtu=vlan.mtu,
        subnets=vlan.subnets,
        interface=interfaces.get(me, ""),
        wanted=_wanted(vlan),
        members=tuple(_member(member) for member in vlan.members),
    )


def _member(member: MemberSituation) -> Member:
    return Member(
        rack=member.rack,
        hostname=member.hostname,
        address=member.address,
        asked=member.asked,
        running=member.running,
        state=member.state,
        partner=member.partner,
        gone=member.deleted and member.asked == member.running == OFF,
    )
