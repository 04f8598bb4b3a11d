"""Which racks are to look out for each other, on VLANs whose second place is free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from attrs import frozen

from maasha.db.regions import WORKER_TTL
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Peer, Watch

MOST_PEERS = 16
"""Racks that are looked at for one place at a time; where there are more they take turns."""
TURN = 60.0
"""Seconds of a turn: several times of what two racks need to know all of each other."""

MEMBERS = """
with open as (
    select vlan.id, primary_rack from vlan join rack on rack.id = primary_rack
    where dhcp_on and ha_auto and secondary_rack is null and secondary_by = ''
    and deleted is null and lost is null
)
select distinct on (open.id, interface.rack_id) open.id as vlan_id, open.primary_rack,
    interface.rack_id, interface.name, host(address)::inet as address, hostname
from open join interface on interface.vlan_id = open.id
join interface_address on interface_id = interface.id
left join subnet on subnet.id = subnet_id
join rack on rack.id = interface.rack_id
where family(address) = 4 and deleted is null and lost is null
and (rack.id = open.primary_rack or not exists (select from drain where drain.rack_id = rack.id))
and exists (
    select from link join worker on worker.id = link.worker_id
    where link.rack_id = rack.id
    and heartbeat > clock_timestamp() - make_interval(secs => %s)
)
order by open.id, interface.rack_id,
    (subnet.vlan_id is distinct from open.id), subnet_id, interface.name, address
"""
"""Of several addresses the first counts, as for DHCP: one in the VLAN's oldest subnet."""


TURNS = "select floor(extract(epoch from clock_timestamp()) / %s)"
T = TypeVar("T")


@frozen
class Member:
    """A linked rack on a VLAN whose second place is free."""

    rack: RackKey
    interface: str
    peer: Peer


async def read_watches(
    tx: Transaction, key: Callable[[VlanId], str]
) -> Mapping[RackKey, tuple[Watch, ...]]:
    """Say for each rack what it is to watch; `key` gives the secret of a VLAN's watch."""
    watches: dict[RackKey, tuple[Watch, ...]] = {}
    rows = await tx.rows(MEMBERS, WORKER_TTL)
    turn = int((await tx.value(TURNS, TURN)) if rows else 0)
    for vlan, primary, members in _by_vlan(rows):
        for watch in _of_vlan(vlan, primary, members, key(vlan), turn):
            watches[watch.rack] = (*watches.get(watch.rack, ()), watch)
    return watches


def in_turn(everyone: Sequence[T], turn: int) -> Sequence[T]:
    """Give those whose turn it is; after as many turns as it takes each has had one."""
    if len(everyone) <= MOST_PEERS:
        return everyone
    start = turn * MOST_PEERS % len(everyone)
    return [*everyone[start:], *everyone[:start]][:MOST_PEERS]


def _by_vlan(rows: Sequence[Row]) -> Iterator[tuple[VlanId, RackKey, Sequence[Member]]]:
    vlans: dict[tuple[int, int], list[Member]] = {}
    for row in rows:
        rack = RackKey(row.rack_id)
        member = Member(rack, row.name, Peer(rack, row.address, row.hostname))
        vlans.setdefault((row.vlan_id, row.primary_rack), []).append(member)
    for (vlan, primary), members in vlans.items():
        yield VlanId(vlan), RackKey(primary), members


def _of_vlan(
    vlan: VlanId, primary: RackKey, members: Sequence[Member], key: str, turn: int
) -> Iterator[Watch]:
    """Have the primary and each of the others look at each other."""
    first = next((member for member in members if member.rack == primary), None)
    others = in_turn([member for member in members if member is not first], turn)
    if first is None or not others:
        return
    yield _watch(vlan, first, tuple(other.peer for other in others), key)
    for other in others:
        yield _watch(vlan, other, (first.peer,), key)


def _watch(vlan: VlanId, member: Member, peers: tuple[Peer, ...], key: str) -> Watch:
    return Watch(vlan, member.rack, member.interface, member.peer.address, peers, key)
