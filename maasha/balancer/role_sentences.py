"""What is done without a hand about a VLAN's racks, and why: a sentence for each act."""

from __future__ import annotations

from typing import assert_never

from maasha.balancer.roles import Action, Appoint, ChoosePrimary, Promote, Vacate
from maasha.model.cluster import RackKey
from maasha.model.roles import VlanRoles

DONE, TO_COME = "is", "becomes"


def done(roles: VlanRoles, action: Action) -> str:
    """Say what was done; `roles` are as before."""
    return _sentence(roles, action, DONE)


def to_come(roles: VlanRoles, action: Action) -> str:
    """Say what is going to be done."""
    return _sentence(roles, action, TO_COME)


def _sentence(roles: VlanRoles, action: Action, verb: str) -> str:
    def name(rack: RackKey) -> str:
        return roles.candidate(rack).hostname

    match action:
        case ChoosePrimary(rack=rack, primaries=count, lost=lost):
            if lost is None:
                return f"{name(rack)} {verb} the primary, as no rack is of fewer VLANs ({count})"
            return f"{name(rack)} {verb} the primary in place of {_lost(name(lost))}"
        case Promote(rack=rack, lost=lost):
            return f"{name(rack)} {verb} the primary in place of {_lost(name(lost))}"
        case Appoint(rack=rack, primary=primary):
            return f"{name(rack)} {verb} the secondary: it and {name(primary)} reach each other"
        case Vacate(lost=lost):
            return f"the place of {_lost(name(lost))}, {verb} free"
        case _:
            assert_never(action)


def _lost(name: str) -> str:
    return f"{name}, which is lost for good"
