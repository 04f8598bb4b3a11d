"""The whole cluster at one moment, for people: regions, their workers, racks, links and DHCP."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from attrs import evolve, frozen

from maasha.db.overview6 import NOTHING, RackView6, racks6
from maasha.db.regions import WORKER_TTL
from maasha.db.row import grouped
from maasha.db.transaction import Row, Transaction
from maasha.db.vlans import RackName
from maasha.model.cluster import Endpoint, RackKey, SystemId, WorkerId
from maasha.model.codec import from_loose
from maasha.model.dhcp import PeerState, Role
from maasha.model.network import SubnetId, VlanId
from maasha.model.orders import Order
from maasha.model.stamp import NEVER, Stamp


@frozen
class WorkerView:
    """A live worker; `heartbeat_age` is in seconds by the database's clock."""

    id: WorkerId
    slot: int
    pid: int
    endpoints: tuple[Endpoint, ...]
    heartbeat_age: float
    started: datetime


@frozen
class RegionView:
    """A region and its live workers, by slot."""

    system_id: SystemId
    hostname: str
    version: str
    workers: tuple[WorkerView, ...]


@frozen
class LinkView:
    """A connection of a rack to a live worker; `remote` is the rack's address and port.

    What follows `since` is what the worker noted last: seconds of a round trip, smoothed, and their
    mean deviation (None before the first), and whether the rack was silent for too long.
    """

    worker: WorkerId
    slot: int
    region: SystemId
    region_name: str
    remote: str
    since: datetime
    round_trip: float | None = None
    deviation: float | None = None
    suspect: bool = False


@frozen
class AddressView:
    """An address of an interface, with its prefix, and the subnet it is in."""

    address: IPv4Interface | IPv6Interface
    subnet: SubnetId | None


@frozen
class InterfaceView:
    """A network interface of a rack."""

    id: int
    name: str
    mac: str
    mtu: int
    vlan: VlanId | None
    addresses: tuple[AddressView, ...]


@frozen
class ServiceView:
    """A rack's part in a VLAN: what it was asked and what it said it runs."""

    vlan: VlanId
    rack: RackKey
    asked: Role
    running: Role
    state: PeerState
    partner: PeerState
    problem: str = ""
    """Why the rack cannot serve the VLAN, as found for generation `RackView.judged`."""


@frozen
class RackView:
    """A rack that is not deleted, with its links to live workers.

    `wanted`, `running`, `failed` and `judged` are generations of its DHCP configuration; `refusal`
    is dhcpd's own listing for the failed one, `problem` why dhcpd is down.
    """

    name: RackName
    version: str
    description: str
    last_seen: datetime
    owner: WorkerId | None
    wanted: Stamp
    running: Stamp
    failed: Stamp
    refusal: str
    judged: Stamp
    problem: str
    serving: bool
    links: tuple[LinkView, ...]
    interfaces: tuple[InterfaceView, ...]
    services: tuple[ServiceView, ...]
    lost: datetime | None = None
    """When a person said that it will not come back."""
    lost_by: str = ""
    draining: bool = False
    orders: tuple[Order, ...] = ()
    """What people ordered it on its own host."""
    taken_over: frozenset[VlanId] = frozenset()
    """The VLANs on which its peer serves alone until it is back."""
    six: RackView6 = NOTHING

    def is_resting(self, vlan: VlanId) -> bool:
        """Whether its peer is to serve the VLAN alone for now."""
        return self.draining or vlan in self.taken_over

    @property
    def connected(self) -> bool:
        """Whether it has a link."""
        return bool(self.links)

    def is_on(self, vlan: VlanId) -> bool:
        """Whether it has an IPv4 address on the VLAN."""
        held = (each.addresses for each in self.interfaces if each.vlan == vlan)
        return any(one.address.version == 4 for addresses in held for one in addresses)

    @property
    def refused(self) -> bool:
        """Whether its dhcpd refused the very generation that is wanted."""
        return self.failed == self.wanted != NEVER

    @property
    def complaint(self) -> str:
        """What is wrong with its DHCP service, in one text; empty: nothing."""
        unserved = (f"VLAN {one.vlan}: {one.problem}" for one in self.services if one.problem)
        refusal = self.refusal if self.refused else ""
        return self.problem or refusal or "\n".join(unserved if self.judged == self.wanted else ())


