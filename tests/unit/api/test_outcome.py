from __future__ import annotations

import pytest
from attrs import evolve

from maasha.api.outcome import RUNNING, Outcome, Standing, outcome, relayed
from maasha.db.overview import RackView
from maasha.db.vlans import VlanRow
from maasha.model.dhcp import SOLO, PeerState
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind
from maasha.model.stamp import NEVER
from tests.unit.api.samples import (
    GENERATION,
    NOON,
    ONE,
    PRIMARY,
    SECONDARY,
    TWO,
    VLAN,
    rack_view,
)

ALONE = evolve(VLAN, primary=ONE, dhcp_on=True)
PAIRED = evolve(ALONE, secondary=TWO)
FIRST, SECOND = rack_view(ONE, role=PRIMARY), rack_view(TWO, role=SECONDARY)


def judged(vlan: VlanRow, *racks: RackView) -> str:
    """Give the text of dhcp_status."""
    return outcome(vlan, {rack.name.key: rack for rack in racks}).status


def test_running() -> None:
    """A VLAN runs when each member serves it in its part, a pair in state normal."""
    assert judged(ALONE, rack_view(ONE, role=SOLO)) == "running"
    assert judged(PAIRED, FIRST, SECOND) == "running"


def test_off() -> None:
    """A VLAN without DHCP is off once nobody serves it any more."""
    assert judged(VLAN, rack_view(ONE)) == "off"
    serving = rack_view(ONE, role=SOLO)
    assert judged(VLAN, serving) == "pending: rack rack-1 still serves this VLAN"


def test_a_primary_to_be_chosen() -> None:
    """DHCP is pending until the leader has chosen one, and as long as there is none to choose."""
    waiting = evolve(VLAN, dhcp_on=True)
    assert judged(waiting, rack_view(ONE)).startswith("pending: its primary rack is being chosen")
    drained = evolve(rack_view(ONE), draining=True)
    assert judged(waiting, drained, rack_view(TWO)).startswith("pending: its primary rack is being")
    assert judged(waiting, drained, rack_view(TWO, linked=False)) == (
        "pending: each rack that could serve it is drained; undo a drain, or name a rack"
    )
    away = rack_view(ONE, linked=False)
    elsewhere = evolve(rack_view(TWO), interfaces=())
    assert judged(waiting, away, elsewhere) == (
        "pending: no rack with an IPv4 address on this VLAN is connected"
    )


def test_a_drained_member() -> None:
    """Its peer is to serve alone; as long as both do, that is not done."""
    drained = evolve(rack_view(ONE), draining=True)
    alone = rack_view(TWO, role=SOLO)
    assert judged(PAIRED, drained, alone) == "running"
    assert judged(PAIRED, evolve(FIRST, draining=True), SECOND) == (
        "pending: rack rack-2 is secondary and becomes solo"
    )
    both = (evolve(FIRST, draining=True), evolve(SECOND, draining=True))
    assert judged(PAIRED, *both) == "running"


def test_a_member_whose_peer_took_over() -> None:
    """Its peer is to serve alone on that VLAN, until it is back."""
    away = evolve(rack_view(ONE, linked=False), taken_over=frozenset({VLAN.id}))
    alone = rack_view(TWO, role=SOLO)
    assert judged(PAIRED, away, alone) == "running"
    elsewhere = evolve(away, taken_over=frozenset({VlanId(8)}))
    assert judged(PAIRED, elsewhere, alone) == "pending: rack rack-1 is not connected"


def test_a_lost_member() -> None:
    """A rack that was declared lost is not waited for in silence."""
    lost = evolve(rack_view(ONE, linked=False), lost=NOON)
    assert judged(ALONE, lost) == (
        "pending: rack rack-1 was declared lost; another one takes its place when one is fit, or "
        "name one; see `maasha dhcp roles`"
    )
    assert judged(evolve(ALONE, ha_auto=False), lost) == (
        "pending: rack rack-1 was declared lost; name another rack, or ha_auto=true; "
        "see `maasha dhcp roles`"
    )


def test_a_former_member() -> None:
    """A rack that left and still serves keeps the VLAN pending."""
    old = rack_view(TWO, role=SECONDARY)
    assert judged(ALONE, rack_view(ONE, role=SOLO), old).startswith("pending: rack rack-2 still")


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (rack_view(TWO, linked=False), "pending: rack rack-2 is not connected"),
        (
            rack_view(TWO, running=NEVER),
            "pending: rack rack-2 has not confirmed generation 1.4",
        ),
        (rack_view(TWO, serving=False), "pending: rack rack-2's dhcpd is starting"),
        (
            rack_view(TWO, serving=False, problem="no socket"),
            "failed: rack rack-2's dhcpd does not run",
        ),
        (
            rack_view(TWO, failed=GENERATION, refusal="1: bad"),
            "failed: rack rack-2 refused the configuration",
        ),
        (
            rack_view(TWO, unserved="it has no interface on it"),
            "failed: rack rack-2 cannot serve this VLAN",
        ),
        (rack_view(TWO), "pending: rack rack-2 is off and becomes secondary"),
        (
            rack_view(TWO, role=SECONDARY, state=PeerState.RECOVER),
            "pending: rack rack-2 is in failover state recover",
        ),
        (evolve(rack_view(TWO), services=()), "pending: rack rack-2 is off and becomes secondary"),
    ],
)
def test_the_secondary_is_named(second: RackView, status: str) -> None:
    """While the primary serves, the secondary's trouble is the VLAN's, by the rack's name."""
    assert judged(PAIRED, FIRST, second) == status


