"""What racks found on VLANs: DHCP servers that are none of the instance's, and name servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

from attrs import frozen

from maasha.db.events import clear_alarm, raise_alarm
from maasha.db.locks import Lock, hold
from maasha.db.resolvers import OLD
from maasha.db.row import grouped
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.probe import Finding

FOREIGN = "dhcp.foreign"
BEFORE = "select vlan_id, server, mac from dhcp_server where rack_id = %s"
SERVERS = """
insert into dhcp_server (vlan_id, rack_id, server, mac, seen)
select vlan_id, %(rack)s, server, mac, clock_timestamp() - make_interval(secs => seen)
from unnest(%(vlans)s::bigint[], %(servers)s::inet[], %(macs)s::text[], %(seen)s::float8[])
    told (vlan_id, server, mac, seen)
where exists (select from interface where vlan_id = told.vlan_id and rack_id = %(rack)s)
on conflict (vlan_id, rack_id, server, mac) do update set seen = excluded.seen
"""
GONE = """
delete from dhcp_server where rack_id = %(rack)s and vlan_id = any(%(settled)s::bigint[])
and not exists (
    select from unnest(%(vlans)s::bigint[], %(servers)s::inet[], %(macs)s::text[])
        told (vlan_id, server, mac)
    where (told.vlan_id, told.server, told.mac)
        = (dhcp_server.vlan_id, dhcp_server.server, dhcp_server.mac))
"""
RESOLVERS = """
insert into resolver_sighting (vlan_id, rack_id, address, asked, answered)
select vlan_id, %(rack)s, address, clock_timestamp() - make_interval(secs => asked),
    clock_timestamp() - make_interval(secs => answered)
from unnest(%(vlans)s::bigint[], %(addresses)s::inet[], %(asked)s::float8[],
    %(answered)s::float8[]) told (vlan_id, address, asked, answered)
where exists (select from interface where vlan_id = told.vlan_id and rack_id = %(rack)s)
on conflict (vlan_id, rack_id, address) do update set asked = excluded.asked,
    answered = coalesce(excluded.answered, resolver_sighting.answered)
"""
"""A rack that began anew does not know of earlier answers."""
FOREIGNERS = """
select vlan_id, server, mac, array_agg(distinct hostname order by hostname) as racks
from dhcp_server join rack on rack.id = rack_id
where deleted is null and server not in (
    select host(address)::inet from interface_address
    join interface on interface.id = interface_id join rack on rack.id = interface.rack_id
    where deleted is null)
and (%(vlan)s::bigint is null or vlan_id = %(vlan)s)
group by vlan_id, server, mac order by vlan_id, min(first_seen), server, mac
"""
"""An offer of one of our racks: it does not ignore us yet, for its configuration is an old one."""
DOUBTFUL = """
select vlan_id as id from dhcp_server
union select id from vlan where 'vlan:' || id in (
    select subject from event alarm where severity = 'alarm' and kind = %s
    and not exists (select from event where event.clears = alarm.id))
order by id
"""
SERVED = """
select target.dhcp_on from vlan join vlan target on target.id = coalesce(vlan.relay_vlan, vlan.id)
where vlan.id = %s
"""
PRUNE = "delete from dhcp_server where seen < clock_timestamp() - make_interval(secs => %s)"


@frozen
class ForeignServer:
    """A DHCP server that is none of the instance's."""

    server: IPv4Address
    mac: str
    racks: tuple[str, ...]
    """The host names of those that it answered."""

    def __str__(self) -> str:
        return f"{self.server} ({self.mac}), seen by {', '.join(self.racks)}"


Foreigners = Mapping[VlanId, tuple[ForeignServer, ...]]


async def store_findings(tx: Transaction, rack: RackKey, findings: Sequence[Finding]) -> None:
    """Write what a rack knows of VLANs on which it has an interface.

    What it has not asked often enough for to know stays as it was.
    """
    told = tuple({each.vlan: each for each in findings}.values())  # each once, or no upsert
    await _store_resolvers(tx, rack, told)
    before = {tuple(row) for row in await tx.rows(BEFORE, rack)}
    if not before and not any(each.servers for each in told):
        return
    values = _server_values(rack, told)
    await tx.execute(GONE, values)
    await tx.execute(SERVERS, values)
    after = {tuple(row) for row in await tx.rows(BEFORE, rack)}
    for vlan in sorted({VlanId(row[0]) for row in before ^ after}):
        await judge_foreign(tx, await _name(tx, rack), vlan)


async def foreign_servers(tx: Transaction, vlan: VlanId | None = None) -> Foreigners:
    """List the foreign DHCP servers of a VLAN, or of all; the first one was found first."""
    rows = await tx.rows(FOREIGNERS, {"vlan": vlan})
    found = grouped((row.vlan_id, _foreign(row)) for row in rows)
    return {VlanId(key): servers for key, servers in found.items()}


async def judge_foreign(tx: Transaction, who: str, vlan: VlanId) -> None:
    """Open or clear a VLAN's alarm; where DHCP is off another's server may well be right.

    One that is relayed is served where DHCP is on for the VLAN that it is relayed to.
    """
    subject = f"vlan:{vlan}"
    await hold(tx, Lock.ALARM, f"{subject} {FOREIGN}")
    dhcp_on = await tx.value(SERVED, vlan)
    found = (await foreign_servers(tx, vlan)).get(vlan, ()) if dhcp_on else ()
    if found:
        await raise_alarm(tx, who, subject, FOREIGN, "; ".join(map(str, found)))
    else:
        await clear_alarm(tx, who, subject, FOREIGN)


async def judge_all(tx: Transaction, who: str) -> None:
    """Forget what racks told long ago, and look at every VLAN's alarm again."""
    await tx.execute(PRUNE, OLD)
    for row in await tx.rows(DOUBTFUL, FOREIGN):
        await judge_foreign(tx, who, VlanId(row.id))


async def _store_resolvers(tx: Transaction, rack: RackKey, told: Sequence[Finding]) -> None:
    seen = [
        (each.vlan, one)
        for each in told
        for one in {one.address: one for one in each.resolvers}.values()
    ]
    if not seen:
        return
    values = {
        "rack": rack,
        "vlans": [vlan for vlan, _ in seen],
        "addresses": [one.address for _, one in seen],
        "asked": [max(one.asked, 0.0) for _, one in seen],
        "answered": [None if one.answered is None else max(one.answered, 0.0) for _, one in seen],
    }
    await tx.execute(RESOLVERS, values)


def _server_values(rack: RackKey, told: Sequence[Finding]) -> dict[str, object]:
    servers = {
        (each.vlan, one.server, one.mac): max(one.seen, 0.0)
        for each in told
        for one in each.servers
    }
    return {
        "rack": rack,
        "settled": [each.vlan for each in told if each.settled],
        "vlans": [vlan for vlan, _, _ in servers],
        "servers": [server for _, server, _ in servers],
        "macs": [mac for _, _, mac in servers],
        "seen": list(servers.values()),
    }


async def _name(tx: Transaction, rack: RackKey) -> str:
    system_id = await tx.value("select system_id from rack where id = %s", rack)
    return f"rack:{system_id}"


def _foreign(row: Row) -> ForeignServer:
    return ForeignServer(row.server, row.mac, tuple(row.racks))
