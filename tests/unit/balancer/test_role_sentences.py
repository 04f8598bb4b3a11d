"""An act reads as one sentence, before it and afterwards."""

from __future__ import annotations

import pytest

from maasha.balancer.role_sentences import done, to_come
from maasha.balancer.roles import Action, Appoint, ChoosePrimary, Promote, Vacate
from maasha.model.cluster import RackKey
from tests.unit.balancer.vlans import rack, vlan

ROLES = vlan(rack(1), rack(2))
ONE, TWO = RackKey(1), RackKey(2)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (
            ChoosePrimary(ROLES.vlan, ONE, 3),
            "r1 is the primary, as no rack is of fewer VLANs (3)",
        ),
        (
            ChoosePrimary(ROLES.vlan, ONE, 0, TWO),
            "r1 is the primary in place of r2, which is lost for good",
        ),
        (
            Promote(ROLES.vlan, ONE, TWO),
            "r1 is the primary in place of r2, which is lost for good",
        ),
        (Appoint(ROLES.vlan, TWO, ONE), "r2 is the secondary: it and r1 reach each other"),
        (
            Vacate(ROLES.vlan, RackKey(9)),
            "the place of rack 9, which is lost for good, is free",
        ),
    ],
)
def test_sentences(action: Action, words: str) -> None:
    """What is to come becomes what it is then."""
    assert done(ROLES, action) == words
    assert to_come(ROLES, action) == words.replace(" is the", " becomes the").replace(
        " is free", " becomes free"
    )
