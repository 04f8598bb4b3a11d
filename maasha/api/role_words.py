"""What is done without a hand about a VLAN's racks, or why nothing is, as people read it."""

from __future__ import annotations

from enum import Enum

from maasha.balancer.rearranging import Swap
from maasha.balancer.role_sentences import to_come
from maasha.balancer.roles import (
    Decision,
    Held,
    Lack,
    Nobody,
    Rest,
    Settled,
    Unfit,
)
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
            return f"held: {'; '.join(map(str, stops))}; then {to_come(roles, action)}"
        case _:
            return f"{SOON} {to_come(roles, decision)}"


def swap_reason(roles: VlanRoles, swap: Swap) -> str:
    """Say why a pair's racks are to change places."""
    giver, taker = (roles.candidate(each).hostname for each in (swap.secondary, swap.primary))
    return f"{giver} is the primary of {_vlans(swap.reason.giver)}, {taker} of {swap.reason.taker}"


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
