"""What is done without a hand about a VLAN's racks, or why nothing is, as people read it."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from maasha.balancer.rearranging import Swap
from maasha.balancer.roles import (
    Action,
    Appoint,
    ChoosePrimary,
    Decision,
    Held,
    Lack,
    Nobody,
    Promote,
    Rest,
    Settled,
    Unfit,
    Vacate,
)
from maasha.model.cluster import RackKey
from maasha.model.roles import VlanRoles

CAUSES = (
    frozenset({Lack.LOST}),
    frozenset({Lack.DRAINING, Lack.LINK, Lack.ADDRESS}),
    frozenset({Lack.PROBE, Lack.PORT, Lack.CLOCK_UNKNOWN, Lack.CLOCK}),
)
"""Of these groups the first that is there says why the others are."""
SOON = "with the leader's next look"


class Kind(Enum):
    """What programs read a decision by."""

    ACTION = "action"
    """It is about to be done."""
    HELD = "held"
    NOBODY = "nobody"
    SETTLED = "settled"


def kind(decision: Decision) -> Kind:
    """Say of which kind a decision is."""
    match decision:
        case Settled():
            return Kind.SETTLED
        case Nobody():
            return Kind.NOBODY
        case Held():
            return Kind.HELD
        case _:
            return Kind.ACTION


def why(roles: VlanRoles, decision: Decision) -> str:
    """Say what was decided about a VLAN; in the middle of a sentence, without a full stop."""
    match decision:
        case Settled(rest=rest, by=by):
            return _settled(roles, rest, by)
        case Nobody():
            return f"nobody: {_lacking(roles, decision)}"
        case Held(action=action, stops=stops):
            return f"held: {'; '.join(map(str, stops))}; then {_action(roles, action)}"
        case _:
            return f"{_action(roles, decision)} {SOON}"


def swap_reason(roles: VlanRoles, swap: Swap) -> str:
    """Say why a pair's racks are to change places."""
    giver, taker = (roles.candidate(each).hostname for each in (swap.secondary, swap.primary))
    return f"{giver} is the primary of {_vlans(swap.reason.giver)}, {taker} of {swap.reason.taker}"


def _action(roles: VlanRoles, action: Action) -> str:
    def name(rack: RackKey) -> str:
        return roles.candidate(rack).hostname

    match action:
        case ChoosePrimary(rack=rack, primaries=primaries, lost=lost):
            if lost is None:
                return f"{name(rack)}, the primary of {_vlans(primaries)}, becomes the primary"
            return _in_place(name(rack), name(lost))
        case Promote(rack=rack, lost=gone):
            return _in_place(name(rack), name(gone))
        case Appoint(rack=rack):
            return f"{name(rack)} becomes the secondary"
        case Vacate(lost=gone):
            return f"the place of {name(gone)}, which is lost for good, becomes free"
        case _:
            assert_never(action)


def _in_place(new: str, old: str) -> str:
    return f"{new} becomes the primary in place of {old}, which is lost for good,"


def _settled(roles: VlanRoles, rest: Rest, by: str) -> str:
    if rest is not Rest.KEPT_EMPTY:
        return str(rest.value)
    place = "primary" if roles.primary.rack is None else "secondary"
    return f"a person ({by}) wants no {place}; ha_auto=true hands the place back"


def _lacking(roles: VlanRoles, nobody: Nobody) -> str:
    if not nobody.unfit:
        other = "rack" if roles.primary.rack is None else "other rack"
        return f"no {other} is on this VLAN"
    primary = roles.primary.rack
    return "; ".join(
        ("the primary " if unfit.rack == primary else "") + _told(unfit) for unfit in nobody.unfit
    )


def _told(unfit: Unfit) -> str:
    """Say what a rack lacks, but not what only follows from that."""
    first = next(found for group in CAUSES if (found := group.intersection(unfit.lacks)))
    return f"{unfit.hostname} {', it '.join(lack.value for lack in unfit.lacks if lack in first)}"


def _vlans(count: int) -> str:
    return f"{count} VLAN{'' if count == 1 else 's'}"
