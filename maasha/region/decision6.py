"""What a rack's DHCPv6 server should run next, decided from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from maasha.balancer.draining import serving
from maasha.dhcp.facts import Off, Pair, Solo, Wanted
from maasha.dhcp.facts6 import RackFacts6, VlanFacts6, addresses
from maasha.dhcp.halves import Allotment, Holder, Lapse, allot
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render6 import render6
from maasha.model.cluster import RackKey
from maasha.model.dhcp import DhcpPlan
from maasha.model.network import VlanId
from maasha.model.service6 import MemberSituation6, RackSituation6, VlanSituation6
from maasha.model.stretches import Stretches, union
from maasha.region.decision import Complete, Configure, Decision, Verdict, Waiting


@frozen
class Verdict6:
    """The next thing to do for a rack, and by VLAN whose addresses nobody hands out."""

    verdict: Verdict
    away: Mapping[VlanId, str]


def decide6(situation: RackSituation6) -> Verdict6:
    """Judge one rack's situation."""
    me = situation.rack
    found = {vlan.vlan: _allotment(vlan, situation) for vlan in situation.vlans}
    facts = RackFacts6(
        situation.generation,
        situation.omapi_secret,
        tuple(_facts(vlan, me) for vlan in situation.vlans),
    )
    rendered = render6(facts, {vlan: allotment.share(me) for vlan, allotment in found.items()})
    problems = {problem.vlan: problem.reason for problem in rendered.problems}
    possible = [allotment for vlan, allotment in found.items() if vlan not in problems]
    decision = _next(situation, rendered.plan, possible)
    away = {vlan: allotment.away for vlan, allotment in found.items()}
    return Verdict6(Verdict(decision, problems, _noted(situation, problems, away)), away)


def _next(situation: RackSituation6, plan: DhcpPlan, found: list[Allotment]) -> Decision:
    if digest(plan) != (situation.digest or digest(EMPTY)):
        if situation.kept and digest(plan) == digest(EMPTY):
            return Waiting("it was readmitted and keeps what it served, until a VLAN names it")
        return Configure(plan)
    waiting = "; ".join(each.waiting for each in found if each.waiting)
    if situation.running != situation.generation:
        return Complete(situation.generation)
    return Waiting(waiting)


def _noted(
    situation: RackSituation6, problems: Mapping[VlanId, str], away: Mapping[VlanId, str]
) -> bool:
    known = {
        vlan.vlan: member.problem
        for vlan in situation.vlans
        for member in vlan.members
        if member.rack == situation.rack and member.problem
    }
    return (
        situation.judged == situation.generation
        and known == problems
        and all(vlan.away == away[vlan.vlan] for vlan in situation.vlans)
    )


def _allotment(vlan: VlanSituation6, situation: RackSituation6) -> Allotment:
    ranges = _ranges(vlan)
    holders = tuple(_holder(member, ranges) for member in vlan.members)
    return allot(_wanted(vlan), ranges, holders, situation.now)


def _wanted(vlan: VlanSituation6) -> Wanted:
    drained = frozenset(member.rack for member in vlan.members if member.draining)
    primary, secondary = serving(vlan.primary, vlan.secondary, drained)
    if not vlan.dhcp_on or primary is None:
        return Off()
    if secondary is None:
        return Solo(primary, vlan.pairing)
    return Pair(primary, secondary, vlan.pairing)


def _ranges(vlan: VlanSituation6) -> Stretches:
    """Give every address of the VLAN that is to be leased."""
    taken = tuple(member.address for member in vlan.members if member.address is not None)
    whole: Stretches = ()
    for subnet in vlan.subnets:
        whole = union(whole, addresses(subnet, taken))
    return whole


def _holder(member: MemberSituation6, ranges: Stretches) -> Holder:
    certain = member.asked == member.running
    return Holder(
        rack=member.rack,
        asked=member.asked,
        running=member.running if certain else member.held,
        lapses=tuple(Lapse(each.stretch, each.until) for each in member.lapses),
        present=member.linked and member.address is not None,
        hostname=member.hostname,
        doubt=() if member.sure else ranges,
    )


def _facts(vlan: VlanSituation6, me: RackKey) -> VlanFacts6:
    here = next((member for member in vlan.members if member.rack == me), None)
    return VlanFacts6(
        vlan=vlan.vlan,
        lease_time=vlan.lease_time,
        subnets=vlan.subnets,
        interface=here.interface if here else "",
        address=here.address if here else None,
        boot=vlan.boot,
    )
