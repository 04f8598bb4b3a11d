"""Reads what one decision about a rack's DHCP service rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

from maasha.db.regions import WORKER_TTL
from maasha.db.row import grouped
from maasha.db.snippets import in_force
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.codec import from_loose
from maasha.model.dhcp import OFF, PeerState, Role
from maasha.model.network import IPRange, RangeType, RelayedVlan, Subnet, SubnetId, VlanId
from maasha.model.options import Boot, BootFile, PairNumbers, Snippet
from maasha.model.orders import Order, order_on
from maasha.model.service import (
    MemberSituation,
    RackSituation,
    RelayedSituation,
    VlanSituation,
)
from maasha.model.stamp import Stamp

VLANS = """
select * from vlan
where %(rack)s in (primary_rack, secondary_rack) or exists (
    select from service where vlan_id = vlan.id and rack_id = %(rack)s
    and (asked ->> 'duty' <> 'off' or running ->> 'duty' <> 'off'))
order by id
"""
RELAYED = """
select vlan.*, service.problem from vlan
left join service on service.vlan_id = vlan.id and service.rack_id = %s
where relay_vlan = any(%s) order by vlan.id
"""
LOCKED_VLANS = VLANS + " for no key update"
RACK = """
select rack.*, omapi_secret, exists (
    select from vlan join subnet on vlan_id = vlan.id
    where %(rack)s in (primary_rack, secondary_rack) and family(cidr) = 6
) or exists (select from rack6 where rack_id = %(rack)s) as six
from rack left join instance on true where rack.id = %(rack)s and deleted is null
"""
SIX_ONLY = """
select vlan_id from iprange join subnet on subnet.id = subnet_id
where vlan_id = any(%s) and managed and type = 'dynamic'
group by vlan_id having bool_and(family(start_ip) = 6)
"""
SUBNETS = "select * from subnet where vlan_id = any(%s) and family(cidr) = 4 order by id"
RANGES = """
select iprange.* from iprange join subnet on subnet.id = subnet_id
where vlan_id = any(%s) and managed and family(start_ip) = 4 order by start_ip
"""
NAMINGS = "select vlan_id, servers from vlan_naming where vlan_id = any(%s)"
MEMBERS = """
select member.vlan_id, rack.id, rack.hostname, rack.deleted is not null as gone,
    exists (select from drain where drain.rack_id = rack.id) or exists (
        select from takeover where takeover.rack_id = rack.id
        and takeover.vlan_id = member.vlan_id
    ) as draining,
    rack.commanded, rack.orders, (running_incarnation, running_counter)
        >= (wanted_incarnation, wanted_counter) as current,
    asked, running, state, partner, service.problem, coalesce(vouched_off, false) as vouched_off,
    exists (
        select from link join worker on worker.id = link.worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %(ttl)s)
    ) as linked
from (
    select id as vlan_id, primary_rack as rack_id from vlan where id = any(%(vlans)s)
    union select id, secondary_rack from vlan where id = any(%(vlans)s)
    union select vlan_id, rack_id from service where vlan_id = any(%(vlans)s)
) member
join rack on rack.id = member.rack_id
left join service on service.vlan_id = member.vlan_id and service.rack_id = rack.id
order by member.vlan_id, rack.id
"""
HOSTS = """
select case when mark = %(known)s then null else text end from (
    select text, case text when '' then '' else encode(sha256(convert_to(text, 'UTF8')), 'hex') end
        as mark
    from (
        select coalesce(string_agg(line, E'\\n' order by mac collate "C", ip) || E'\\n', '') as text
        from (
            select mac, ip,
                mac || ' ' || host(ip) || ' ' || coalesce(nullif(hostname, ''), '-') as line
            from reservation join subnet on subnet.id = subnet_id
            where vlan_id = any(%(vlans)s) and managed and family(ip) = 4
        ) lines
    ) hosts
) marked
"""
"""As `maasha.dhcp.hosts` has them; 10 ms for 10,000, and some more for half a megabyte to come."""
ADDRESSES = """
select interface.vlan_id, rack_id, interface.name, host(address)::inet as address
from interface join interface_address on interface_id = interface.id
left join subnet on subnet.id = subnet_id
where interface.vlan_id = any(%s) and family(address) = 4
order by (subnet.vlan_id is distinct from interface.vlan_id), subnet_id, interface.name, address
"""
"""Of several addresses the first counts: one in the VLAN's oldest subnet."""

