"""A drain empties what it may, and somebody serves meanwhile."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.balancer.draining import (
    Absent,
    Cluster,
    Host,
    NobodyLeft,
    NoRoom,
    RackTarget,
    RegionTarget,
    Server,
    Target,
    Unserved,
    WorkerTarget,
    refusal,
    serving,
)
from maasha.model.cluster import RackKey, SystemId, WorkerId
from maasha.model.network import VlanId

A, B = RegionTarget(SystemId("a")), RegionTarget(SystemId("b"))
ONE, TWO, THREE = RackKey(1), RackKey(2), RackKey(3)


def host(worker: int, region: str, *racks: int, most: int = 10) -> Host:
    """Give a worker with links of these racks."""
    return Host(WorkerId(worker), SystemId(region), most, frozenset(map(RackKey, racks)))


def server(number: int, *vlans: int, alone: tuple[int, ...] = ()) -> Server:
    """Give a rack that serves these VLANs."""
    return Server(RackKey(number), frozenset(map(VlanId, vlans)), frozenset(map(VlanId, alone)))


TWO_REGIONS = Cluster((host(1, "a", 1, 2), host(2, "a", 3), host(3, "b", 1, 2, 3)))


def test_a_region_is_drained_where_another_has_room() -> None:
    """And a worker where any other has, of its own region too."""
    assert refusal(A, TWO_REGIONS) is None
    assert refusal(B, TWO_REGIONS) is None
    assert refusal(WorkerTarget(WorkerId(1)), TWO_REGIONS) is None
    assert refusal(WorkerTarget(WorkerId(2)), Cluster(TWO_REGIONS.hosts[:2])) is None


def test_the_last_one_is_not_drained() -> None:
    """Regions that are drained already count for nothing."""
    assert refusal(A, Cluster(TWO_REGIONS.hosts[:2])) == NobodyLeft(A)
    leaving = evolve(TWO_REGIONS.hosts[2], draining=True)
    assert refusal(A, Cluster((*TWO_REGIONS.hosts[:2], leaving))) == NobodyLeft(A)
    worker = WorkerTarget(WorkerId(3))
    assert refusal(worker, Cluster(TWO_REGIONS.hosts[2:])) == NobodyLeft(worker)
    assert str(NobodyLeft(worker)).startswith("worker 3 is the last one")


@pytest.mark.parametrize("target", [A, WorkerTarget(WorkerId(1)), RackTarget(ONE)])
def test_what_is_not_here_is_not_drained(target: Target) -> None:
    """A rack without a link is not here either."""
    away = evolve(server(1, 7), linked=False)
    assert refusal(target, Cluster((host(9, "z"),), (away,))) == Absent(target)
    assert "is not here" in str(Absent(target))


def test_the_others_are_not_overloaded() -> None:
    """Each link that has to find a place counts, and each place that is free."""
    hosts = (host(1, "a", 1, 2, 3), host(2, "b", 4, most=3), host(3, "b", 5, 6, most=2))
    assert refusal(A, Cluster(hosts)) == NoRoom(3, 2)
    assert str(NoRoom(3, 2)).startswith("3 links would have to go where there is room for 2")
    assert refusal(A, Cluster((*hosts[:2], evolve(hosts[2], most=3)))) is None


def test_a_rack_needs_one_place_on_each_worker_at_most() -> None:
    """A link that its rack cannot have elsewhere needs no room."""
    hosts = (host(1, "a", 1, 2), host(2, "b", 1, 2, most=2))
    assert refusal(A, Cluster(hosts)) is None
    over = (host(1, "a", 1), host(2, "a", 1), host(3, "b", most=1), host(4, "b", 5, most=0))
    assert refusal(A, Cluster(over)) == NoRoom(2, 1)


def test_a_rack_is_drained_where_its_vlans_are_served() -> None:
    """Not where it serves alone, or beside a rack that is drained or away."""
    target = RackTarget(ONE)
    assert refusal(target, Cluster((), (server(1, 7), server(2, 7)))) is None
    assert refusal(target, Cluster((), (server(1, 7, 8), server(2, 7)))) == Unserved((VlanId(8),))
    sick = Cluster((), (server(1, 7, 9, alone=(7,)), server(2, 7, 9)))
    assert refusal(target, sick) == Unserved((VlanId(7),))
    drained = evolve(server(2, 7), draining=True)
    assert refusal(target, Cluster((), (server(1, 7), drained))) == Unserved((VlanId(7),))
    away = evolve(server(2, 7), linked=False)
    assert refusal(target, Cluster((), (server(1, 7), away))) == Unserved((VlanId(7),))
    assert str(Unserved((VlanId(7), VlanId(8)))).startswith("nobody else serves VLAN 7, 8:")


def test_the_peer_serves_while_a_rack_is_drained() -> None:
    """Where all are drained everybody goes on: somebody has to serve."""
    assert serving(ONE, TWO, frozenset()) == (ONE, TWO)
    assert serving(ONE, TWO, frozenset({ONE})) == (TWO, None)
    assert serving(ONE, TWO, frozenset({TWO, THREE})) == (ONE, None)
    assert serving(ONE, TWO, frozenset({ONE, TWO})) == (ONE, TWO)
    assert serving(ONE, None, frozenset({ONE})) == (ONE, None)
    assert serving(None, None, frozenset({ONE})) == (None, None)


HOSTS = st.lists(
    st.builds(
        Host,
        st.integers(1, 6).map(WorkerId),
        st.sampled_from("abc").map(SystemId),
        st.integers(0, 6),
        st.frozensets(st.integers(1, 6).map(RackKey)),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda one: one.worker,
)


@given(HOSTS, st.sampled_from("abc").map(SystemId))
def test_after_an_allowed_drain_no_rack_is_without_a_place(
    hosts: list[Host], region: SystemId
) -> None:
    """Every rack has a link on one that stays, or there is a free place for it."""
    if refusal(RegionTarget(region), Cluster(tuple(hosts))) is not None:
        return
    staying = [one for one in hosts if one.region != region and not one.draining]
    leaving = {rack for one in hosts if one.region == region for rack in one.racks}
    linked = {rack for one in staying for rack in one.racks}
    room = sum(max(0, one.most - len(one.racks)) for one in staying)
    assert staying
    assert len(leaving - linked) <= room
