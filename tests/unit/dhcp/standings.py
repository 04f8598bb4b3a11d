"""VLANs and racks that tests of how DHCP stands begin with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve

from maasha.model.cluster import RackKey
from maasha.model.dhcp import Duty, PeerState
from maasha.model.network import VlanId
from maasha.model.pools import Flow, PoolCount
from maasha.model.standing import MemberStanding, VlanStanding

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
VLAN = VlanId(7)
COUNT = PoolCount(VLAN, 100, free=30, backup=20, active=45, returning=3, abandoned=2)
STEADY = Flow(arrivals=100.0, returns=40.0, seconds=3000.0)
"""A hundred an hour, with the 600 s of patience; sixty of them net."""
CUT = PeerState.COMMUNICATIONS_INTERRUPTED


def at(seconds: float) -> datetime:
    """Give an instant so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


ONE = MemberStanding(
    RackKey(1),
    "rack1",
    NOON,
    NOON,
    duty=Duty.PRIMARY,
    state=PeerState.NORMAL,
    partner=PeerState.NORMAL,
    count=COUNT,
    flow=STEADY,
    counted=NOON,
)
TWO = evolve(ONE, rack=RackKey(2), hostname="rack2", duty=Duty.SECONDARY)
PAIR = VlanStanding(VLAN, True, (ONE, TWO))
GONE = evolve(ONE, linked=False, state=PeerState.UNKNOWN, partner=PeerState.UNKNOWN)
LEFT = evolve(TWO, state=CUT)
ALONE = evolve(PAIR, members=(GONE, LEFT))
TAKEN = evolve(
    PAIR,
    members=(
        evolve(GONE, duty=Duty.OFF, replaced_by="user:admin", replaced=NOON),
        evolve(TWO, duty=Duty.SOLO, state=PeerState.UNKNOWN),
    ),
)
