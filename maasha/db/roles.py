"""What racks know of each other on their VLANs: who could be whose failover peer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from maasha.db.channels import Channel, notify
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.sighting import Sighting

STALE = 30.0
"""Seconds after which evidence is news again when it comes anew."""
STORE = """
with told as (
    select vlan.id as vlan_id, rack.id as peer_id, told.clock_offset,
        clock_timestamp() - make_interval(secs => told.probed) as probed,
        clock_timestamp() - make_interval(secs => told.reached) as reached
    from unnest(%(vlans)s::bigint[], %(peers)s::bigint[], %(probed)s::float8[],
        %(reached)s::float8[], %(offsets)s::float8[])
        as told (vlan_id, peer_id, probed, reached, clock_offset)
    join vlan on vlan.id = told.vlan_id
    join rack on rack.id = told.peer_id and rack.deleted is null
), stored as (
    insert into sighting (vlan_id, rack_id, peer_id, probed, reached, clock_offset)
    select vlan_id, %(rack)s, peer_id, probed, reached, clock_offset from told
    on conflict (vlan_id, rack_id, peer_id) do update set probed = excluded.probed,
        reached = excluded.reached, clock_offset = excluded.clock_offset
)
select exists (
    select from told left join sighting known on known.vlan_id = told.vlan_id
        and known.rack_id = %(rack)s and known.peer_id = told.peer_id
    where coalesce(known.probed, '-infinity') < told.probed - make_interval(secs => %(stale)s)
    or coalesce(known.reached, '-infinity') < told.reached - make_interval(secs => %(stale)s)
    or known.clock_offset is null and told.clock_offset is not null
)
"""
"""One statement: what it reads of `sighting` is what was known before it."""


async def store_sightings(tx: Transaction, rack: RackKey, sightings: Sequence[Sighting]) -> bool:
    """Write what a rack knows of others now, in place of what it knew of them before.

    VLANs and racks that are gone meanwhile are passed over. True: something is known that was not,
    or not lately, and the leader is woken.
    """
    told = {(sighting.vlan, sighting.peer): sighting for sighting in sightings}.values()
    news: bool = await tx.value(
        STORE,
        {
            "rack": rack,
            "stale": STALE,
            "vlans": [sighting.vlan for sighting in told],
            "peers": [sighting.peer for sighting in told],
            "probed": _ages(sighting.probed for sighting in told),
            "reached": _ages(sighting.reached for sighting in told),
            "offsets": [sighting.clock_offset for sighting in told],
        },
    )
    if news:
        await notify(tx, Channel.PLACEMENT)
    return news


def _ages(told: Iterable[float | None]) -> list[float | None]:
    """Take no evidence from the future."""
    return [None if age is None else max(age, 0.0) for age in told]
