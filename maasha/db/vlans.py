"""VLANs and the racks that can serve them."""

from __future__ import annotations

from attrs import frozen

from maasha.db.regions import WORKER_TTL
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey, SystemId
from maasha.model.codec import from_loose, to_json
from maasha.model.network import DEFAULT_LEASE_TIME, DEFAULT_MTU, FabricId, VlanId
from maasha.model.options import MANUAL, NO_BOOT, Boot, BootFile, PairNumbers
from maasha.model.standing import DEFAULT_BOUND, NEVER_TAKES_OVER


@frozen
class RackName:
    """A rack as the database, its JSON and people call it."""

    key: RackKey
    system_id: SystemId
    hostname: str


@frozen
class VlanRow:
    """A VLAN and who serves it; `lease_time` in seconds, `mtu` in bytes."""

    id: VlanId
    fabric: FabricId
    fabric_name: str
    vid: int
    name: str | None = None
    description: str = ""
    mtu: int = DEFAULT_MTU
    dhcp_on: bool = False
    primary: RackName | None = None
    secondary: RackName | None = None
    lease_time: int = DEFAULT_LEASE_TIME
    pairing: int = 1
    """Part of the failover peer's name."""
    ha_auto: bool = True
    """Whether places that nobody chose are filled without a hand."""
    primary_by: str = ""
    """Who chose the primary, or wants none (`user:admin`); empty: nobody, it is automatic."""
    secondary_by: str = ""
    numbers: PairNumbers = MANUAL
    boot: Boot = NO_BOOT
    relay: VlanId | None = None
    """The VLAN whose racks serve this one, through a relay."""
    take_over_after: int = NEVER_TAKES_OVER
    """Seconds after which the peer of a rack that is away takes over without a hand; 0: never."""
    endurance_bound: int = DEFAULT_BOUND
    """Hours that the addresses of a server that is alone should last; 0: no alarm."""

    @property
    def racks(self) -> tuple[RackName, ...]:
        """The racks that serve it, the primary first."""
        return tuple(rack for rack in (self.primary, self.secondary) if rack)

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.fabric_name}.{self.vid or 'untagged'}"


@frozen
class RackChoice:
    """A rack in the light of one VLAN."""

    rack: RackName
    on_vlan: bool
    """It has an interface with an IPv4 address on this very VLAN."""
    connected: bool
    """It has a link to a worker that lives."""
    lost: bool = False
    """A person declared it lost for good."""
    draining: bool = False
    primaries: int = 0
    """How many VLANs it is the primary of."""

    @property
    def fit(self) -> bool:
        """Whether it can serve the VLAN alone at once."""
        return self.on_vlan and self.connected and not (self.lost or self.draining)


SELECT = """
select vlan.*, fabric.name as fabric_name,
    p.system_id as primary_id, p.hostname as primary_name,
    s.system_id as secondary_id, s.hostname as secondary_name
from vlan join fabric on fabric.id = vlan.fabric_id
left join rack p on p.id = vlan.primary_rack left join rack s on s.id = vlan.secondary_rack
"""


async def vlans(tx: Transaction) -> tuple[VlanRow, ...]:
    """List the VLANs, fabric by fabric."""
    return tuple(_vlan(row) for row in await tx.rows(f"{SELECT} order by vlan.fabric_id, vlan.vid"))


async def vlan(tx: Transaction, wanted: VlanId) -> VlanRow | None:
    """Read a VLAN by its id."""
    row = await tx.one(f"{SELECT} where vlan.id = %s", wanted)
    return _vlan(row) if row else None


async def vlan_of_vid(tx: Transaction, fabric: FabricId, vid: int) -> VlanRow | None:
    """Read the VLAN that `vid` means in a fabric."""
    row = await tx.one(f"{SELECT} where vlan.fabric_id = %s and vlan.vid = %s", fabric, vid)
    return _vlan(row) if row else None


async def vlans_served_by(tx: Transaction, rack: RackKey) -> tuple[VlanRow, ...]:
    """List the VLANs that name a rack as primary or secondary."""
    rows = await tx.rows(
        f"{SELECT} where %s in (vlan.primary_rack, vlan.secondary_rack) order by vlan.id", rack
    )
    return tuple(_vlan(row) for row in rows)


async def vlans_relayed_to(tx: Transaction, target: VlanId) -> tuple[VlanRow, ...]:
    """List the VLANs that another one's racks serve through a relay."""
    rows = await tx.rows(f"{SELECT} where vlan.relay_vlan = %s order by vlan.id", target)
    return tuple(_vlan(row) for row in rows)


async def add_vlan(tx: Transaction, fabric: FabricId, vid: int) -> VlanId:
    """Add a VLAN with nothing but its VID."""
    statement = "insert into vlan (fabric_id, vid) values (%s, %s) returning id"
    return VlanId(await tx.value(statement, fabric, vid))


