"""What is decided about a VLAN's racks reads as a sentence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve

from maasha.api.role_words import CAUSES, Kind, kind, swap_reason, why
from maasha.balancer.brakes import Act, LeaderChanged, Pause, Paused, Verdict
from maasha.balancer.rearranging import Evens, Swap
from maasha.balancer.roles import Lack, decide
from maasha.model.cluster import RackKey
from maasha.model.roles import Evidence, VlanRoles
from tests.unit.balancer.vlans import FIT, NOW, ago, lost, place, rack, vlan

FREE = Verdict()
UNTIL = datetime(2026, 11, 28, 13, tzinfo=UTC)
BRAKES = Verdict({Act.ROLE_CHANGE: (Paused(Pause(None, "user:ann")), LeaderChanged(UNTIL))})
EMPTY = Evidence()
FAR = evolve(FIT, reached=ago(60))
SERVED = place(1)


@pytest.mark.parametrize(
    ("roles", "expected", "words"),
    [
        (evolve(vlan(), dhcp_on=False), Kind.SETTLED, "DHCP is off"),
        (vlan(primary=SERVED, secondary=place(2)), Kind.SETTLED, "both places are filled"),
        (
            evolve(vlan(), ha_auto=False),
            Kind.SETTLED,
            "ha_auto is off: people choose the racks",
        ),
        (
            vlan(rack(1), primary=SERVED, secondary=place(None, "user:ann")),
            Kind.SETTLED,
            "a person (user:ann) wants no secondary; ha_auto=true hands the place back",
        ),
        (
            vlan(rack(1), primary=place(None, "user:ann")),
            Kind.SETTLED,
            "a person (user:ann) wants no primary; ha_auto=true hands the place back",
        ),
        (vlan(), Kind.NOBODY, "nobody: no rack is on this VLAN"),
        (vlan(rack(1), primary=SERVED), Kind.NOBODY, "nobody: no other rack is on this VLAN"),
        (
            vlan(
                rack(1),
                rack(2, FAR),
                rack(3, evolve(EMPTY, address=True)),
                evolve(rack(4, EMPTY), linked=False),
                lost(5),
                primary=SERVED,
            ),
            Kind.NOBODY,
            "nobody: r2 and the primary do not reach each other's TCP port 647; r3 and the primary "
            "do not hear each other's frames on this VLAN, it and the primary do not reach each "
            "other's TCP port 647, it has a clock that nobody compared with the primary's yet; "
            "r4 has no link to a region, it has no IPv4 address on this VLAN; "
            "r5 was deleted or declared lost",
        ),
        (
            vlan(evolve(rack(1), linked=False), rack(2), primary=SERVED),
            Kind.NOBODY,
            "nobody: the primary r1 has no link to a region",
        ),
        (
            vlan(rack(1)),
            Kind.ACTION,
            "with the leader's next look r1 becomes the primary, as no rack is of fewer VLANs (0)",
        ),
        (
            vlan(rack(1), lost(2), primary=place(2)),
            Kind.ACTION,
            "with the leader's next look r1 becomes the primary in place of r2, which is lost for "
            "good",
        ),
        (
            vlan(lost(1), rack(2), primary=SERVED, secondary=place(2)),
            Kind.ACTION,
            "with the leader's next look r2 becomes the primary in place of r1, which is lost for "
            "good",
        ),
        (
            vlan(rack(1), rack(2), primary=SERVED),
            Kind.ACTION,
            "with the leader's next look r2 becomes the secondary: it and r1 reach each other",
        ),
        (
            vlan(rack(1), lost(2), primary=SERVED, secondary=place(2)),
            Kind.ACTION,
            "with the leader's next look the place of r2, which is lost for good, becomes free",
        ),
    ],
)
def test_decisions(roles: VlanRoles, expected: Kind, words: str) -> None:
    """Each says what is done, or what is missing for it."""
    decision = decide(roles, {}, FREE, NOW)
    assert (kind(decision), why(roles, decision)) == (expected, words)


def test_every_lack_is_told() -> None:
    """Each is in one of the groups."""
    assert sorted(lack.name for group in CAUSES for lack in group) == sorted(Lack.__members__)


def test_what_is_held() -> None:
    """The brakes are named, and what they hold."""
    roles = vlan(rack(1), rack(2), primary=SERVED)
    decision = decide(roles, {}, BRAKES, NOW)
    assert kind(decision) is Kind.HELD
    assert why(roles, decision) == (
        "held: paused by user:ann until `maasha resume`; the leader is new and looks on until "
        "2026-11-28 13:00:00 UTC; then r2 becomes the secondary: it and r1 "
        "reach each other"
    )


def test_swaps() -> None:
    """The counts that are evened are told."""
    roles = vlan(rack(1), rack(2), primary=SERVED, secondary=place(2))
    swap = Swap(roles.vlan, RackKey(2), RackKey(1), Evens(3, 1))
    assert swap_reason(roles, swap) == "r1 is the primary of 3 VLANs, r2 of 1"
    assert swap_reason(roles, evolve(swap, reason=Evens(1, 0))) == (
        "r1 is the primary of 1 VLAN, r2 of 0"
    )
