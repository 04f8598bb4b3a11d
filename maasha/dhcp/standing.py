"""Who serves a VLAN, how long its addresses last, and whether people have to be told.

A server of a pair that is alone hands out its own share only: the free addresses if it is the
primary, the backup ones if it is the secondary. Of what expires meanwhile only that comes back to
it which it handed out since; for all else both peers have to agree (measured; dhcpd writes it down
as expired, for as long as the peer is away). So its endurance is that share at the rate of clients
that take an address up, less those that come back since it is alone. What either of a pair would
have is told without returns, for at first there are none; unless its share is as large as all that
is in use, for then everybody can come anew. Whoever serves without a pair has all addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from math import inf

from attrs import Factory, frozen

from maasha.dhcp.rollout import ANSWERING
from maasha.model.cluster import RackKey
from maasha.model.dhcp import Duty, PeerState
from maasha.model.network import VlanId
from maasha.model.pools import PoolCount
from maasha.model.standing import NEVER_TAKES_OVER, MemberStanding, VlanStanding

GRACE = 5.0
"""Seconds that a pair may have one server without an alarm: restarts take less than two."""
MARGIN = 1.25
"""By which the endurance has to exceed its bound until the alarm is over."""
APART_STATES = (PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.PARTNER_DOWN)


class Standing(Enum):
    """How many servers a VLAN has; for people."""

    OFF = "DHCP is off"
    SINGLE = "one rack serves, as is wanted"
    PAIR = "two racks serve"
    APART = "two racks serve that do not reach each other"
    ALONE = "one rack of two serves"
    TAKEN_OVER = "one rack serves alone, with all addresses, until the other is back"
    BY_HAND = "one rack serves, as was ordered on the spot"
    UNKNOWN = "it is not known who serves"


def standing(vlan: VlanStanding) -> Standing:
    """Say how a VLAN is served."""
    if not vlan.dhcp_on:
        return Standing.OFF
    serving = servers(vlan)
    wanted = [member for member in vlan.members if not member.draining]
    if not serving:
        return Standing.UNKNOWN
    if any(member.replaced_by for member in vlan.members):
        return Standing.TAKEN_OVER
    if len(serving) > 1:
        apart = any(member.state in APART_STATES for member in serving)
        return Standing.APART if apart else Standing.PAIR
    if any(member.ordered for member in vlan.members):
        return Standing.BY_HAND
    return Standing.SINGLE if len(wanted) < len(("primary", "secondary")) else Standing.ALONE


def servers(vlan: VlanStanding) -> tuple[MemberStanding, ...]:
    """Give the members that are known to serve: by their own words, or as their peer hears them."""
    normal = any(member.state is PeerState.NORMAL for member in vlan.members if _serves(member))
    return tuple(
        member for member in vlan.members if _serves(member) or (normal and _is_heard(member))
    )


def _is_heard(member: MemberStanding) -> bool:
    """Whether a peer that is normal speaks of this one."""
    return member.paired and not member.replaced_by


def _serves(member: MemberStanding) -> bool:
    if not (member.linked and member.serving):
        return False
    return member.duty is Duty.SOLO or (member.paired and member.state in ANSWERING)


@frozen
class Endurance:
    """How long a server lasts if it is alone."""

    rack: RackKey
    left: int
    """Addresses that it could hand out."""
    hourly: float
    """Clients an hour that take one up."""

    @property
    def hours(self) -> float:
        """Hours; infinite where nobody comes, or as many addresses come back."""
        if self.left <= 0:
            return 0.0
        return self.left / self.hourly if self.hourly > 0 else inf


def endurance(vlan: VlanStanding) -> Endurance | None:
    """Give that of the server that would last the shortest; None: nobody has counted yet.

    Of a pair it is what each would have if the other died now.
    """
    each = [_endurance(one, one.count) for one in servers(vlan) if one.count is not None]
    return min(each, key=lambda one: (one.hours, one.left), default=None)


def _endurance(member: MemberStanding, count: PoolCount) -> Endurance:
    left = {
        Duty.SOLO: count.free + count.backup + count.returning,
        Duty.PRIMARY: count.free,
    }.get(member.duty, count.backup)
    scarce = member.state is PeerState.NORMAL and left < count.active
    flow = member.flow.without_returns if scarce else member.flow
    return Endurance(member.rack, left, flow.net_hourly)


class Alarm(Enum):
    """What people are told without asking; the kinds of events."""

    ALONE = "dhcp.alone"
    ENDURANCE = "dhcp.endurance"


@frozen
class Judgement:
    """What becomes of a VLAN's alarm: `open` None leaves it as it is."""

    vlan: VlanId
    alarm: Alarm
    open: bool | None
    detail: str = ""


@frozen
class Memory:
    """Since when VLANs have had one server of two; a leader begins with nothing."""

    alone: Mapping[VlanId, datetime] = Factory(dict)


