"""Reads what one decision about a rack's DHCPv6 service rests on."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address

from maasha.db.regions import WORKER_TTL
from maasha.db.row import grouped
from maasha.db.snippets import in_force
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.codec import from_loose
from maasha.model.dhcp import Role
from maasha.model.network import Stretch, Subnet6, SubnetId, VlanId
from maasha.model.options import Boot, BootFile, Snippet
from maasha.model.service6 import (
    LapseSituation,
    MemberSituation6,
    RackSituation6,
    VlanSituation6,
)
from maasha.model.stamp import Stamp

VLANS = """
select * from vlan
where %(rack)s in (primary_rack, secondary_rack)
    and exists (select from subnet where vlan_id = vlan.id and family(cidr) = 6)
or exists (
    select from service6 where vlan_id = vlan.id and rack_id = %(rack)s and held <> '[]')
order by id
"""
LOCKED_VLANS = VLANS + " for no key update"
RACK = """
select wanted_incarnation, wanted_counter, kept, omapi_secret, clock_timestamp() as now,
    coalesce(running_incarnation6, 0) as running_incarnation,
    coalesce(running_counter6, 0) as running_counter,
    coalesce(judged_incarnation6, 0) as judged_incarnation,
    coalesce(judged_counter6, 0) as judged_counter, coalesce(digest6, '') as digest
from rack left join instance on true
left join (
    select rack_id, running_incarnation as running_incarnation6,
        running_counter as running_counter6, judged_incarnation as judged_incarnation6,
        judged_counter as judged_counter6, digest as digest6 from rack6
) six on six.rack_id = rack.id
where rack.id = %s and deleted is null
"""
SUBNETS = "select * from subnet where vlan_id = any(%s) and family(cidr) = 6 order by id"
RANGES = """
select iprange.* from iprange join subnet on subnet.id = subnet_id
where vlan_id = any(%s) and managed and family(start_ip) = 6 and type = 'dynamic' order by start_ip
"""
MEMBERS = """
select member.vlan_id, rack.id, rack.hostname, asked, running, held, service6.problem,
    service6.incarnation is null or service6.incarnation
        >= coalesce((select incarnation from instance), 0) as sure,
    lost is not null or deleted is not null
        or exists (select from drain where drain.rack_id = rack.id) or exists (
            select from takeover where takeover.rack_id = rack.id
            and takeover.vlan_id = member.vlan_id
        ) as draining,
    lost is null and deleted is null and exists (
        select from link join worker on worker.id = link.worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %(ttl)s)
    ) as linked
from (
    select id as vlan_id, primary_rack as rack_id from vlan where id = any(%(vlans)s)
    union select id, secondary_rack from vlan where id = any(%(vlans)s)
    union select vlan_id, rack_id from service6 where vlan_id = any(%(vlans)s)
) member
join rack on rack.id = member.rack_id
left join service6 on service6.vlan_id = member.vlan_id and service6.rack_id = rack.id
order by member.vlan_id, rack.id
"""
LAPSES = "select * from lapse6 where vlan_id = any(%s) order by until, start_ip"
AWAY = "dhcp6.away"
"""Kind of the alarm that a half is nobody's."""
ALARMS = """
select substr(subject, 6)::bigint as vlan_id, detail from event
where severity = 'alarm' and kind = %s and subject in (
    select 'vlan:' || id from unnest(%s::bigint[]) wanted (id))
and not exists (select from event over where over.clears = event.id)
"""
ADDRESSES = """
select interface.vlan_id, rack_id, interface.name, host(address)::inet as address
from interface join interface_address on interface_id = interface.id
left join subnet on subnet.id = subnet_id
where interface.vlan_id = any(%s) and family(address) = 6 and not address <<= 'fe80::/10'
order by (subnet.vlan_id is distinct from interface.vlan_id), subnet_id, interface.name, address
"""
"""Of several addresses the first counts: one in the VLAN's oldest subnet."""

Place = tuple[VlanId, RackKey]


