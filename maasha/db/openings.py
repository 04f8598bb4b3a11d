"""In which VLANs a place may be filled without a hand now: few of many, found without racks."""

from __future__ import annotations

from maasha.db.regions import WORKER_TTL
from maasha.db.transaction import Transaction
from maasha.model.network import VlanId

OPENINGS = """
with gone as (select id from rack where deleted is not null or lost is not null),
linked as (
    select id from rack where deleted is null and lost is null and exists (
        select from link join worker on worker.id = link.worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %(ttl)s)
    )
),
recent as (select clock_timestamp() - make_interval(secs => %(fresh)s) as at)
select id from vlan
where dhcp_on and ha_auto and (
    primary_rack is null and primary_by = '' or primary_rack in (select id from gone)
    or secondary_rack in (select id from gone)
    or secondary_rack is null and secondary_by = ''
    and primary_rack in (select id from linked) and exists (
        select from recent, sighting there join sighting back
            on back.vlan_id = there.vlan_id
            and back.rack_id = there.peer_id and back.peer_id = there.rack_id
        where there.vlan_id = vlan.id and there.rack_id = vlan.primary_rack
        and there.reached >= recent.at and back.reached >= recent.at
        and greatest(there.probed, back.probed) >= recent.at
        and greatest(abs(there.clock_offset), abs(back.clock_offset)) < %(apart)s
        and there.peer_id in (select id from linked)
        and there.peer_id not in (select rack_id from drain where rack_id is not null)
    )
)
order by id
"""
"""Whoever is fit for the second place has all this, and an address there (`maasha.balancer.roles`).
"""


async def read_openings(tx: Transaction, fresh: float, apart: float) -> tuple[VlanId, ...]:
    """List the VLANs in which something may be done now; in all others nothing would be.

    `fresh` is for how many seconds evidence counts, `apart` by how many clocks must not differ.
    """
    values = {"ttl": WORKER_TTL, "fresh": fresh, "apart": apart}
    return tuple(VlanId(row.id) for row in await tx.rows(OPENINGS, values))