def judge(
    memory: Memory, vlans: Iterable[VlanStanding], now: datetime
) -> tuple[Memory, tuple[Judgement, ...]]:
    """Say which alarms are to be open."""
    alone: dict[VlanId, datetime] = {}
    judged: list[Judgement] = []
    for vlan in vlans:
        how = standing(vlan)
        if how is Standing.ALONE:
            alone[vlan.vlan] = memory.alone.get(vlan.vlan, now)
        fresh = now - alone.get(vlan.vlan, now) < timedelta(seconds=GRACE)
        judged += [_judge_alone(vlan, how, fresh=fresh), _judge_endurance(vlan, how)]
    return Memory(alone), tuple(judged)


def _judge_alone(vlan: VlanStanding, how: Standing, *, fresh: bool) -> Judgement:
    """Judge whether a server is missing; orders on the spot are an alarm of their own.

    One that is relayed has its servers elsewhere, and the alarm is there.
    """
    if vlan.relay is not None:
        return Judgement(vlan.vlan, Alarm.ALONE, False)
    if how is Standing.UNKNOWN or (how is Standing.ALONE and fresh):
        return Judgement(vlan.vlan, Alarm.ALONE, None)
    if how is Standing.TAKEN_OVER:
        return Judgement(vlan.vlan, Alarm.ALONE, True, _taken_over(vlan))
    if how is Standing.ALONE:
        return Judgement(vlan.vlan, Alarm.ALONE, True, _alone_words(vlan))
    return Judgement(vlan.vlan, Alarm.ALONE, False)


def _judge_endurance(vlan: VlanStanding, how: Standing) -> Judgement:
    """Judge what a server has that is alone; what one of a pair would have is shown, no alarm."""
    kind, bound = Alarm.ENDURANCE, vlan.endurance_bound
    if how in (Standing.OFF, Standing.PAIR) or not bound:
        return Judgement(vlan.vlan, kind, False)
    found = endurance(vlan)
    if found is None:
        return Judgement(vlan.vlan, kind, None)
    if found.hours < bound:
        return Judgement(vlan.vlan, kind, True, _endurance_words(vlan, how))
    return Judgement(vlan.vlan, kind, False if found.hours >= bound * MARGIN else None)


def _names(vlan: VlanStanding) -> tuple[str, str]:
    """Name who serves, and who does not."""
    serving = [member.hostname for member in servers(vlan)]
    others = [member.hostname for member in vlan.members if member.hostname not in serving]
    return " and ".join(serving), " and ".join(others)


def _command(vlan: VlanStanding, away: str) -> str:
    return f"maasha dhcp takeover {vlan.home} --off {away}"


def _taken_over(vlan: VlanStanding) -> str:
    survivor, away = _names(vlan)
    return (
        f"{survivor} serves alone, with all addresses, since it took over from {away}: bring "
        f"{away} back, or name another rack"
    )


def _alone_words(vlan: VlanStanding) -> str:
    survivor, away = _names(vlan)
    there = next((member.linked for member in vlan.members if member.hostname == away), False)
    if there:
        return (
            f"{survivor} serves alone, as {away} does not answer clients: see what its state means "
            f"in `maasha dhcp status {vlan.vlan}`"
        )
    return (
        f"{survivor} serves alone, as {away} is away. It has only its own half of the free "
        f"addresses: bring {away} back, or if its host is off and stays off for a while, run "
        f"`{_command(vlan, away)}`"
    )


def _endurance_words(vlan: VlanStanding, how: Standing) -> str:
    words = f"addresses are left for fewer than {vlan.endurance_bound} h"
    if how is Standing.ALONE:
        _, away = _names(vlan)
        return f"{words}: bring {away} back, or if its host is off, `{_command(vlan, away)}`"
    if how is Standing.APART:
        return f"{words}: mend what is between the two racks; each has only its half"
    return f"{words}: make the dynamic range larger, or the lease time shorter"


def take_overs(vlans: Iterable[VlanStanding], now: datetime) -> tuple[VlanId, ...]:
    """Name the VLANs whose survivor takes over without a hand, one of each pair of racks.

    Only where every VLAN that the two share allows it, and where for as long as it says nothing
    was heard of the one, by any region, and the other has not reached its dhcpd on TCP 647. That
    is no proof that its host is off: whoever allows it takes that upon himself.
    """
    pairs: dict[frozenset[RackKey], list[VlanStanding]] = {}
    for vlan in vlans:
        if vlan.dhcp_on and vlan.relay is None and len(vlan.members) > 1:
            pairs.setdefault(frozenset(one.rack for one in vlan.members), []).append(vlan)
    return tuple(
        shared[0].vlan for shared in pairs.values() if all(_overdue(vlan, now) for vlan in shared)
    )


def _overdue(vlan: VlanStanding, now: datetime) -> bool:
    serving = servers(vlan)
    away = [member for member in vlan.members if not member.linked and not member.draining]
    if vlan.take_over_after == NEVER_TAKES_OVER or len(serving) != 1 or len(away) != 1:
        return False
    (survivor,), (gone,) = serving, away
    patience = timedelta(seconds=vlan.take_over_after)
    if not survivor.paired or survivor.state not in APART_STATES:
        return False
    if survivor.since is None or gone.replaced_by:
        return False
    return now - max(survivor.since, gone.heard) >= patience