Place = tuple[VlanId, RackKey]


async def load_situation(
    tx: Transaction, rack: RackKey, *, deciding: bool = False
) -> RackSituation | None:
    """Read the rack's situation; None: there is no such rack, or it was deleted.

    With `deciding` nobody else decides about the same VLANs before the transaction ends: load,
    decide and `services.record_asked` in one transaction, and two owners of two members never
    both take the next step. Else the hosts are left out where the rack knows just them.
    """
    vlans = await tx.rows(LOCKED_VLANS if deciding else VLANS, {"rack": rack})
    row = await tx.one(RACK, {"rack": rack})
    if row is None:
        return None
    keys = [vlan.id for vlan in vlans]
    through = await tx.rows(RELAYED, rack, keys)
    reached = [*keys, *(row.id for row in through)]
    subnets, everywhere = await _subnets(tx, reached)
    members = await _members(tx, keys)
    relayed = grouped((row.relay_vlan, _relayed(row, subnets[row.id])) for row in through)
    six_only = {row.vlan_id for row in (await tx.rows(SIX_ONLY, keys) if keys else ())}
    named = {naming.vlan_id: tuple(naming.servers) for naming in await tx.rows(NAMINGS, keys)}
    return RackSituation(
        rack=rack,
        generation=Stamp(row.wanted_incarnation, row.wanted_counter),
        running=Stamp(row.running_incarnation, row.running_counter),
        judged=Stamp(row.judged_incarnation, row.judged_counter),
        digest=row.digest,
        omapi_secret=row.omapi_secret or "",
        snippets=everywhere,
        hosts=await (_gathered(tx, reached, None) if deciding else _hosts(tx, row, vlans, reached)),
        known_hosts=row.hosts,
        kept=row.kept,
        six=row.six,
        acts=row.acts,
        orders=_orders(row.orders),
        resume_upto=row.resume_upto,
        resume_by=row.resume_by,
        vlans=tuple(
            _vlan(
                vlan,
                subnets[vlan.id],
                members[vlan.id],
                relayed[vlan.id],
                named.get(vlan.id, ()),
                six_only=vlan.id in six_only,
            )
            for vlan in vlans
        ),
    )


async def _hosts(
    tx: Transaction, rack: Row, vlans: Sequence[Row], reached: Sequence[int]
) -> str | None:
    """Read the hosts of these VLANs and of those relayed to them; None: the rack knows just them.

    They are not even gathered where it has carried out what is wanted: hosts of a VLAN that names
    it change with a new generation only.
    """
    named = all(rack.id in (vlan.primary_rack, vlan.secondary_rack) for vlan in vlans)
    done = (rack.running_incarnation, rack.running_counter) == (
        rack.wanted_incarnation,
        rack.wanted_counter,
    )
    if named and done and rack.hosts == rack.running_hosts:
        return None
    return await _gathered(tx, reached, rack.hosts)


async def _gathered(tx: Transaction, vlans: Sequence[int], known: str | None) -> str | None:
    """Read the hosts of these VLANs; None: their fingerprint is the one that is `known`."""
    if vlans:
        values = {"vlans": list(vlans), "known": known}
        found: str | None = await tx.value(HOSTS, values)
        return found
    return None if known == "" else ""


