"""How many addresses of VLANs the racks can still hand out, as they tell it."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.pools import Flow, PoolCount, since

TOLD = """
select pool_count.*, extract(epoch from clock_timestamp() - told)::float8 as age,
    coalesce(service.since > told, false) as stale
from pool_count join vlan on vlan.id = pool_count.vlan_id
left join service on service.rack_id = pool_count.rack_id
    and service.vlan_id = coalesce(vlan.relay_vlan, vlan.id)
"""
"""The failover state of a VLAN that is relayed is that of the one that it is relayed to."""
BEFORE = f"{TOLD} where pool_count.rack_id = %s for update of pool_count"
STORE = """
insert into pool_count (vlan_id, rack_id, total, free, backup, active, returning_, abandoned,
    arrivals, returns, lately_arrivals, lately_returns, lately_seconds)
select vlan_id, %(rack)s, total, free, backup, active, returning_, abandoned,
    arrivals, returns, lately_arrivals, lately_returns, lately_seconds
from unnest(%(vlans)s::bigint[], %(total)s::integer[], %(free)s::integer[], %(backup)s::integer[],
    %(active)s::integer[], %(returning)s::integer[], %(abandoned)s::integer[],
    %(arrivals)s::bigint[], %(returns)s::bigint[], %(lately_arrivals)s::float8[],
    %(lately_returns)s::float8[], %(lately_seconds)s::float8[])
    told (vlan_id, total, free, backup, active, returning_, abandoned, arrivals, returns,
        lately_arrivals, lately_returns, lately_seconds)
where exists (select from vlan where vlan.id = told.vlan_id)
on conflict (vlan_id, rack_id) do update set told = clock_timestamp(), total = excluded.total,
    free = excluded.free, backup = excluded.backup, active = excluded.active,
    returning_ = excluded.returning_, abandoned = excluded.abandoned,
    arrivals = excluded.arrivals, returns = excluded.returns,
    lately_arrivals = excluded.lately_arrivals, lately_returns = excluded.lately_returns,
    lately_seconds = excluded.lately_seconds
"""
GONE = "delete from pool_count where rack_id = %s and vlan_id <> all(%s::bigint[])"

ADDRESSES = """
select vlan_id, sum(end_ip - start_ip + 1) as number
from iprange join subnet on subnet.id = subnet_id
where (%s::bigint is null or vlan_id = %s)
and managed and type = 'dynamic' and family(start_ip) = 4 group by vlan_id
"""


async def store_counts(tx: Transaction, rack: RackKey, counts: Sequence[PoolCount]) -> None:
    """Write what a rack counts, of all VLANs that it serves.

    Its reports are to be written in the order in which it sends them.
    """
    told = {each.vlan: each for each in counts}  # once, or there is no upsert
    before = {VlanId(row.vlan_id): row for row in await tx.rows(BEFORE, rack)}
    flows = [_flow(before.get(vlan), count) for vlan, count in told.items()]
    await tx.execute(GONE, rack, list(told))
    if not told:
        return
    found = told.values()
    await tx.execute(
        STORE,
        {
            "rack": rack,
            "vlans": list(told),
            "total": [each.total for each in found],
            "free": [each.free for each in found],
            "backup": [each.backup for each in found],
            "active": [each.active for each in found],
            "returning": [each.returning for each in found],
            "abandoned": [each.abandoned for each in found],
            "arrivals": [each.arrivals for each in found],
            "returns": [each.returns for each in found],
            "lately_arrivals": [flow.arrivals for flow in flows],
            "lately_returns": [flow.returns for flow in flows],
            "lately_seconds": [flow.seconds for flow in flows],
        },
    )


def count_of(row: Row) -> PoolCount:
    """Read the count of a row of `pool_count`."""
    return PoolCount(
        vlan=VlanId(row.vlan_id),
        total=row.total,
        free=row.free,
        backup=row.backup,
        active=row.active,
        returning=row.returning_,
        abandoned=row.abandoned,
        arrivals=row.arrivals,
        returns=row.returns,
    )


def flow_of(row: Row) -> Flow:
    """Give the flow as it is `age` seconds after it was written.

    What came back before the server's failover state was this one (`stale`) says nothing of now:
    a server that is alone gets back less than one that has a peer.
    """
    before = Flow(row.lately_arrivals, row.lately_returns, row.lately_seconds).later(row.age, 0, 0)
    return before.without_returns if row.stale else before


def _flow(before: Row | None, count: PoolCount) -> Flow:
    """Take in what has changed; of a rack that tells it for the first time that is not known."""
    if before is None:
        return Flow()
    arrivals = since(before.arrivals, count.arrivals)
    return flow_of(before).later(0.0, arrivals, since(before.returns, count.returns))


async def dynamic_addresses(tx: Transaction, vlan: VlanId | None = None) -> dict[VlanId, int]:
    """Count the IPv4 addresses in the dynamic ranges of VLANs' managed subnets, or of one's."""
    rows = await tx.rows(ADDRESSES, vlan, vlan)
    return {VlanId(row.vlan_id): int(row.number) for row in rows}
