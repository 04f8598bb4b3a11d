"""A trunk of many VLANs with the same racks on all of them, made by a few statements."""

from __future__ import annotations

from attrs import frozen

from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey, SystemId
from maasha.model.network import VlanId
from tests.integration.db.cluster import Worker, found, hire, link

VLANS = """
with fabric as (insert into fabric (name) values ('trunk') returning id)
insert into vlan (fabric_id, vid, dhcp_on, primary_rack)
select fabric.id, number, true, (%(racks)s::bigint[])[1 + number %% cardinality(%(racks)s)]
from fabric, generate_series(0, %(vlans)s - 1) number
"""
SUBNETS = """
insert into subnet (vlan_id, name, cidr)
select id, vid::text, format('10.%s.%s.0/24', vid / 256, vid % 256)::cidr from vlan
"""
INTERFACES = """
insert into interface (rack_id, name, mac, vid, parent, vlan_id)
select rack, 'eth0.' || vid, '02:00:00:00:00:01', vid, 'eth0', vlan.id
from vlan, unnest(%s::bigint[]) rack
"""
ADDRESSES = """
insert into interface_address (interface_id, address, subnet_id)
select interface.id, cidr::inet + rack.place, subnet.id
from interface join subnet on subnet.vlan_id = interface.vlan_id
join unnest(%s::bigint[]) with ordinality rack (id, place) on rack.id = interface.rack_id
"""
SIGHTINGS = """
insert into sighting (vlan_id, rack_id, peer_id, probed, reached, clock_offset)
select vlan_id, rack_id, peer_id, clock_timestamp(), clock_timestamp(), %(offset)s
from (
    select vlan.id as vlan_id, primary_rack as rack_id, interface.rack_id as peer_id
    from vlan join interface on vlan_id = vlan.id
    union all select vlan.id, interface.rack_id, primary_rack
    from vlan join interface on vlan_id = vlan.id
) pair where rack_id <> peer_id
"""
COLLECT = "analyze vlan, subnet, interface, interface_address, sighting, rack, link"


@frozen
class Trunk:
    """One worker with links to all racks; primaries are spread, and no second place is taken."""

    pool: Pool
    worker: Worker
    racks: tuple[RackKey, ...]
    vlans: tuple[VlanId, ...]

    async def do(self, sql: str, *values: object) -> None:
        """Change something by hand."""
        await self.pool.run(lambda tx: tx.execute(sql, *values))

    async def meet(self, clock_offset: float = 0.0) -> None:
        """Let each rack find each VLAN's primary, and the primary it."""
        await self.do(SIGHTINGS, {"offset": clock_offset})
        await self.do(COLLECT)


async def make_trunk(pool: Pool, vlans: int, racks: int) -> Trunk:
    """Make one, in an instance of its own if there is none."""
    region = await pool.run(lambda tx: tx.value("select system_id from region"))
    worker = await hire(pool, SystemId(region) if region else await found(pool), 0)
    keys = [(await link(pool, worker, f"rack{number}")).rack for number in range(1, racks + 1)]

    async def work(tx: Transaction) -> tuple[VlanId, ...]:
        await tx.execute(VLANS, {"racks": keys, "vlans": vlans})
        await tx.execute(SUBNETS)
        await tx.execute(INTERFACES, keys)
        await tx.execute(ADDRESSES, keys)
        return tuple(VlanId(row.id) for row in await tx.rows("select id from vlan order by id"))

    made = Trunk(pool, worker, tuple(keys), await pool.run(work))
    await made.do(COLLECT)
    return made