async def _subnets(
    tx: Transaction, vlans: list[int]
) -> tuple[Mapping[int, tuple[Subnet, ...]], tuple[Snippet, ...]]:
    """Give the subnets of VLANs, and the snippets that hold for all VLANs."""
    rows = await tx.rows(SUBNETS, vlans)
    snippets = await in_force(tx, [row.id for row in rows])
    ranges = grouped(
        (row.subnet_id, _range(row, snippets.ranges[row.id]))
        for row in await tx.rows(RANGES, vlans)
    )
    return (
        grouped(
            (row.vlan_id, _subnet(row, ranges[row.id], snippets.subnets[row.id])) for row in rows
        ),
        snippets.everywhere,
    )


async def _members(tx: Transaction, vlans: list[int]) -> Mapping[int, tuple[MemberSituation, ...]]:
    places: dict[Place, tuple[str, IPv4Address]] = {}
    for row in await tx.rows(ADDRESSES, vlans):
        places.setdefault((VlanId(row.vlan_id), RackKey(row.rack_id)), (row.name, row.address))
    rows = await tx.rows(MEMBERS, {"vlans": vlans, "ttl": WORKER_TTL})
    return grouped((row.vlan_id, _member(row, places)) for row in rows)


def _vlan(
    row: Row,
    subnets: tuple[Subnet, ...],
    members: tuple[MemberSituation, ...],
    relayed: tuple[RelayedSituation, ...],
    region_dns: tuple[IPv4Address, ...],
    *,
    six_only: bool,
) -> VlanSituation:
    return VlanSituation(
        vlan=VlanId(row.id),
        lease_time=row.lease_time,
        mtu=row.mtu,
        pairing=row.pairing,
        dhcp_on=row.dhcp_on,
        primary=None if row.primary_rack is None else RackKey(row.primary_rack),
        secondary=None if row.secondary_rack is None else RackKey(row.secondary_rack),
        subnets=subnets,
        members=members,
        numbers=PairNumbers(row.mclt, row.split, row.max_response_delay),
        boot=_boot(row),
        relayed=relayed,
        region_dns=region_dns,
        six_only=six_only,
    )


def _relayed(row: Row, subnets: tuple[Subnet, ...]) -> RelayedSituation:
    there = RelayedVlan(VlanId(row.id), row.lease_time, row.mtu, subnets, _boot(row))
    return RelayedSituation(there, row.problem or "")


def _boot(row: Row) -> Boot:
    return Boot(from_loose(tuple[BootFile, ...], row.boot_files), row.next_server)


def _subnet(row: Row, ranges: tuple[IPRange, ...], snippets: tuple[Snippet, ...]) -> Subnet:
    return Subnet(
        SubnetId(row.id),
        row.cidr,
        row.gateway_ip,
        tuple(row.dns_servers),
        ranges,
        tuple(row.ntp_servers),
        tuple(row.search_list),
        snippets,
        row.allow_dns,
    )


def _range(row: Row, snippets: tuple[Snippet, ...]) -> IPRange:
    return IPRange(RangeType(row.type), row.start_ip, row.end_ip, snippets)


def _member(row: Row, places: Mapping[Place, tuple[str, IPv4Address]]) -> MemberSituation:
    interface, address = places.get((VlanId(row.vlan_id), RackKey(row.id)), ("", None))
    heard = row.linked and row.state is not None
    return MemberSituation(
        rack=RackKey(row.id),
        hostname=row.hostname,
        interface=interface,
        address=address,
        asked=_role(row.asked),
        running=_role(row.running),
        state=PeerState(row.state) if heard else PeerState.UNKNOWN,
        partner=PeerState(row.partner) if heard else PeerState.UNKNOWN,
        deleted=row.gone,
        draining=row.draining,
        commanded=row.commanded,
        current=row.current,
        problem=row.problem or "",
        vouched_off=row.vouched_off,
        ordered=order_on(_orders(row.orders), VlanId(row.vlan_id)),
    )


def _orders(loose: object) -> tuple[Order, ...]:
    return from_loose(tuple[Order, ...], loose)


def _role(loose: object) -> Role:
    return OFF if loose is None else from_loose(Role, loose)
