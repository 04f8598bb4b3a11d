"""Takes in many racks at once that come back as they were: a few statements for all of them.

After a region's restart all of its racks register within seconds, and for nearly each of them the
only news is the link itself. What is anything else than that is left to `racks.register_link`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.interfaces import SCOPE
from maasha.db.ownership import epoch_of, owner_of
from maasha.db.racks import Registered, require_worker
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import Introduction, LinkId, RackKey, SystemId, WorkerId
from maasha.model.network import Interface
from maasha.model.stamp import Stamp

ON_RECORD = """
select id, system_id, hostname, lease_store, owner_incarnation, owner_counter,
    wanted_incarnation, wanted_counter
from rack where system_id = any(%s) and deleted is null and lost is null
order by id for no key update skip locked
"""
"""A row that somebody else holds is not waited for, so a batch is never part of a deadlock."""
REPLACED = "select rack_id from takeover where rack_id = any(%s)"
"""A statement of its own, once the racks are held: nobody takes over from them any more."""
INTERFACES = """
select rack_id, name, mac, mtu, vid, parent, array(
    select address::text from interface_address where interface_id = interface.id
) as addresses from interface where rack_id = any(%s)
"""
LINK = """
with come as (
    select * from unnest(%(racks)s::bigint[], %(versions)s::text[], %(urls)s::text[],
        %(remotes)s::text[]) come (key, version, url, remote)
), judged as (
    select come.*, owner is distinct from %(worker)s and not exists (
        select from link where rack_id = rack.id and worker_id = rack.owner
    ) as vacant
    from come join rack on rack.id = key
), taken as (
    update rack set version = judged.version, url = judged.url, last_seen = clock_timestamp(),
        owner = case when vacant then %(worker)s else owner end,
        owner_incarnation = case when vacant
            then coalesce((select incarnation from instance), 1) else owner_incarnation end,
        owner_counter = owner_counter + vacant::integer
    from judged where rack.id = key returning rack.id, system_id,
        owner, owner_incarnation, owner_counter
), linked as (
    insert into link (rack_id, worker_id, remote) select key, %(worker)s, remote from come
    returning id as link, rack_id
)
select * from linked join taken on taken.id = rack_id
"""
"""The racks are locked by a statement of its own before: what this one sees of the links is newer
than whatever that one had to wait for (see `ownership.claim`)."""


@frozen(eq=False)
class Arrival:
    """What a rack that is not new here says of itself, and its address and port."""

    introduction: Introduction
    remote: str


Shape = frozenset[tuple[object, ...]]
"""Interfaces to be compared: name, MAC, MTU, VID, parent and the addresses as a set of texts."""


async def register_returning(
    tx: Transaction, arrivals: Sequence[Arrival], worker: WorkerId
) -> tuple[Registered | None, ...]:
    """Register the links to `worker` of those that are on record just as they introduce themselves.

    None, and nothing is written of it: a rack that is anything else (unknown, deleted, declared
    lost, taken over from, renamed, with other interfaces or another leases file, ahead of the
    database), that somebody else holds at this moment, or that comes twice. Raises WorkerGone.
    """
    await require_worker(tx, worker)
    first = {arrival.introduction.system_id: arrival for arrival in reversed(arrivals)}
    rows = await tx.rows(ON_RECORD, [name for name in first if name is not None])
    replaced = {row.rack_id for row in await tx.rows(REPLACED, [row.id for row in rows])}
    shapes = await _shapes(tx, rows)
    plain = {
        RackKey(row.id): first[row.system_id]
        for row in rows
        if row.id not in replaced
        and _unchanged(row, shapes[row.id], first[row.system_id].introduction)
    }
    made = await _link(tx, plain, worker) if plain else {}
    return tuple(made.get(arrival) for arrival in arrivals)


def _unchanged(row: Row, shape: Shape, introduction: Introduction) -> bool:
    """Whether there is nothing to write of a rack but its link."""
    return (
        row.hostname == introduction.hostname
        and introduction.lease_store in ("", row.lease_store)
        and introduction.epoch <= epoch_of(row)
        and introduction.generation <= Stamp(row.wanted_incarnation, row.wanted_counter)
        and shape == shape_of(introduction.interfaces)
    )


def shape_of(interfaces: Iterable[Interface]) -> Shape:
    """Give what the database would give back of these interfaces."""
    return frozenset(
        (one.name, one.mac, one.mtu, one.vid, one.parent, frozenset(map(_text, one.addresses)))
        for one in interfaces
    )


def _text(address: IPv4Interface | IPv6Interface) -> str:
    """Write an address as PostgreSQL's inet does; it has no place for a zone (RFC 4007)."""
    text = address.with_prefixlen
    return SCOPE.sub("", text) if "%" in text else text


async def _shapes(tx: Transaction, racks: Sequence[Row]) -> Mapping[int, Shape]:
    """Read the racks' interfaces."""
    rows = await tx.rows(INTERFACES, [row.id for row in racks])
    found: dict[int, set[tuple[object, ...]]] = {row.id: set() for row in racks}
    for rack, *columns, addresses in rows:
        found[rack].add((*columns, frozenset(addresses)))
    return {rack: frozenset(shape) for rack, shape in found.items()}


async def _link(
    tx: Transaction, plain: Mapping[RackKey, Arrival], worker: WorkerId
) -> dict[Arrival, Registered]:
    """Write the links of racks that the transaction holds; own those that nobody can act for."""
    said = [arrival.introduction for arrival in plain.values()]
    values = {
        "worker": worker,
        "racks": list(plain),
        "versions": [each.version for each in said],
        "urls": [each.url for each in said],
        "remotes": [arrival.remote for arrival in plain.values()],
    }
    rows = await tx.rows(LINK, values)
    await notify(tx, Channel.RACKS)
    return {plain[RackKey(row.id)]: _registered(row, worker) for row in rows}


def _registered(row: Row, worker: WorkerId) -> Registered:
    rack, link = RackKey(row.id), LinkId(row.link)
    return Registered(rack, SystemId(row.system_id), link, worker, owner_of(row))
