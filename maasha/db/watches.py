"""VLANs whose second place is free, the racks on them that are linked, and where these stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from maasha.db.regions import WORKER_TTL
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Spot, Vacancy

TURN = 60.0
"""Seconds of a turn: several times of what two racks need to know all of each other."""

VACANCIES = """
with open as (
    select vlan.id, primary_rack from vlan
    where dhcp_on and ha_auto and secondary_rack is null and secondary_by = ''
), present as materialized (
    select rack.id, exists (select from drain where drain.rack_id = rack.id) as draining
    from rack where deleted is null and lost is null and exists (
        select from link join worker on worker.id = link.worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %s)
    )
), standing as materialized (
    select vlan_id, rack_id from interface join interface_address on interface_id = interface.id
    where family(address) = 4 and vlan_id in (select id from open)
)
select open.id, primary_rack, array_agg(rack_id) as racks
from open join standing on vlan_id = open.id join present on present.id = rack_id
where rack_id = primary_rack or not draining
group by open.id, primary_rack
having count(*) > 1 and bool_or(rack_id = primary_rack)
order by open.id
"""
"""Materialized, for few racks have many interfaces; a rack with several addresses comes often."""
TURNS = "select floor(extract(epoch from clock_timestamp()) / %s)"
SPOTS = """
select distinct on (asked.vlan_id, asked.rack_id) asked.vlan_id, asked.rack_id,
    interface.name, host(address)::inet as address, hostname
from unnest(%s::bigint[], %s::bigint[]) asked (vlan_id, rack_id)
join interface using (vlan_id, rack_id) join interface_address on interface_id = interface.id
left join subnet on subnet.id = subnet_id
join rack on rack.id = asked.rack_id
where family(address) = 4
order by asked.vlan_id, asked.rack_id,
    (subnet.vlan_id is distinct from asked.vlan_id), subnet_id, interface.name, address
"""
"""Of several addresses the first counts, as for DHCP: one in the VLAN's oldest subnet."""

Place = tuple[VlanId, RackKey]


@frozen
class Vacancies:
    """All VLANs on which racks could look out for others, by their keys, in this turn."""

    vlans: tuple[Vacancy, ...]
    turn: int


async def read_vacancies(tx: Transaction) -> Vacancies:
    """Read them, with the racks that have an address there."""
    rows = await tx.rows(VACANCIES, WORKER_TTL)
    turn = int((await tx.value(TURNS, TURN)) if rows else 0)
    return Vacancies(
        tuple(
            Vacancy(VlanId(row.id), RackKey(row.primary_rack), others)
            for row in rows
            if (others := tuple(sorted({*row.racks} - {row.primary_rack})))
        ),
        turn,
    )


async def read_spots(tx: Transaction, places: Sequence[Place]) -> Mapping[Place, Spot]:
    """Read where racks stand; those that have no address there any more are left out."""
    rows = await tx.rows(SPOTS, [vlan for vlan, _ in places], [rack for _, rack in places])
    return {
        (VlanId(row.vlan_id), RackKey(row.rack_id)): Spot(row.name, row.address, row.hostname)
        for row in rows
    }
