"""The regions' name servers: where they may be, and which of them VLANs' clients are told of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from attrs import evolve, frozen

from maasha.db.events import record
from maasha.db.regions import WORKER_TTL
from maasha.db.row import grouped
from maasha.db.transaction import Row, Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey, SystemId
from maasha.model.naming import Naming, Resolver
from maasha.model.network import VlanId

Address = IPv4Address | IPv6Address

KEPT = 600.0
"""Seconds for which an address is remembered that a region has lost: an interface may be down."""
FRESH = 60.0
"""Seconds after which it is noted again that a region has an address."""
OLD = 3600.0
"""Seconds after which a rack's word on what it found counts no more, if it does not repeat it."""

POSSIBLE = """
select region_id, region_resolver.address, place, by_hand from region_resolver
where by_hand or (
    select count(distinct rack_id) from interface_address
    join interface on interface.id = interface_id join rack on rack.id = rack_id
    where deleted is null and host(interface_address.address) = host(region_resolver.address)
) < 2
"""
"""Not addresses that several hosts have, such as that of a bridge which software makes on each:
a rack that asks there asks itself."""
PUBLISH = """
with told as (
    select region.id as region_id, address, place::integer
    from region, unnest(%(addresses)s::inet[]) with ordinality told (address, place)
    where system_id = %(region)s
)
insert into region_resolver (region_id, address, place, by_hand)
select region_id, address, place, %(by_hand)s from told
where not exists (
    select from region_resolver known where known.region_id = told.region_id
    and (known.address, known.place, known.by_hand) = (told.address, told.place, %(by_hand)s)
    and known.seen > clock_timestamp() - make_interval(secs => %(fresh)s)
)
on conflict (region_id, address) do update
set place = excluded.place, by_hand = excluded.by_hand, seen = clock_timestamp()
"""
WITHDRAW = """
delete from region_resolver using region
where region.id = region_id and system_id = %(region)s
and address <> all(%(addresses)s::inet[])
and (%(by_hand)s or by_hand or seen < clock_timestamp() - make_interval(secs => %(kept)s))
"""
"""What an operator names counts at once, and so does that he names nothing any more."""
RESOLVERS = f"""
select region_id, address, by_hand from ({POSSIBLE}) possible
where family(address) = 4 order by region_id, place, address
"""  # noqa: S608  our own text
SIGHTINGS = """
select vlan_id, address, max(asked) as asked, max(answered) as answered
from resolver_sighting group by vlan_id, address
"""
NAMINGS = """
with paired as materialized (
    select vlan_id, rack_id, state <> 'normal' or not exists (
        select from link join worker on worker.id = link.worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %s)
    ) as troubled
    from service join rack on rack.id = rack_id
    where deleted is null and (asked ->> 'duty' in ('primary', 'secondary')
        or running ->> 'duty' in ('primary', 'secondary'))
), uneasy as materialized (
    select distinct vlan_id from paired where troubled
), busy as materialized (
    select distinct rack_id from paired join uneasy using (vlan_id)
)
select vlan.id, coalesce(servers, '{}') as servers, rearranged, not (
    exists (select from uneasy where uneasy.vlan_id = vlan.id)
    or exists (select from busy where rack_id = primary_rack)
    or exists (select from busy where rack_id = secondary_rack)
) as calm
from vlan left join vlan_naming on vlan_naming.vlan_id = vlan.id
where relay_vlan is null and (vlan_naming.vlan_id is not null or vlan.id in (
    select coalesce(net.relay_vlan, net.id) from subnet join vlan net on net.id = subnet.vlan_id
    where family(cidr) = 4))
order by vlan.id
"""
"""A restart is the rack's, so all the pairs that its racks are in have to be normal. Clients of a
VLAN that is relayed are told the same as those of the VLAN that it is relayed to."""
TELL = """
insert into vlan_naming (vlan_id, servers, rearranged)
values (%(vlan)s, %(servers)s::inet[],
    case when %(rearranges)s then clock_timestamp() end)
on conflict (vlan_id) do update set servers = excluded.servers,
    rearranged = coalesce(excluded.rearranged, vlan_naming.rearranged)
"""
LOCK = """
select id from vlan where id = any(%s::bigint[]) order by id for no key update
"""
CONCERNED = """
select distinct unnest(array[primary_rack, secondary_rack]) as rack_id from vlan
where id = any(%s::bigint[]) and dhcp_on and id in (
    select coalesce(net.relay_vlan, net.id) from subnet join vlan net on net.id = subnet.vlan_id
    where family(cidr) = 4 and allow_dns and dns_servers = '{}')
"""
"""Racks in whose configuration the names of the servers stand."""
PRUNE = """
delete from resolver_sighting where asked < clock_timestamp() - make_interval(secs => %s)
and not exists (select from vlan_naming where vlan_naming.vlan_id = resolver_sighting.vlan_id
    and address = any(servers))
"""


