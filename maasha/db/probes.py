"""Which VLANs racks are to probe, and which of them ask the regions' name servers from there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Address

from maasha.db.regions import WORKER_TTL
from maasha.db.resolvers import POSSIBLE
from maasha.db.row import grouped
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.probe import Probe

ASKERS = 2
"""Racks of each VLAN that ask name servers: one may fail."""
MOST = 16
"""Name servers that are asked."""

PLACES = """
select distinct on (interface.vlan_id, interface.rack_id) interface.vlan_id, interface.rack_id,
    interface.name, host(address)::inet as address
from interface
left join interface_address on interface_id = interface.id and family(address) = 4
left join subnet on subnet.id = subnet_id
where interface.rack_id = any(%s::bigint[]) and interface.vlan_id is not null
order by interface.vlan_id, interface.rack_id, (address is null),
    (subnet.vlan_id is distinct from interface.vlan_id), subnet_id, interface.name, address
"""
"""Of several addresses the first counts, as for DHCP: one in the VLAN's oldest subnet."""
CHOSEN = """
select vlan.id as vlan_id, asker.rack_id from vlan cross join lateral (
    select distinct rack.id as rack_id,
        (rack.id = vlan.primary_rack or rack.id = vlan.secondary_rack) is true as serves
    from interface join interface_address on interface_id = interface.id
    join rack on rack.id = interface.rack_id
    where vlan_id = vlan.id and family(address) = 4 and deleted is null and exists (
        select from link join worker on worker.id = link.worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %s)
    )
    order by serves desc, rack_id limit %s
) asker where vlan.id = any(%s::bigint[])
"""
"""Who serves a VLAN asks; where that is nobody, those that are there longest."""
ASKED = f"""
select address from (
    select address, row_number() over (partition by region_id order by place, address) as number
    from ({POSSIBLE}) possible where family(address) = 4
) numbered group by address order by min(number), address limit %s
"""  # noqa: S608  our own text
"""The first of each region before the second of any: no region is left out for another's many."""


async def read_probes(
    tx: Transaction, racks: Collection[RackKey], client: str
) -> Mapping[RackKey, tuple[Probe, ...]]:
    """Say what each of these racks is to probe; `client` is as whom DHCP servers are asked."""
    places = await tx.rows(PLACES, list(racks))
    vlans = sorted({row.vlan_id for row in places})
    resolvers = tuple(row.address for row in await tx.rows(ASKED, MOST)) if vlans else ()
    chosen = await tx.rows(CHOSEN, WORKER_TTL, ASKERS, vlans) if resolvers else ()
    askers = {(row.vlan_id, row.rack_id) for row in chosen}

    def probe(row: Row) -> Probe:
        asks: tuple[IPv4Address, ...] = ()
        if (row.vlan_id, row.rack_id) in askers:
            asks = resolvers
        return Probe(VlanId(row.vlan_id), row.name, client, row.address, asks)

    found = grouped((row.rack_id, probe(row)) for row in places)
    return {RackKey(rack): probes for rack, probes in found.items()}
