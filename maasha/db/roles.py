"""Who serves VLANs and who might: their places, and what racks know of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.regions import WORKER_TTL
from maasha.db.row import grouped
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.roles import Candidate, Evidence, Place, VlanRoles
from maasha.model.sighting import Sighting

VLANS = """
select id, dhcp_on, ha_auto, primary_rack, primary_by, secondary_rack, secondary_by
from vlan where %(vlans)s::bigint[] is null or id = any(%(vlans)s::bigint[])
order by id
"""
"""Without `vlans` all of them."""
CANDIDATES = """
select member.vlan_id, rack.id, hostname, deleted is not null or lost is not null as gone,
    bool_or(member.address) as address,
    exists (
        select from link join worker on worker.id = link.worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %(ttl)s)
    ) as linked,
    exists (select from drain where drain.rack_id = rack.id) as draining
from (
    select vlan_id, rack_id, true as address
    from interface join interface_address on interface_id = interface.id
    where vlan_id = any(%(vlans)s::bigint[]) and family(interface_address.address) = 4
    union select id, primary_rack, false from vlan where id = any(%(vlans)s::bigint[])
    union select id, secondary_rack, false from vlan where id = any(%(vlans)s::bigint[])
) member
join rack on rack.id = member.rack_id
group by member.vlan_id, rack.id
having deleted is null or not bool_and(member.address)
order by member.vlan_id, hostname
"""
"""A deleted rack only while it has a place."""
EVIDENCE = """
select vlan_id, rack_id + peer_id - primary_rack as other, max(probed) as probed,
    case when count(reached) = 2 then min(reached) end as reached,
    (array_agg(clock_offset order by abs(clock_offset) desc nulls last))[1] as clock_offset
from vlan join sighting on vlan_id = vlan.id
where vlan.id = any(%s::bigint[]) and primary_rack in (rack_id, peer_id)
group by vlan_id, other
"""
"""Joins what the primary and another rack know of each other: a frame that came back is enough
from either, a port has to be reached both ways, and the greater distance of clocks counts."""
PRIMARIES = """
select primary_rack, count(*) as vlans from vlan where primary_rack is not null group by 1
"""
SEE = """
with told as (
    select %(rack)s::bigint as rack_id, vlan_id, peer_id,
        clock_timestamp() - make_interval(secs => probed) as probed,
        clock_timestamp() - make_interval(secs => reached) as reached, clock_offset
    from unnest(%(vlans)s::bigint[], %(peers)s::bigint[], %(probed)s::float8[],
        %(reached)s::float8[], %(offsets)s::float8[])
        told (vlan_id, peer_id, probed, reached, clock_offset)
    where exists (select from interface where vlan_id = told.vlan_id and rack_id = peer_id)
    and exists (select from interface where vlan_id = told.vlan_id and rack_id = %(rack)s)
), before as (
    select sighting.* from sighting join told using (vlan_id, rack_id, peer_id)
), written as (
    insert into sighting (vlan_id, rack_id, peer_id, probed, reached, clock_offset)
    select vlan_id, rack_id, peer_id, probed, reached, clock_offset from told
    on conflict (vlan_id, rack_id, peer_id) do update set probed = excluded.probed,
        reached = excluded.reached, clock_offset = excluded.clock_offset
)
select from told left join before using (vlan_id, rack_id, peer_id)
where (told.probed, told.reached, told.clock_offset) is not null
and (before.probed is null or before.reached is null or before.clock_offset is null
    or least(before.probed, before.reached)
        < clock_timestamp() - make_interval(secs => %(stale)s))
limit 1
"""
STALE = 20.0
"""Seconds after which what is seen again is news."""
OLD = 3600.0
"""Seconds."""
PRUNE = """
delete from sighting where coalesce(greatest(probed, reached), '-infinity')
    < clock_timestamp() - make_interval(secs => %s)
"""


@frozen
class RolesSeen:
    """What is at `now`, by the database's clock; `primaries` counts the VLANs of each rack."""

    vlans: tuple[VlanRoles, ...]
    primaries: Counter[RackKey]
    now: datetime


async def read_roles(tx: Transaction, vlans: Sequence[VlanId] | None = None) -> RolesSeen:
    """Read the places of these VLANs, else of all, with everyone who might fill them."""
    rows = await tx.rows(VLANS, {"vlans": None if vlans is None else list(vlans)})
    keys = [row.id for row in rows]
    candidates = await _candidates(tx, rows) if keys else {}
    counts = Counter(
        {RackKey(row.primary_rack): row.vlans for row in (await tx.rows(PRIMARIES) if keys else ())}
    )
    now = await tx.value("select clock_timestamp()")
    return RolesSeen(tuple(_vlan(row, candidates.get(row.id, ())) for row in rows), counts, now)


async def store_sightings(tx: Transaction, rack: RackKey, sightings: Sequence[Sighting]) -> bool:
    """Write what a rack knows of others; True: there is news, and who decides hears of it.

    What is said of racks that are not on that VLAN is left out; no evidence is from the future.
    """
    told = {(each.vlan, each.peer): each for each in sightings}.values()  # once, or no upsert
    values = {
        "rack": rack,
        "vlans": [each.vlan for each in told],
        "peers": [each.peer for each in told],
        "probed": [None if each.probed is None else max(each.probed, 0.0) for each in told],
        "reached": [None if each.reached is None else max(each.reached, 0.0) for each in told],
        "offsets": [each.clock_offset for each in told],
        "stale": STALE,
    }
    news = bool(await tx.rows(SEE, values))
    if news:
        await notify(tx, Channel.PLACEMENT)
    return news


async def prune_sightings(tx: Transaction) -> int:
    """Forget what was seen long ago; gives how much."""
    return await tx.execute(PRUNE, OLD)


async def _candidates(tx: Transaction, vlans: Sequence[Row]) -> Mapping[int, tuple[Candidate, ...]]:
    keys = [row.id for row in vlans]
    known = {(row.vlan_id, row.other): row for row in await tx.rows(EVIDENCE, keys)}
    found = await tx.rows(CANDIDATES, {"vlans": keys, "ttl": WORKER_TTL})
    return grouped(
        (row.vlan_id, _candidate(row, known.get((row.vlan_id, row.id)))) for row in found
    )


def _candidate(row: Row, known: Row | None) -> Candidate:
    evidence = Evidence(row.address)
    if known is not None:
        evidence = Evidence(row.address, known.probed, known.reached, known.clock_offset)
    return Candidate(RackKey(row.id), row.hostname, row.linked, row.gone, row.draining, evidence)


def _vlan(row: Row, candidates: tuple[Candidate, ...]) -> VlanRoles:
    return VlanRoles(
        vlan=VlanId(row.id),
        primary=_place(row.primary_rack, row.primary_by),
        secondary=_place(row.secondary_rack, row.secondary_by),
        dhcp_on=row.dhcp_on,
        ha_auto=row.ha_auto,
        candidates=candidates,
    )


def _place(rack: int | None, by: str) -> Place:
    return Place(None if rack is None else RackKey(rack), by)
