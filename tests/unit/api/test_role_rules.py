"""When a pair's racks may change places."""

from __future__ import annotations

import pytest
from attrs import evolve

from maasha.api.outcome import RUNNING, Outcome, Standing
from maasha.api.role_rules import is_primary, swap_refusal, swapped
from maasha.db.vlans import VlanRow
from maasha.model.roles import VlanRoles
from tests.unit.api.samples import ONE, TWO, VLAN
from tests.unit.balancer.vlans import place, rack, vlan

PAIRED = evolve(VLAN, primary=ONE, secondary=TWO, dhcp_on=True)
ROLES = vlan(rack(1), rack(2), primary=place(1), secondary=place(2))
DRAINED = evolve(ROLES, candidates=(rack(1), evolve(rack(2), draining=True)))
AWAY = evolve(ROLES, candidates=(rack(1), evolve(rack(2), linked=False)))


def test_a_pair_that_works() -> None:
    """Its racks change places under a new pairing; whose choice they are stays."""
    assert swap_refusal(PAIRED, ROLES, RUNNING) == ""
    before = evolve(PAIRED, primary_by="user:ann")
    after = swapped(before)
    assert (after.racks, after.pairing) == ((TWO, ONE), before.pairing + 1)
    assert (after.primary_by, after.secondary_by) == ("", "user:ann")


@pytest.mark.parametrize(
    ("row", "roles", "outcome", "words"),
    [
        (evolve(PAIRED, secondary=None), ROLES, RUNNING, "no pair serves it"),
        (evolve(PAIRED, dhcp_on=False), ROLES, Outcome(Standing.OFF), "no pair serves it"),
        (evolve(PAIRED, ha_auto=False), ROLES, RUNNING, "ha_auto is off"),
        (evolve(PAIRED, secondary_by="user:ann"), ROLES, RUNNING, "user:ann chose them"),
        (PAIRED, ROLES, Outcome(Standing.PENDING, "why"), "it is pending: why; wait until"),
        (PAIRED, DRAINED, RUNNING, "rack-2 is being drained"),
        (PAIRED, AWAY, RUNNING, "rack-2 is away, and its peer has taken over"),
    ],
)
def test_refusals(row: VlanRow, roles: VlanRoles, outcome: Outcome, words: str) -> None:
    """Whatever else it is, it is said what stands against it."""
    assert words in swap_refusal(row, roles, outcome)


@pytest.mark.parametrize("name", [TWO.hostname, TWO.system_id])
def test_who_is_to_be_the_primary(name: str) -> None:
    """The secondary, by either of its names; the primary is that already, another never."""
    assert swap_refusal(PAIRED, ROLES, RUNNING, name) == ""
    assert not is_primary(PAIRED, name)
    assert is_primary(swapped(PAIRED), name)
    assert not is_primary(evolve(PAIRED, primary=None), "")
    assert "rack-9 is not of its pair" in swap_refusal(PAIRED, ROLES, RUNNING, "rack-9")
