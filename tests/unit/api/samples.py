"""Rows that the tests of this room start from."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface, ip_address, ip_network

from maasha.db.fabrics import FabricRow
from maasha.db.networks import Networks
from maasha.db.overview import (
    AddressView,
    InterfaceView,
    LinkView,
    RackView,
    RegionView,
    ServiceView,
    WorkerView,
)
from maasha.db.ranges import RangeRow
from maasha.db.subnets import SubnetRow
from maasha.db.vlans import RackChoice, RackName, VlanRow
from maasha.model.cluster import Endpoint, RackKey, SystemId, WorkerId
from maasha.model.dhcp import OFF, SOLO, Duty, PeerState, Role
from maasha.model.network import FabricId, RangeId, RangeType, SubnetId, VlanId
from maasha.model.stamp import NEVER, Stamp

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
ONE = RackName(RackKey(1), SystemId("aaa111"), "rack-1")
TWO = RackName(RackKey(2), SystemId("bbb222"), "rack-2")
THREE = RackName(RackKey(3), SystemId("ccc333"), "rack-3")
AWAY = RackName(RackKey(4), SystemId("ddd444"), "rack-4")
VLAN = VlanRow(VlanId(7), FabricId(1), "fabric-0", 0)
FABRIC = FabricRow(FabricId(1), "fabric-0")
SUBNET = SubnetRow(SubnetId(5), VlanId(7), "lan", ip_network("10.0.0.0/24"))
DYNAMIC = RangeRow(
    RangeId(9),
    SubnetId(5),
    RangeType.DYNAMIC,
    ip_address("10.0.0.50"),
    ip_address("10.0.0.99"),
    username="admin",
)
NETWORKS = Networks({FABRIC.id: FABRIC}, {VLAN.id: VLAN}, {SUBNET.id: SUBNET})
CHOICES = (
    RackChoice(ONE, on_vlan=True, connected=True),
    RackChoice(TWO, on_vlan=True, connected=True),
    RackChoice(THREE, on_vlan=True, connected=True),
    RackChoice(AWAY, on_vlan=False, connected=True),
)
LINK = LinkView(WorkerId(1), 0, SystemId("rrr666"), "region-1", "10.0.0.1:4000", NOON)
INTERFACE = InterfaceView(
    3,
    "eth0",
    "02:00:00:00:00:01",
    1500,
    VLAN.id,
    (AddressView(IPv4Interface("10.0.0.1/24"), SUBNET.id),),
)
WORKER = WorkerView(WorkerId(1), 0, 321, (Endpoint("10.1.0.1", 5250),), 0.25, NOON)
REGION = RegionView(SystemId("rrr666"), "region-1", "0.1", (WORKER,))
GENERATION = Stamp(1, 4)
PRIMARY = Role(Duty.PRIMARY, "failover-vlan-7-1", IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))
SECONDARY = Role(
    Duty.SECONDARY, "failover-vlan-7-1", IPv4Address("10.0.0.2"), IPv4Address("10.0.0.1")
)


def service(
    rack: RackName, role: Role, state: PeerState = PeerState.NORMAL, problem: str = ""
) -> ServiceView:
    """Make a rack's part in the VLAN, running as asked."""
    return ServiceView(VLAN.id, rack.key, role, role, state, state, problem)


def rack_view(
    name: RackName = ONE,
    *,
    role: Role = OFF,
    state: PeerState = PeerState.NORMAL,
    running: Stamp = GENERATION,
    failed: Stamp = NEVER,
    refusal: str = "",
    unserved: str = "",
    judged: Stamp = GENERATION,
    problem: str = "",
    serving: bool = True,
    linked: bool = True,
) -> RackView:
    """Make a connected rack that runs what is wanted."""
    return RackView(
        name=name,
        version="0.1",
        description="",
        last_seen=NOON,
        owner=WorkerId(1),
        wanted=GENERATION,
        running=running,
        failed=failed,
        refusal=refusal,
        judged=judged,
        problem=problem,
        serving=serving,
        links=(LINK,) if linked else (),
        interfaces=(INTERFACE,),
        services=(service(name, role, state, unserved),),
    )


SOLO_RACK = rack_view(role=SOLO)
