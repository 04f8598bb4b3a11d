"""Take-overs: a rack is away with its host off, and its peer serves their VLANs alone meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from maasha.db import services6
from maasha.db.channels import Channel, notify
from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.ownership import lock
from maasha.db.regions import WORKER_TTL
from maasha.db.transaction import Row, Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey, SystemId
from maasha.model.codec import to_json
from maasha.model.dhcp import OFF, PeerState
from maasha.model.network import VlanId

SHARED = """
select other.* from vlan join vlan other on other.dhcp_on
    and other.primary_rack in (vlan.primary_rack, vlan.secondary_rack)
    and other.secondary_rack in (vlan.primary_rack, vlan.secondary_rack)
where vlan.id = %s order by other.id for no key update of other
"""
"""All VLANs of the same two racks: one dhcpd serves them, and it is restarted for all."""
MEMBERS = """
select rack.id, hostname, system_id, exists (
        select from link join worker on worker.id = worker_id
        where link.rack_id = rack.id
        and heartbeat > clock_timestamp() - make_interval(secs => %(ttl)s)
    ) as linked,
    exists (select from drain where drain.rack_id = rack.id) as draining
from rack where id = any(%(racks)s)
"""
STATES = """
select vlan_id, state from service
where rack_id = %s and vlan_id = any(%s) and running ->> 'duty' <> 'solo' order by vlan_id
"""
KNOWN = "select vlan_id from takeover where rack_id = %s and vlan_id = any(%s)"
TAKE = "insert into takeover (vlan_id, rack_id, by) select unnest(%s::bigint[]), %s, %s"
STOPPED = """
update service set asked = %(off)s, running = %(off)s, state = 'unknown', partner = 'unknown',
    problem = '', changed = now(), since = now()
where rack_id = %(rack)s and vlan_id = any(%(vlans)s)
"""
RENAME = "update vlan set pairing = pairing + 1 where id = any(%s::bigint[])"
HOLD = """
select from vlan where id in (
    select vlan_id from takeover join rack on rack.id = rack_id where system_id = %s
) order by id for no key update
"""
BACK = "delete from takeover where rack_id = %s returning vlan_id"
RESUMED = """
update vlan set pairing = pairing + 1
where id = any(%s::bigint[]) and %s in (primary_rack, secondary_rack)
returning id, pairing, primary_rack, secondary_rack
"""

ALONE = (PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.PARTNER_DOWN)
"""Its dhcpd does not reach its peer's, and it has every lease but the peer's last two seconds'."""


@frozen
class NotTaken(DatabaseError):
    """Nobody takes over; `reason` says why, and what else can be done."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@frozen
class Taken:
    """The rack that serves alone now, in whose stead, and on which VLANs."""

    survivor: str
    away: str
    vlans: tuple[VlanId, ...]


async def take_over(
    tx: Transaction, who: str, vlan: VlanId, off: str = "", *, force: bool = False
) -> Taken:
    """Have the peer of the rack that is away serve alone, with all addresses of their VLANs.

    `who` vouches that the host of the rack that is away is off: two servers that both think they
    are alone give one address to two clients. `off` is that rack's name, if he says which one he
    means. `force`: the survivor may lack leases.
    Raises NotTaken. Asked for again it changes nothing. The VLANs and then the racks are held
    before it is read who is linked: a link is either seen here, or ends what is done here.
    """
    shared = await tx.rows(SHARED, vlan)
    if not any(row.id == vlan for row in shared):
        raise NotTaken("it has no pair of racks with DHCP on, so nobody can take over from a peer")
    keys = [shared[0].primary_rack, shared[0].secondary_rack]
    await lock(tx, [RackKey(key) for key in keys])
    rows = await tx.rows(MEMBERS, {"racks": keys, "ttl": WORKER_TTL})
    survivor, away = _told_apart(rows, off)
    vlans = [row.id for row in shared]
    known = {row.vlan_id for row in await tx.rows(KNOWN, away.id, vlans)}
    new = [key for key in vlans if key not in known]
    taken = Taken(survivor.hostname, away.hostname, tuple(map(VlanId, vlans)))
    if not new:
        return taken
    await _require_alone(tx, survivor, new, force=force)
    await tx.execute(TAKE, new, away.id, who)
    await tx.execute(STOPPED, {"rack": away.id, "vlans": new, "off": to_json(OFF)})
    await services6.confirm_stopped(tx, RackKey(away.id), new)
    await tx.execute(RENAME, new)
    for key in new:
        detail = f"{survivor.hostname} serves alone in the stead of {away.hostname}, which is off"
        await record(tx, who, f"vlan:{key}", "dhcp.takeover", "warning", detail)
    await raise_wanted(tx, [RackKey(key) for key in keys])
    await notify(tx, Channel.PLACEMENT)
    return taken


async def hold_taken(tx: Transaction, system_id: SystemId) -> None:
    """Hold the VLANs that were taken over from a rack, before anybody holds the rack itself."""
    await tx.execute(HOLD, system_id)


async def end_takeovers(tx: Transaction, who: str, rack: RackKey) -> None:
    """End them, for the rack is back: it learns its leases anew, in pairs with new names."""
    vlans = [row.vlan_id for row in await tx.rows(BACK, rack)]
    if not vlans:
        return
    members: set[RackKey] = set()
    for row in await tx.rows(RESUMED, vlans, rack):
        detail = f"the rack that was away is back: pairing {row.pairing}"
        await record(tx, who, f"vlan:{row.id}", "dhcp.takeover-ended", "info", detail)
        members |= {RackKey(row.primary_rack), RackKey(row.secondary_rack or row.primary_rack)}
    await raise_wanted(tx, members)


def _told_apart(rows: Sequence[Row], off: str) -> tuple[Row, Row]:
    """Give the rack that is there and the one that is away; `off` has to be that one's name."""
    linked = [row for row in rows if row.linked]
    if len(linked) == len(rows):
        names = " and ".join(row.hostname for row in rows)
        raise NotTaken(f"{names} are both linked: drain the one that is not to serve")
    if not linked:
        raise NotTaken("neither of its racks is linked to a region, so none can be told to")
    (survivor,) = linked
    if survivor.draining:
        raise NotTaken(f"{survivor.hostname} is being drained: undo that first")
    away = next(row for row in rows if not row.linked)
    if off not in ("", away.hostname, away.system_id):
        raise NotTaken(f"{off} is not the rack that is away: {away.hostname} is")
    return survivor, away


async def _require_alone(
    tx: Transaction, survivor: Row, vlans: Sequence[int], *, force: bool
) -> None:
    """Refuse while the survivor hears its peer, and where it may lack leases."""
    states = {
        row.vlan_id: PeerState(row.state) for row in await tx.rows(STATES, survivor.id, list(vlans))
    }
    if PeerState.NORMAL in states.values():
        raise NotTaken(
            f"the dhcpd of {survivor.hostname} is in contact with its peer's, so that host is not "
            "off; a peer that is silent is noticed within a minute"
        )
    unready = [
        f"{state.value} on VLAN {key}" for key, state in states.items() if state not in ALONE
    ]
    if unready and not force:
        raise NotTaken(
            f"{survivor.hostname} may not know every lease (it is {', '.join(unready)}), so "
            "addresses could get two holders; if nobody else can serve, say force=true"
        )
