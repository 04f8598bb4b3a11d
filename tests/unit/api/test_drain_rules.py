from __future__ import annotations

import pytest
from attrs import evolve

from maasha.api.drain_rules import cluster_of, field_of, refused
from maasha.api.errors import BadRequest
from maasha.api.submissions import DrainCreate
from maasha.balancer.draining import (
    Absent,
    Host,
    NobodyLeft,
    NoRoom,
    RackTarget,
    Refusal,
    RegionTarget,
    Server,
    Unserved,
    WorkerTarget,
    refusal,
)
from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.model.dhcp import OFF, PeerState, Role
from maasha.model.network import VlanId
from maasha.model.placement import Link, Placement, Rack, Worker
from tests.unit.api.samples import ONE, PRIMARY, SOLO_RACK, TWO, VLAN, rack_view

HOME, AWAY = SystemId("rrr666"), SystemId("sss777")
PLACEMENT = Placement(
    (Worker(WorkerId(1), HOME, capacity=0.5), Worker(WorkerId(2), AWAY, draining=True)),
    (
        Link(LinkId(1), ONE.key, WorkerId(1)),
        Link(LinkId(2), TWO.key, WorkerId(1)),
        Link(LinkId(3), TWO.key, WorkerId(2)),
    ),
    (Rack(ONE.key, WorkerId(1)), Rack(TWO.key, WorkerId(1), draining=True)),
)
TARGET = RegionTarget(HOME)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (DrainCreate(region="region-1"), "region"),
        (DrainCreate(worker=("region-1", 0)), "worker"),
        (DrainCreate(rack="rack-1", seconds=60), "rack"),
    ],
)
def test_one_thing_is_drained(form: DrainCreate, field: str) -> None:
    """The field that is given says what kind of thing it is."""
    assert field_of(form) == field


def test_nothing_and_two_things_are_refused() -> None:
    """The message names what was given, and what to give."""
    with pytest.raises(BadRequest, match="None was given; give exactly one"):
        field_of(DrainCreate())
    with pytest.raises(BadRequest, match="region and rack were given; give exactly one"):
        field_of(DrainCreate(region="region-1", rack="rack-1"))


def test_workers_and_what_they_hold() -> None:
    """Each takes so many links; one that drains is said to."""
    assert cluster_of(PLACEMENT, (), 9).hosts == (
        Host(WorkerId(1), HOME, 9, frozenset((ONE.key, TWO.key))),
        Host(WorkerId(2), AWAY, 9, frozenset((TWO.key,)), draining=True),
    )


@pytest.mark.parametrize(
    ("role", "state", "serves", "alone"),
    [
        (PRIMARY, PeerState.NORMAL, True, False),
        (PRIMARY, PeerState.PARTNER_DOWN, True, True),
        (SOLO_RACK.services[0].running, PeerState.NORMAL, True, True),
        (OFF, PeerState.NORMAL, False, False),
    ],
)
def test_who_serves_alone(role: Role, state: PeerState, *, serves: bool, alone: bool) -> None:
    """A member of a pair that is normal does not."""
    (server,) = cluster_of(PLACEMENT, (rack_view(role=role, state=state),), 9).servers
    vlans = frozenset((VLAN.id,))
    assert server == Server(
        ONE.key, vlans if serves else frozenset(), vlans if alone else frozenset()
    )


def test_racks_that_drain_or_are_away() -> None:
    """They cover for nobody."""
    (server,) = cluster_of(PLACEMENT, (rack_view(TWO, role=PRIMARY, linked=False),), 9).servers
    assert (server.linked, server.draining) == (False, True)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Absent(TARGET), "it has no link now, so there is nothing to empty"),
        (NobodyLeft(TARGET), "no other worker that lives and is not drained; undo another drain"),
        (NoRoom(7, 3), "7 links would have to go where there is room for 3; add workers"),
        (Unserved((VLAN.id,)), "VLAN fabric-0.untagged; name a secondary_rack there"),
    ],
)
def test_refusals(why: Refusal, said: str) -> None:
    """The sentence names the field and its value, the reason and the mend."""
    sentence = refused("region", "region-1", why, {VLAN.id: VLAN.label})
    assert sentence.startswith("region=region-1 cannot be drained: ")
    assert said in sentence


def test_the_rule_sees_what_there_is() -> None:
    """The last open worker stays, one beside it may go; so does the last rack of a VLAN."""
    cluster = cluster_of(PLACEMENT, (SOLO_RACK,), 9)
    assert isinstance(refusal(WorkerTarget(WorkerId(1)), cluster), NobodyLeft)
    assert refusal(WorkerTarget(WorkerId(2)), cluster) is None
    assert refusal(RackTarget(RackKey(1)), cluster) == Unserved((VlanId(7),))
    full = evolve(cluster.hosts[0], most=2)
    third = RackKey(3)
    there = evolve(cluster.hosts[1], draining=False, racks=frozenset((third,)))
    crowded = evolve(cluster, hosts=(full, there))
    assert refusal(RegionTarget(AWAY), crowded) == NoRoom(1, 0)