async def store_vlan(tx: Transaction, changed: VlanRow) -> None:
    """Write what can be changed of a VLAN."""
    await tx.execute(
        "update vlan set name = %s, description = %s, mtu = %s, dhcp_on = %s, primary_rack = %s, "
        "secondary_rack = %s, lease_time = %s, pairing = %s, ha_auto = %s, primary_by = %s, "
        "secondary_by = %s, mclt = %s, split = %s, max_response_delay = %s, next_server = %s, "
        "boot_files = %s, relay_was = case when relay_vlan is distinct from %s "
        "then coalesce(relay_vlan, relay_was) else relay_was end, relay_vlan = %s, "
        "take_over_after = %s, endurance_bound = %s where id = %s",
        changed.name,
        changed.description,
        changed.mtu,
        changed.dhcp_on,
        changed.primary.key if changed.primary else None,
        changed.secondary.key if changed.secondary else None,
        changed.lease_time,
        changed.pairing,
        changed.ha_auto,
        changed.primary_by,
        changed.secondary_by,
        changed.numbers.mclt,
        changed.numbers.split,
        changed.numbers.max_response_delay,
        changed.boot.server,
        to_json(changed.boot.files),
        changed.relay,
        changed.relay,
        changed.take_over_after,
        changed.endurance_bound,
        changed.id,
    )


async def remove_vlan(tx: Transaction, gone: VlanId) -> None:
    """Remove a VLAN; the caller has seen that nothing uses it."""
    await tx.execute("delete from vlan where id = %s", gone)


async def rack_choices(tx: Transaction, of: VlanId) -> tuple[RackChoice, ...]:
    """List all racks that are not deleted, by host name, in the light of a VLAN."""
    rows = await tx.rows(
        """
        select id, system_id, hostname, rack.lost is not null as gone,
            exists (
                select from interface join interface_address on interface_id = interface.id
                where interface.rack_id = rack.id and vlan_id = %s and family(address) = 4
            ) as on_vlan,
            exists (
                select from link join worker on worker.id = worker_id
                where link.rack_id = rack.id
                and heartbeat > clock_timestamp() - make_interval(secs => %s)
            ) as connected,
            exists (select from drain where drain.rack_id = rack.id) as draining,
            (select count(*) from vlan where primary_rack = rack.id) as primaries
        from rack where deleted is null order by hostname
        """,
        of,
        WORKER_TTL,
    )
    return tuple(
        RackChoice(
            _name(row.id, row.system_id, row.hostname),
            row.on_vlan,
            row.connected,
            row.gone,
            row.draining,
            row.primaries,
        )
        for row in rows
    )


async def interfaces_on(tx: Transaction, of: VlanId) -> tuple[str, ...]:
    """Name the racks' interfaces on a VLAN, as `host:interface`."""
    rows = await tx.rows(
        "select hostname, name from interface join rack on rack.id = rack_id "
        "where vlan_id = %s and deleted is null order by hostname, name",
        of,
    )
    return tuple(f"{row.hostname}:{row.name}" for row in rows)


async def racks_serving(tx: Transaction, vlan: VlanId) -> tuple[str, ...]:
    """Name the racks whose dhcpd runs for a VLAN, as far as is known, or may soon."""
    rows = await tx.rows(
        "select hostname from service join rack on rack.id = rack_id where vlan_id = %s"
        " and (running ->> 'duty' <> 'off' or asked ->> 'duty' <> 'off') order by hostname",
        vlan,
    )
    return tuple(row.hostname for row in rows)


def _name(key: int, system_id: str, hostname: str) -> RackName:
    return RackName(RackKey(key), SystemId(system_id), hostname)


def _vlan(row: Row) -> VlanRow:
    has_primary, has_secondary = row.primary_rack is not None, row.secondary_rack is not None
    primary = _name(row.primary_rack, row.primary_id, row.primary_name)
    secondary = _name(row.secondary_rack, row.secondary_id, row.secondary_name)
    return VlanRow(
        id=VlanId(row.id),
        fabric=FabricId(row.fabric_id),
        fabric_name=row.fabric_name,
        vid=row.vid,
        name=row.name,
        description=row.description,
        mtu=row.mtu,
        dhcp_on=row.dhcp_on,
        primary=primary if has_primary else None,
        secondary=secondary if has_secondary else None,
        lease_time=row.lease_time,
        pairing=row.pairing,
        ha_auto=row.ha_auto,
        primary_by=row.primary_by,
        secondary_by=row.secondary_by,
        numbers=PairNumbers(row.mclt, row.split, row.max_response_delay),
        boot=Boot(from_loose(tuple[BootFile, ...], row.boot_files), row.next_server),
        relay=None if row.relay_vlan is None else VlanId(row.relay_vlan),
        take_over_after=row.take_over_after,
        endurance_bound=row.endurance_bound,
    )
