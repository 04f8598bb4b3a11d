"""What a rack's dhcpd should run next, decided from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from maasha.dhcp.effective import effective
from maasha.dhcp.facts import Member, RackFacts, VlanFacts
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
from maasha.region.wish import wish


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


@frozen
class EndOrders:
    """The rack is to end orders that people gave it on the spot; `by` says so in the region."""

    numbers: tuple[int, ...]
    by: str


Decision = Configure | ChangeHosts | Complete | Waiting | EndOrders


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
    plan = evolve(rendered.plan, acts=situation.acts)
    return Verdict(_next(situation, plan, possible), problems, _noted(situation, problems))


def _next(situation: RackSituation, plan: DhcpPlan, steps: Sequence[Step]) -> Decision:
    over = [order for order in situation.orders if order.number <= situation.resume_upto]
    if over:
        return EndOrders(tuple(order.number for order in over), situation.resume_by)
    runs = effective(plan, situation.orders)
    if digest(runs) != (situation.digest or digest(EMPTY)):
        if situation.kept and digest(plan) == digest(EMPTY):
            return Waiting("it was readmitted and keeps what it served, until a VLAN names it")
        others = not_my_turn(situation, plan)
        return _without_restart(situation, runs, others) if others else Configure(plan)
    if not _knows(situation, runs):
        if situation.known_hosts != UNSURE:
            last = digest(runs) if all(taken.complete for taken in steps) else ""
            return ChangeHosts(runs.generation, runs.hosts, complete_with=last)
        others = not_my_turn(situation, plan, hosts_only=True)
        return _without_restart(situation, runs, others) if others else Configure(plan)
    if all(taken.complete for taken in steps):
        done = situation.running == situation.generation
        return Waiting() if done else Complete(situation.generation, situation.known_hosts)
    return Waiting("; ".join(taken.waiting for taken in steps if taken.waiting))


def _without_restart(situation: RackSituation, runs: DhcpPlan, others: str) -> Decision:
    """Do what can be done while the rack must not be restarted: its hosts need nobody's turn."""
    serves = situation.digest and runs.interfaces
    if serves and not _knows(situation, runs):
        why = others if situation.known_hosts == UNSURE else ""
        return ChangeHosts(runs.generation, runs.hosts, why)
    return Waiting(others)


def _knows(situation: RackSituation, runs: DhcpPlan) -> bool:
    """Whether the rack's dhcpd knows the hosts of what it is to run."""
    return situation.hosts is None or fingerprint(runs.hosts) == situation.known_hosts


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
    return step(vlan.vlan, wish(vlan), [_member(member) for member in vlan.members])


def _vlan_facts(vlan: VlanSituation, me: RackKey) -> VlanFacts:
    interfaces = {member.rack: member.interface for member in vlan.members}
    return VlanFacts(
        vlan=vlan.vlan,
        lease_time=vlan.lease_time,
        mtu=vlan.mtu,
        subnets=vlan.subnets,
        interface=interfaces.get(me, ""),
        wanted=wish(vlan),
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