async def load_situation6(
    tx: Transaction, rack: RackKey, *, deciding: bool = False
) -> RackSituation6 | None:
    """Read the rack's situation; None: there is no such rack, or it was deleted.

    With `deciding` nobody else decides about the same VLANs before the transaction ends, as in
    `situations.load_situation`.
    """
    vlans = await tx.rows(LOCKED_VLANS if deciding else VLANS, {"rack": rack})
    row = await tx.one(RACK, rack)
    if row is None:
        return None
    keys = [vlan.id for vlan in vlans]
    subnets, members = await _subnets(tx, keys), await _members(tx, keys)
    away = {row.vlan_id: row.detail for row in await tx.rows(ALARMS, AWAY, keys)}
    return RackSituation6(
        rack=rack,
        generation=Stamp(row.wanted_incarnation, row.wanted_counter),
        running=Stamp(row.running_incarnation, row.running_counter),
        judged=Stamp(row.judged_incarnation, row.judged_counter),
        digest=row.digest,
        now=row.now,
        omapi_secret=row.omapi_secret or "",
        kept=row.kept,
        vlans=tuple(
            _vlan(vlan, subnets[vlan.id], members[vlan.id], away.get(vlan.id, "")) for vlan in vlans
        ),
    )


async def _subnets(tx: Transaction, vlans: list[int]) -> Mapping[int, tuple[Subnet6, ...]]:
    rows = await tx.rows(SUBNETS, vlans)
    snippets = await in_force(tx, [row.id for row in rows])
    ranges = grouped(
        (row.subnet_id, Stretch(row.start_ip, row.end_ip)) for row in await tx.rows(RANGES, vlans)
    )
    return grouped(
        (row.vlan_id, _subnet(row, ranges[row.id], snippets.subnets[row.id])) for row in rows
    )


async def _members(tx: Transaction, vlans: list[int]) -> Mapping[int, tuple[MemberSituation6, ...]]:
    places: dict[Place, tuple[str, IPv6Address]] = {}
    for row in await tx.rows(ADDRESSES, vlans):
        places.setdefault((VlanId(row.vlan_id), RackKey(row.rack_id)), (row.name, row.address))
    # lapses after those who hold: what is given up in between is seen twice, and never not at all
    rows = await tx.rows(MEMBERS, {"vlans": vlans, "ttl": WORKER_TTL})
    lapses = grouped(
        ((VlanId(row.vlan_id), RackKey(row.rack_id)), _lapse(row))
        for row in await tx.rows(LAPSES, vlans)
    )
    return grouped((row.vlan_id, _member(row, places, lapses)) for row in rows)


def _vlan(
    row: Row, subnets: tuple[Subnet6, ...], members: tuple[MemberSituation6, ...], away: str
) -> VlanSituation6:
    return VlanSituation6(
        vlan=VlanId(row.id),
        lease_time=row.lease_time,
        dhcp_on=row.dhcp_on,
        primary=None if row.primary_rack is None else RackKey(row.primary_rack),
        secondary=None if row.secondary_rack is None else RackKey(row.secondary_rack),
        pairing=row.pairing,
        subnets=subnets,
        members=members,
        away=away,
        boot=Boot(from_loose(tuple[BootFile, ...], row.boot_files)),
    )


def _subnet(row: Row, ranges: tuple[Stretch, ...], snippets: tuple[Snippet, ...]) -> Subnet6:
    return Subnet6(
        SubnetId(row.id),
        row.cidr,
        row.gateway_ip,
        tuple(row.dns_servers),
        ranges,
        tuple(row.ntp_servers),
        tuple(row.search_list),
        snippets,
    )


def _lapse(row: Row) -> LapseSituation:
    return LapseSituation(Stretch(row.start_ip, row.end_ip), row.until)


def _member(
    row: Row,
    places: Mapping[Place, tuple[str, IPv6Address]],
    lapses: Mapping[Place, tuple[LapseSituation, ...]],
) -> MemberSituation6:
    place = VlanId(row.vlan_id), RackKey(row.id)
    interface, address = places.get(place, ("", None))
    return MemberSituation6(
        rack=RackKey(row.id),
        hostname=row.hostname,
        interface=interface,
        address=address,
        asked=stretches(row.asked),
        running=stretches(row.running),
        held=from_loose(tuple[Stretch, ...], row.held or []),
        lapses=lapses[place],
        linked=row.linked,
        sure=row.sure,
        draining=row.draining,
        problem=row.problem or "",
    )


def stretches(loose: object) -> tuple[Stretch, ...]:
    """Give the addresses that a role on record has."""
    return () if loose is None else from_loose(Role, loose).stretches
