"""When two plans are the same."""

from __future__ import annotations

from attrs import evolve

from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.render import render
from maasha.model.dhcp import OFF, VlanRole
from maasha.model.network import VlanId
from maasha.model.stamp import Stamp
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack

PLAN = render(rack(PLAIN), {PLAIN.vlan: PRIMARY}).plan


def test_a_new_generation_alone_changes_nothing() -> None:
    """The digest is of what is served, not of when it was asked for."""
    assert digest(PLAN) == digest(evolve(PLAN, generation=Stamp(2, 1)))


def test_text_interfaces_and_roles_count() -> None:
    """Each part of a plan changes its digest, and no part reads as another."""
    others = [
        EMPTY,
        evolve(PLAN, config=PLAN.config + "\n"),
        evolve(PLAN, interfaces=()),
        evolve(PLAN, interfaces=("et", "h0")),
        evolve(PLAN, roles=()),
        evolve(PLAN, roles=(VlanRole(VlanId(5001), OFF),)),
        evolve(PLAN, roles=(VlanRole(VlanId(5002), PRIMARY),)),
    ]
    assert len({digest(plan) for plan in [PLAN, *others]}) == len(others) + 1