@frozen
class Overview:
    """Regions and racks by host name."""

    regions: tuple[RegionView, ...]
    racks: tuple[RackView, ...]


async def overview(tx: Transaction) -> Overview:
    """Read the cluster; for one moment's view the transaction is REPEATABLE READ."""
    workers = grouped((row.region_id, _worker(row)) for row in await tx.rows(WORKERS, WORKER_TTL))
    regions = await tx.rows("select * from region order by hostname")
    return Overview(
        tuple(
            RegionView(SystemId(row.system_id), row.hostname, row.version, workers[row.id])
            for row in regions
        ),
        await racks(tx),
    )


async def racks(tx: Transaction) -> tuple[RackView, ...]:
    """Read the racks that are not deleted."""
    links = grouped((row.rack_id, _link(row)) for row in await tx.rows(LINKS, WORKER_TTL))
    held = grouped((row.interface_id, _address(row)) for row in await tx.rows(ADDRESSES))
    interfaces = grouped(
        (row.rack_id, _interface(row, held[row.id])) for row in await tx.rows(INTERFACES)
    )
    services = grouped((row.rack_id, _service(row)) for row in await tx.rows(SERVICES))
    six = await racks6(tx)
    return tuple(
        evolve(
            _rack(row, links[row.id], interfaces[row.id], services[row.id]),
            six=six.get(RackKey(row.id), NOTHING),
        )
        for row in await tx.rows(RACKS)
    )


WORKERS = """
select *, extract(epoch from clock_timestamp() - heartbeat)::float8 as age from worker
where heartbeat > clock_timestamp() - make_interval(secs => %s) order by slot
"""
LINKS = """
select link.*, slot, region.system_id, region.hostname
from link join worker on worker.id = link.worker_id join region on region.id = region_id
where heartbeat > clock_timestamp() - make_interval(secs => %s)
order by region.hostname, slot, link.id
"""
RACKS = """
select *, exists (select from drain where rack_id = rack.id) as draining,
    array(select vlan_id from takeover where rack_id = rack.id) as taken_over
from rack where deleted is null order by hostname
"""
INTERFACES = "select * from interface order by name"
ADDRESSES = (
    "select interface_id, address::text as address, subnet_id from interface_address order by 2"
)
SERVICES = "select * from service order by vlan_id"


def _worker(row: Row) -> WorkerView:
    endpoints = from_loose(tuple[Endpoint, ...], row.endpoints)
    return WorkerView(WorkerId(row.id), row.slot, row.pid, endpoints, row.age, row.started)


def _link(row: Row) -> LinkView:
    return LinkView(
        WorkerId(row.worker_id),
        row.slot,
        SystemId(row.system_id),
        row.hostname,
        row.remote,
        row.since,
        row.round_trip,
        row.round_trip_deviation,
        row.suspect,
    )


def _address(row: Row) -> AddressView:
    return AddressView(ip_interface(row.address), row.subnet_id)


def _interface(row: Row, addresses: tuple[AddressView, ...]) -> InterfaceView:
    return InterfaceView(row.id, row.name, row.mac, row.mtu, row.vlan_id, addresses)


def _service(row: Row) -> ServiceView:
    return ServiceView(
        VlanId(row.vlan_id),
        RackKey(row.rack_id),
        from_loose(Role, row.asked),
        from_loose(Role, row.running),
        PeerState(row.state),
        PeerState(row.partner),
        row.problem,
    )


def _rack(
    row: Row,
    links: tuple[LinkView, ...],
    interfaces: tuple[InterfaceView, ...],
    services: tuple[ServiceView, ...],
) -> RackView:
    return RackView(
        name=RackName(RackKey(row.id), SystemId(row.system_id), row.hostname),
        version=row.version,
        description=row.description,
        last_seen=row.last_seen,
        owner=row.owner,
        wanted=Stamp(row.wanted_incarnation, row.wanted_counter),
        running=Stamp(row.running_incarnation, row.running_counter),
        failed=Stamp(row.failed_incarnation, row.failed_counter),
        refusal=row.refusal,
        judged=Stamp(row.judged_incarnation, row.judged_counter),
        problem=row.problem,
        serving=row.serving,
        links=links,
        interfaces=interfaces,
        services=services,
        lost=row.lost,
        lost_by=row.lost_by,
        draining=row.draining,
        orders=from_loose(tuple[Order, ...], row.orders),
        taken_over=frozenset(VlanId(key) for key in row.taken_over),
    )
