"""What a rack's dhcpd should run next, decided from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from maasha.balancer.draining import serving
from maasha.dhcp.facts import Member, Off, Pair, RackFacts, Solo, VlanFacts, Wanted
from maasha.dhcp.hosts import UNSURE, fingerprint
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render import render
from maasha.dhcp.rollout import Step, step
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, DhcpPlan
from maasha.model.network import VlanId
from maasha.model.service import MemberSituation, RackSituation, VlanSituation
from maasha.model.stamp import Stamp
from maasha.region.turns import not_my_turn


@frozen
class Configure:
    """The rack is to run another plan than it runs."""

    plan: DhcpPlan


@frozen
class ChangeHosts:
    """The rack's dhcpd is to know other fixed hosts; for these alone it is not restarted.

    `instead` says, for people, why it is not, where it did not take them while it runs.
    """

    generation: Stamp
    hosts: str
    instead: str = ""
    complete_with: str = ""
    """Of the plan with which nothing else is to be done then, the digest; empty: there is more."""


@frozen
class Complete:
    """The rack runs all that it can of this generation, and that is not on record yet."""

    generation: Stamp
    hosts: str = ""
    """The fingerprint of those that it knows, which are part of it."""


@frozen
class Waiting:
    """The next move is another rack's, or nobody's; `why` says what is waited for, for people."""

    why: str = ""


Decision = Configure | ChangeHosts | Complete | Waiting


@frozen
class Verdict:
    """The next thing to do for a rack, and why it cannot serve some of its VLANs."""

    decision: Decision
    problems: Mapping[VlanId, str]
    """By the VLANs that are left out, for people; the others are served all the same."""
    noted: bool
    """The problems are on record already."""


def decide(situation: RackSituation) -> Verdict:
    """Judge one rack's situation. Without the text of its hosts a plan is not fit to be told."""
    me = situation.rack
    steps = {vlan.vlan: _step(vlan) for vlan in situation.vlans}
    facts = RackFacts(
        me,
        situation.generation,
        situation.omapi_secret,
        tuple(_vlan_facts(vlan, me) for vlan in situation.vlans),
        situation.snippets,
        situation.hosts or "",
    )
    rendered = render(facts, {vlan: taken.role(me) for vlan, taken in steps.items()})
    problems = {problem.vlan: problem.reason for problem in rendered.problems}
    possible = [taken for vlan, taken in steps.items() if vlan not in problems]
    return Verdict(_next(situation, rendered.plan, possible), problems, _noted(situation, problems))


def _next(situation: RackSituation, plan: DhcpPlan, steps: Sequence[Step]) -> Decision:
    if digest(plan) != (situation.digest or digest(EMPTY)):
        if situation.kept and digest(plan) == digest(EMPTY):
            return Waiting("it was readmitted and keeps what it served, until a VLAN names it")
        others = not_my_turn(situation, plan)
        return _without_restart(situation, plan, others) if others else Configure(plan)
    if not _knows(situation, plan):
        if situation.known_hosts != UNSURE:
            last = digest(plan) if all(taken.complete for taken in steps) else ""
            return ChangeHosts(plan.generation, plan.hosts, complete_with=last)
        others = not_my_turn(situation, plan, hosts_only=True)
        return _without_restart(situation, plan, others) if others else Configure(plan)
    if all(taken.complete for taken in steps):
        done = situation.running == situation.generation
        return Waiting() if done else Complete(situation.generation, situation.known_hosts)
    return Waiting("; ".join(taken.waiting for taken in steps if taken.waiting))


def _without_restart(situation: RackSituation, plan: DhcpPlan, others: str) -> Decision:
    """Do what can be done while the rack must not be restarted: its hosts need nobody's turn."""
    serves = situation.digest and plan.interfaces
    if serves and not _knows(situation, plan):
        why = others if situation.known_hosts == UNSURE else ""
        return ChangeHosts(plan.generation, plan.hosts, why)
    return Waiting(others)


def _knows(situation: RackSituation, plan: DhcpPlan) -> bool:
    """Whether the rack's dhcpd knows the plan's hosts."""
    return situation.hosts is None or fingerprint(plan.hosts) == situation.known_hosts


def _noted(situation: RackSituation, problems: Mapping[VlanId, str]) -> bool:
    known = {
        vlan.vlan: member.problem
        for vlan in situation.vlans
        for member in vlan.members
        if member.rack == situation.rack and member.problem
    }
    known.update(
        (each.network.vlan, each.problem)
        for vlan in situation.vlans
        for each in vlan.relayed
        if each.problem
    )
    return situation.judged == situation.generation and known == problems


def _step(vlan: VlanSituation) -> Step:
    return step(vlan.vlan, _wanted(vlan), [_member(member) for member in vlan.members])


def _wanted(vlan: VlanSituation) -> Wanted:
    drained = frozenset(member.rack for member in vlan.members if member.draining)
    primary, secondary = serving(vlan.primary, vlan.secondary, drained)
    if not vlan.dhcp_on or vlan.six_only or primary is None:
        return Off()
    if secondary is None:
        return Solo(primary, vlan.pairing)
    return Pair(primary, secondary, vlan.pairing)


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
        numbers=vlan.numbers,
        boot=vlan.boot,
        relayed=tuple(each.network for each in vlan.relayed),
        region_dns=vlan.region_dns,
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
