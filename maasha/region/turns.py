"""Whose turn it is when a change leaves every role as it is but restarts dhcpd.

Both peers of a pair are never restarted at once: the secondary goes first, and the primary follows
when the secondary runs the new plan and both are *normal* again. A server whose peer is away is not
restarted at all: it would answer nobody for 15 s (dhcpd's startup state), and nobody else would.
A restart for the sake of fixed hosts alone is never worth that risk: where this rack's dhcpd is
mute its partner must say that both are *normal*.
Changes of roles have their own order (`maasha.dhcp.rollout`); on the rack's other VLANs they are
restarts like any other, but they wait for no partner to be current, which may wait for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maasha.model.dhcp import OFF, DhcpPlan, Duty, PeerState, Role
from maasha.model.service import MemberSituation, RackSituation, VlanSituation

MAY_RESTART = (PeerState.NORMAL, PeerState.UNKNOWN)
"""Its peer covers it; or dhcpd says nothing, and there is nothing to interrupt."""


def not_my_turn(situation: RackSituation, plan: DhcpPlan, *, hosts_only: bool = False) -> str:
    """Say why the rack must not restart its dhcpd on this plan now; empty: it may.

    `hosts_only` says that it runs this plan already but for the fixed hosts.
    """
    planned = {entry.vlan: entry.role for entry in plan.roles}
    kept = [
        vlan for vlan in situation.vlans if _role(vlan, situation) == planned.get(vlan.vlan, OFF)
    ]
    return next(_reasons(situation, kept, hosts_only=hosts_only), "")


def _reasons(
    situation: RackSituation, kept: Sequence[VlanSituation], *, hosts_only: bool
) -> Iterator[str]:
    for vlan in kept:
        me, partner = _pair(vlan, situation)
        if me is not None and partner is not None:
            whole = len(kept) == len(situation.vlans)
            reason = _uncovered(me, partner, hosts_only=hosts_only) or _before(
                me, partner, situation, whole=whole
            )
        else:
            reason = f"{me.hostname} is alone in a pair" if me is not None and hosts_only else ""
        if reason:
            yield reason


def _uncovered(me: MemberSituation, partner: MemberSituation, *, hosts_only: bool) -> str:
    """Say that nobody answers while this rack's dhcpd starts; empty: its partner does."""
    mute = hosts_only and me.state is PeerState.UNKNOWN
    state = partner.state if mute else me.state
    if state in MAY_RESTART and not (hosts_only and state is PeerState.UNKNOWN):
        return ""
    return (
        f"{partner.hostname} does not cover for {me.hostname} ({state.value}), which "
        "would answer nobody for 15 s: bring the peer back, or take it from the VLAN"
    )


def _before(
    me: MemberSituation, partner: MemberSituation, situation: RackSituation, *, whole: bool
) -> str:
    """Say that the partner is restarted before this rack; empty: it need not be.

    `whole` says that the rack keeps its roles on all VLANs.
    """
    if partner.commanded:
        return f"{partner.hostname} is being restarted"
    if whole and not partner.current and _goes_after(me, partner, situation):
        return f"{partner.hostname} goes first"
    return ""


def _goes_after(me: MemberSituation, partner: MemberSituation, situation: RackSituation) -> bool:
    """Whether the partner goes first: it is the secondary, everywhere or by its number."""
    duties = {
        mine.running.duty
        for mine, other in (_pair(vlan, situation) for vlan in situation.vlans)
        if mine is not None and other is not None and other.rack == partner.rack
    }
    if len(duties) > 1:
        return me.rack > partner.rack
    return Duty.PRIMARY in duties


def _pair(
    vlan: VlanSituation, situation: RackSituation
) -> tuple[MemberSituation | None, MemberSituation | None]:
    """Give this rack and its partner where both run one pair."""
    me = _me(vlan, situation)
    if me is None or not me.running.paired:
        return None, None
    others = (one for one in vlan.members if one is not me)
    same = (one for one in others if one.running.peer_name == me.running.peer_name)
    return me, next(same, None)


def _me(vlan: VlanSituation, situation: RackSituation) -> MemberSituation | None:
    return next((one for one in vlan.members if one.rack == situation.rack), None)


def _role(vlan: VlanSituation, situation: RackSituation) -> Role:
    me = _me(vlan, situation)
    return OFF if me is None else me.running
