"""Reads how the DHCP of VLANs stands: racks' words, their pools, and who has taken over."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from maasha.db.pools import TOLD, count_of, flow_of
from maasha.db.regions import WORKER_TTL
from maasha.db.row import grouped
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.codec import from_loose
from maasha.model.dhcp import Duty, PeerState
from maasha.model.network import VlanId
from maasha.model.orders import Order, order_on
from maasha.model.pools import NO_FLOW
from maasha.model.standing import MemberStanding, VlanStanding

VLANS = """
select vlan.id, vlan.relay_vlan, target.dhcp_on, vlan.take_over_after, vlan.endurance_bound
from vlan join vlan target on target.id = coalesce(vlan.relay_vlan, vlan.id)
where %s::bigint is null or vlan.id = %s order by vlan.fabric_id, vlan.vid
"""
MEMBERS = """
with place as (
    select vlan.id as vlan_id, target.id as target_id, rack_id, number
    from vlan join vlan target on target.id = coalesce(vlan.relay_vlan, vlan.id)
    cross join lateral (
        values (target.primary_rack, 1), (target.secondary_rack, 2)
    ) named (rack_id, number)
    where %(vlan)s::bigint is null or vlan.id = %(vlan)s
), alive as (
    select id from worker where heartbeat > clock_timestamp() - make_interval(secs => %(ttl)s)
), host as materialized (
    select rack.id, hostname, last_seen, serving, orders,
        exists (select from link join alive on alive.id = worker_id where rack_id = rack.id)
            as linked,
        exists (select from drain where drain.rack_id = rack.id) as draining
    from rack where deleted is null and id in (select rack_id from place)
)
select place.vlan_id, host.*, running ->> 'duty' as duty, state, partner, service.since,
    takeover.by as replaced_by, takeover.at as replaced
from place join host on host.id = place.rack_id
left join service on service.vlan_id = place.target_id and service.rack_id = host.id
left join takeover on takeover.vlan_id = place.target_id and takeover.rack_id = host.id
order by place.vlan_id, number
"""
"""What is true of a rack is found out once, however many VLANs it serves. A VLAN that is relayed
is served by the racks of the one that it is relayed to, in their roles there."""
COUNTS = f"{TOLD} where %s::bigint is null or pool_count.vlan_id = %s"


@frozen
class Seen:
    """What is at `now`, by the database's clock; VLANs by fabric and VID."""

    vlans: tuple[VlanStanding, ...]
    now: datetime


async def read_standing(tx: Transaction, vlan: VlanId | None = None) -> Seen:
    """Read it of all VLANs, or of one."""
    counts = {(row.vlan_id, row.rack_id): row for row in await tx.rows(COUNTS, vlan, vlan)}
    members = grouped(
        (row.vlan_id, _member(row, counts.get((row.vlan_id, row.id))))
        for row in await tx.rows(MEMBERS, {"vlan": vlan, "ttl": WORKER_TTL})
    )
    vlans = tuple(
        VlanStanding(
            VlanId(row.id),
            row.dhcp_on,
            members[row.id],
            row.take_over_after,
            row.endurance_bound,
            None if row.relay_vlan is None else VlanId(row.relay_vlan),
        )
        for row in await tx.rows(VLANS, vlan, vlan)
    )
    return Seen(vlans, await tx.value("select clock_timestamp()"))


def _member(row: Row, counted: Row | None) -> MemberStanding:
    told = row.linked and row.state is not None
    return MemberStanding(
        rack=RackKey(row.id),
        hostname=row.hostname,
        heard=row.last_seen,
        since=row.since,
        linked=row.linked,
        serving=row.serving,
        duty=Duty(row.duty or "off"),
        state=PeerState(row.state) if told else PeerState.UNKNOWN,
        partner=PeerState(row.partner) if told else PeerState.UNKNOWN,
        draining=row.draining,
        replaced_by=row.replaced_by or "",
        replaced=row.replaced,
        ordered=order_on(from_loose(tuple[Order, ...], row.orders), VlanId(row.vlan_id)),
        count=None if counted is None else count_of(counted),
        flow=NO_FLOW if counted is None else flow_of(counted),
        counted=None if counted is None else counted.told,
    )
