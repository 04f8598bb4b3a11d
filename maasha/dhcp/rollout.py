"""The next safe step from what a VLAN's racks run to what they should run.

Invariants, in every state that these steps lead through, interrupted anywhere:

- Once a rack serves the VLAN, some rack serves it until it is wanted off.
- At most one rack serves alone, and while it may do so every other rack is off, or a secondary that
  waits for exactly this rack to become its primary and answers nobody until then.
- At most one pair exists, under one name.

To serve is to run SOLO, or to be a failover peer in one of dhcpd's answering states.

The order. One rack moves at a time, and only when it is certain what every other rack runs.
The *keeper* is the rack that must not stop: the one that serves alone, or else, of the peers that
are known to serve, the most wanted one. Every situation is brought down to the keeper alone
(others OFF and confirmed, then the keeper SOLO) and from there up to what is wanted:

- keeper = wanted primary: the secondary starts, its dhcpd reports a state (so it is up, and waits
  in recover, answering nobody), then the keeper becomes PRIMARY. If the secondary never starts, the
  keeper stays as it is.
- keeper = another rack: it hands over. The wanted primary starts as its secondary in a passing
  pair; when it serves (it has every lease then), it is the keeper, and all else is brought down
  around it.

Only when nobody is to serve do all racks stop at once.

The steps remember nothing: each is decided from the facts alone, so any prefix of them may be all
that happened, and `wanted` may change midway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from attrs import frozen

from maasha.dhcp.facts import Member, Off, Pair, Solo, Wanted
from maasha.dhcp.failover import handover_name, peer_name
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO, Duty, PeerState, Role
from maasha.model.network import VlanId

ANSWERING = frozenset(
    {PeerState.NORMAL, PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.PARTNER_DOWN}
)
"""The states in which a failover peer answers clients (service states in dhcpd's failover.c)."""
UNSETTLED = frozenset({PeerState.UNKNOWN, PeerState.STARTUP})
"""Not heard of, or silent for the first 15 s at most: such a peer may be about to answer."""


@frozen
class Step:
    """What every rack of the VLAN should run next.

    At most one entry differs from what runs, unless the VLAN is wanted off.
    """

    roles: tuple[tuple[RackKey, Role], ...]
    complete: bool
    """What runs is what is wanted."""
    waiting: str = ""
    """What the next step waits for, or why there is none, for people."""

    def role(self, rack: RackKey) -> Role:
        """Give the role that the rack should run next."""
        return dict(self.roles).get(rack, OFF)


@frozen
class _Goal:
    """Who is to serve in the end; `doubt` says why that is less than what was asked for."""

    vlan: VlanId
    primary: Member
    secondary: Member | None
    pairing: int
    doubt: str = ""


@frozen
class _Couple:
    """Two racks to be paired and their roles; the senior is the one that serves now."""

    senior: Member
    junior: Member
    as_senior: Role
    as_junior: Role


def step(vlan: VlanId, wanted: Wanted, members: Sequence[Member]) -> Step:
    """Decide what each member should run next; the module's text has the order and its reasons."""
    rest = [member for member in members if not member.gone]
    unsure = [member for member in rest if not member.certain]
    match wanted:
        case Off():
            return _stop_all(members, unsure)
        case Solo() | Pair() if unsure:
            return _stay(members, _not_confirmed(unsure))
        case Solo() | Pair():
            goal = _goal(vlan, wanted, rest)
        case _:
            assert_never(wanted)
    if isinstance(goal, str):
        return _stay(members, goal)
    return _toward(goal, members, [member for member in rest if member.running != OFF])


def _toward(goal: _Goal, members: Sequence[Member], running: Sequence[Member]) -> Step:
    if not running:
        return _move(members, goal.primary, SOLO)
    if _reached(goal, running):
        return _stay(members, goal.doubt, complete=not goal.doubt)
    keeper = _keeper(goal, running)
    others = [member for member in running if member is not keeper]
    couple = _couple(goal, keeper)
    if couple is not None and others == [couple.junior]:
        return _join(couple, members)
    if others:
        return _clear(keeper, others, members)
    if keeper.running != SOLO:
        return _move(members, keeper, SOLO)
    if couple is not None:
        return _move(members, couple.junior, couple.as_junior)
    return _stay(members, f"{goal.primary} cannot take over from {keeper}: {_unfit(goal, keeper)}")


def _join(couple: _Couple, members: Sequence[Member]) -> Step:
    """Let the senior take up the junior that is already running."""
    senior, junior = couple.senior, couple.junior
    if junior.running != couple.as_junior or senior.running not in (SOLO, couple.as_senior):
        return _clear(senior, [junior], members)
    if senior.running == couple.as_senior:
        return _stay(members, f"{junior} has to get every lease from {senior}")
    if junior.state is PeerState.UNKNOWN:
        return _stay(members, f"the dhcpd of {junior} has not said that it is up")
    return _move(members, senior, couple.as_senior)


def _clear(keeper: Member, others: Sequence[Member], members: Sequence[Member]) -> Step:
    """Stop one of the others, if the VLAN is served without it or it serves nobody."""
    safe = [other for other in others if _serves(keeper) or _idle(other)]
    if not safe:
        return _stay(members, f"it is not known whether {keeper} serves")
    return _move(members, min(safe, key=lambda other: (_serves(other), other.rack)), OFF)


def _goal(vlan: VlanId, wanted: Solo | Pair, rest: Sequence[Member]) -> _Goal | str:
    """Say who can serve in the end, or why the wanted primary cannot."""
    present = {member.rack: member for member in rest}
    first = wanted.rack if isinstance(wanted, Solo) else wanted.primary
    primary = present.get(first)
    if primary is None:
        return f"rack {first}, the wanted primary, was deleted or is not on this VLAN"
    if isinstance(wanted, Solo):
        return _Goal(vlan, primary, None, wanted.pairing)
    secondary = present.get(wanted.secondary)
    if secondary is None:
        gone = f"rack {wanted.secondary}, the wanted secondary, was deleted or is not on this VLAN"
        return _Goal(vlan, primary, None, wanted.pairing, gone)
    doubt = _no_address(primary, secondary)
    return _Goal(vlan, primary, None if doubt else secondary, wanted.pairing, doubt)


def _reached(goal: _Goal, running: Sequence[Member]) -> bool:
    couple = _couple(goal, goal.primary)
    if couple is None:
        wanted = {goal.primary.rack: SOLO}
    else:
        wanted = {couple.senior.rack: couple.as_senior, couple.junior.rack: couple.as_junior}
    return {member.rack: member.running for member in running} == wanted


def _keeper(goal: _Goal, running: Sequence[Member]) -> Member:
    """Choose the rack that goes on serving; of peers that nobody heard of, the primary.

    One that serves alone goes on in any case: a peer that answers beside it was away when it took
    over, and knows nothing of the leases since.
    """
    wish = {goal.primary.rack: 2}
    if goal.secondary is not None:
        wish[goal.secondary.rack] = 1

    def worth(member: Member) -> tuple[bool, int, bool, int]:
        service = 1 + wish.get(member.rack, 0) if _serves(member) else 0
        primary = member.running.duty is Duty.PRIMARY
        return member.running == SOLO, service, primary, -member.rack

    return max(running, key=worth)


def _couple(goal: _Goal, keeper: Member) -> _Couple | None:
    """Say with whom the keeper is to be paired next: for good, or to hand over."""
    if keeper is not goal.primary:
        junior, name = goal.primary, handover_name(goal.vlan, goal.pairing)
    elif goal.secondary is not None:
        junior, name = goal.secondary, peer_name(goal.vlan, goal.pairing)
    else:
        return None
    if _no_address(keeper, junior):
        return None
    return _Couple(
        keeper,
        junior,
        Role(Duty.PRIMARY, name, keeper.address, junior.address),
        Role(Duty.SECONDARY, name, junior.address, keeper.address),
    )


def _unfit(goal: _Goal, keeper: Member) -> str:
    return f"{_no_address(keeper, goal.primary)}; or switch DHCP off and on, with a gap"


def _no_address(*members: Member) -> str:
    """Name the racks that cannot be failover peers; empty: all can."""
    without = [str(member) for member in members if member.address is None]
    if not without:
        return ""
    return f"{' and '.join(without)} needs an address on this VLAN to be a failover peer"


def _serves(member: Member) -> bool:
    return member.running == SOLO or (member.running != OFF and member.state in ANSWERING)


def _idle(member: Member) -> bool:
    """Whether the peer is known to answer nobody."""
    return member.running.paired and member.state not in ANSWERING | UNSETTLED


def _not_confirmed(unsure: Sequence[Member]) -> str:
    first = unsure[0]
    return f"{first} has not confirmed that its dhcpd is {first.asked.duty.value}"


def _stop_all(members: Sequence[Member], unsure: Sequence[Member]) -> Step:
    roles = tuple((member.rack, member.asked if member in unsure else OFF) for member in members)
    complete = all(member.gone or member.running == OFF for member in members) and not unsure
    return Step(roles, complete, _not_confirmed(unsure) if unsure else "")


def _stay(members: Sequence[Member], waiting: str, *, complete: bool = False) -> Step:
    roles = tuple((member.rack, OFF if member.gone else member.asked) for member in members)
    return Step(roles, complete, waiting)


def _move(members: Sequence[Member], mover: Member, role: Role) -> Step:
    stay = _stay(members, "")
    return Step(tuple((r, role if r == mover.rack else now) for r, now in stay.roles), False)