@frozen
class NamingsSeen:
    """What is at `now`, by the database's clock."""

    vlans: tuple[Naming, ...]
    now: datetime


@frozen
class Told:
    """What a VLAN's clients are to be told; `why` is for people."""

    vlan: VlanId
    servers: tuple[IPv4Address, ...]
    rearranges: bool
    why: str


async def publish_resolvers(
    tx: Transaction, region: SystemId, addresses: Sequence[Address], *, by_hand: bool
) -> None:
    """Say where a region's name server may be, or where an operator says that it is."""
    values = {
        "region": region,
        "addresses": list(dict.fromkeys(addresses)),
        "by_hand": by_hand,
        "fresh": FRESH,
        "kept": KEPT,
    }
    await tx.execute(WITHDRAW, values)
    await tx.execute(PUBLISH, values)


async def read_namings(tx: Transaction) -> NamingsSeen:
    """Read what clients are told and what they might be, on every VLAN with IPv4 clients."""
    resolvers = tuple(_resolver(row) for row in await tx.rows(RESOLVERS))
    seen = grouped((row.vlan_id, row) for row in await tx.rows(SIGHTINGS))
    rows = await tx.rows(NAMINGS, WORKER_TTL)
    now = await tx.value("select clock_timestamp()")
    return NamingsSeen(tuple(_naming(row, resolvers, seen[row.id]) for row in rows), now)


async def told_servers(tx: Transaction) -> Mapping[VlanId, tuple[IPv4Address, ...]]:
    """Give what each VLAN's clients are told."""
    rows = await tx.rows("select vlan_id, servers from vlan_naming")
    return {VlanId(row.vlan_id): tuple(row.servers) for row in rows}


async def tell_servers(tx: Transaction, who: str, changes: Collection[Told]) -> None:
    """Have clients told of other name servers: all at once, so that each rack restarts once.

    The VLANs' rows are held first, as those who decide about DHCP do.
    """
    vlans = sorted(each.vlan for each in changes)
    await tx.execute(LOCK, vlans)
    for each in changes:
        values = {"vlan": each.vlan, "servers": list(each.servers), "rearranges": each.rearranges}
        await tx.execute(TELL, values)
        await record(tx, who, f"vlan:{each.vlan}", "vlan.name-servers", "info", each.why)
    racks = [row.rack_id for row in await tx.rows(CONCERNED, vlans)]
    await raise_wanted(tx, [RackKey(rack) for rack in racks if rack is not None])


async def prune_resolvers(tx: Transaction) -> int:
    """Forget what racks knew long ago, unless clients are told of it."""
    return await tx.execute(PRUNE, OLD)


def _resolver(row: Row) -> Resolver:
    return Resolver(row.region_id, row.address, row.by_hand)


def _naming(row: Row, resolvers: Sequence[Resolver], sightings: Sequence[Row]) -> Naming:
    by_address: Mapping[IPv4Address, Row] = {each.address: each for each in sightings}

    def as_seen(resolver: Resolver) -> Resolver:
        seen = by_address.get(resolver.address)
        if seen is None:
            return resolver
        return evolve(resolver, asked=seen.asked, answered=seen.answered)

    return Naming(
        VlanId(row.id),
        tuple(as_seen(each) for each in resolvers),
        tuple(row.servers),
        row.rearranged,
        row.calm,
    )