def test_failure_outweighs_waiting() -> None:
    """A rack that failed is named before one that is awaited, with dhcpd's own words."""
    failed = rack_view(TWO, failed=GENERATION, refusal="line 3: semicolon expected")
    found = outcome(PAIRED, {ONE.key: rack_view(ONE, running=NEVER), TWO.key: failed})
    assert found.standing is Standing.FAILED
    assert found.problem == "line 3: semicolon expected"


def test_a_failure_of_the_past() -> None:
    """A generation that was refused before this one is no failure of this one."""
    assert judged(ALONE, rack_view(ONE, role=SOLO, failed=NEVER.next())) == "running"
    mended = rack_view(ONE, running=NEVER, unserved="no range", judged=NEVER)
    assert judged(ALONE, mended) == "pending: rack rack-1 has not confirmed generation 1.4"


def test_another_vlan_of_the_rack_cannot_be_served() -> None:
    """That is no failure of this one."""
    rack = rack_view(ONE, role=SOLO)
    elsewhere = evolve(rack.services[0], vlan=VlanId(99), problem="no range")
    assert judged(ALONE, evolve(rack, services=(*rack.services, elsewhere))) == "running"


def test_a_missing_rack() -> None:
    """A member without a row is said to be deleted."""
    assert judged(ALONE) == "pending: rack rack-1 is deleted"


def test_never_wanted() -> None:
    """A rack that was never told anything has refused nothing."""
    fresh = evolve(rack_view(ONE), wanted=NEVER, running=NEVER, failed=NEVER)
    assert judged(ALONE, fresh) == "pending: rack rack-1 is off and becomes solo"


def ordered(rack: RackView, kind: OrderKind, vlan: VlanId | None = None) -> RackView:
    """Give a rack that a person ordered something on the spot."""
    return evolve(rack, orders=(Order(1, kind, vlan, NOON),))


def test_a_member_that_was_ordered_to_stop() -> None:
    """Its peer is to serve alone; where nobody is left that is said."""
    off = ordered(rack_view(ONE), OrderKind.STOP)
    assert judged(PAIRED, off, rack_view(TWO, role=SOLO)) == "running"
    assert judged(PAIRED, ordered(FIRST, OrderKind.STOP, VlanId(999)), SECOND) == "running"
    assert judged(PAIRED, off, ordered(rack_view(TWO), OrderKind.STOP)).startswith(
        "pending: its racks were ordered on the spot to stop"
    )
    drained = evolve(rack_view(TWO, role=SOLO), draining=True)
    assert judged(PAIRED, off, drained) == "running"


def test_a_member_that_was_ordered_to_serve_alone() -> None:
    """Nobody else is to serve, whoever has a place."""
    alone = ordered(rack_view(TWO, role=SOLO), OrderKind.SOLO)
    assert judged(PAIRED, rack_view(ONE), alone) == "running"
    assert judged(PAIRED, FIRST, alone) == "pending: rack rack-1 still serves this VLAN"
    assert judged(ALONE) == "pending: rack rack-1 is deleted"


def through(there: Outcome, *racks: RackView) -> str:
    """Give the dhcp_status of a VLAN that is relayed to the one that the samples have."""
    relays = evolve(VLAN, id=VlanId(8), vid=8, relay=VLAN.id)
    return relayed(relays, PAIRED, there, {rack.name.key: rack for rack in racks}).status


def test_a_relayed_vlan() -> None:
    """It stands as the VLAN that it is relayed to, unless a rack cannot serve it."""
    assert through(RUNNING, FIRST, SECOND) == "running"
    assert through(Outcome(Standing.OFF)) == (
        "off: DHCP is off on VLAN fabric-0.untagged, which it is relayed to"
    )
    pending = Outcome(Standing.PENDING, "rack rack-1 is not connected")
    assert through(pending, FIRST) == "pending: rack rack-1 is not connected"
    (own,) = FIRST.services
    bad = evolve(own, vlan=VlanId(8), problem="no dynamic range has an address to lease")
    faulty = evolve(FIRST, services=(own, bad))
    assert through(RUNNING, faulty) == "failed: rack rack-1 cannot serve this VLAN"
    old = evolve(faulty, judged=NEVER)
    assert through(RUNNING, old, SECOND) == "running"
