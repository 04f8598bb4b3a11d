"""What racks are asked to serve, what they say they run, and what their dhcpd refused."""

from __future__ import annotations

from collections.abc import Mapping

from maasha.db import services6
from maasha.db.acts import note_orders
from maasha.db.alarms import judge_peers, judge_problems, note_state
from maasha.db.channels import Channel, notify
from maasha.db.events import clear_alarm, raise_alarm
from maasha.db.instance import raise_incarnation
from maasha.db.pairings import note_lease_store
from maasha.db.snippets import leave_out
from maasha.db.transaction import Row, Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey
from maasha.model.codec import from_loose, to_json
from maasha.model.dhcp import OFF, DhcpReport, PeerState, Role, VlanRole, VlanService
from maasha.model.network import VlanId
from maasha.model.options import SnippetId
from maasha.model.stamp import Stamp

__all__ = [
    "ask_to_stop",
    "confirm_stopped",
    "mark_running",
    "raise_wanted",
    "record_asked",
    "record_problems",
    "record_refusal",
    "record_report",
]

REFUSED = "dhcp.refused"

OWNED_AT = """
select * from rack where id = %s and (owner_incarnation, owner_counter) = (%s, %s) for update
"""
ASK = """
insert into service (vlan_id, rack_id, asked, running)
select id, %(rack)s, %(asked)s, %(off)s from vlan where id = %(vlan)s
on conflict (vlan_id, rack_id) do update set asked = excluded.asked, changed = now()
"""
ASK_NO_MORE = """
update service set asked = %(off)s, changed = now()
where rack_id = %(rack)s and vlan_id <> all(%(vlans)s::bigint[])
"""
STOPPED = """
update service set asked = %(off)s, running = %(off)s, state = 'unknown', partner = 'unknown',
    problem = '', changed = now(), since = now(), vouched_off = false
where rack_id = %(rack)s
"""
FORGET_ORDERS = "update rack set orders = '[]', acts = -1, resume_upto = 0 where id = %s"
"""Less than any number that the rack may come back with, so that it is news."""
RUN = """
insert into service (vlan_id, rack_id, asked, running, state, partner)
select id, %(rack)s, %(running)s, %(running)s, %(state)s, %(partner)s from vlan
where id = %(vlan)s
on conflict (vlan_id, rack_id) do update set running = excluded.running, state = excluded.state,
    partner = excluded.partner, changed = now(),
    since = case when service.state = excluded.state then service.since else now() end,
    vouched_off = service.vouched_off and excluded.running <> %(off)s::jsonb
"""
COMMAND = "update rack set commanded = true where id = %s"
SETTLE = "update service set asked = running where rack_id = %s and asked <> running"
REPORT = """
update rack set serving = %(serving)s, digest = %(digest)s, last_seen = clock_timestamp(),
    commanded = commanded and not %(settles)s, problem = %(problem)s, hosts = %(hosts)s
where id = %(rack)s
"""
RUNNING = """
update rack set running_incarnation = %s, running_counter = %s,
    failed_incarnation = 0, failed_counter = 0, refusal = '', running_hosts = %s
where id = %s
"""
FAILED = """
update rack set failed_incarnation = %s, failed_counter = %s, refusal = %s, commanded = false
where id = %s
"""
JUDGED = "update rack set judged_incarnation = %s, judged_counter = %s where id = %s"
NO_PROBLEM = """
update service set problem = ''
where rack_id = %(rack)s and vlan_id <> all(%(vlans)s::bigint[]) and problem <> ''
returning vlan_id
"""
PROBLEM = """
insert into service (vlan_id, rack_id, asked, running, problem)
select id, %(rack)s, %(off)s, %(off)s, %(problem)s from vlan where id = %(vlan)s
on conflict (vlan_id, rack_id) do update set problem = excluded.problem
"""
COMPANY = """
select distinct member from vlan
cross join lateral (
    select primary_rack union select secondary_rack
    union select rack_id from service where vlan_id = vlan.id
) members (member)
where member is not null and (%(rack)s in (primary_rack, secondary_rack)
    or exists (select from service where vlan_id = vlan.id and rack_id = %(rack)s))
union select %(rack)s
"""


async def record_asked(
    tx: Transaction, rack: RackKey, epoch: Stamp, roles: tuple[VlanRole, ...]
) -> bool:
    """Write what the rack is about to be told, VLANs not named being off; before it is told.

    False, and nothing is written: the rack's ownership is no longer of this epoch.
    """
    if await _owned_at(tx, rack, epoch) is None:
        return False
    off = to_json(OFF)
    for one in roles:
        asked = to_json(one.role)
        await tx.execute(ASK, {"rack": rack, "vlan": one.vlan, "asked": asked, "off": off})
    vlans = [one.vlan for one in roles]
    await tx.execute(ASK_NO_MORE, {"rack": rack, "vlans": vlans, "off": off})
    await tx.execute(COMMAND, rack)
    await _wake(tx, rack)
    return True


async def record_report(
    tx: Transaction, rack: RackKey, epoch: Stamp, report: DhcpReport, *, settles: bool
) -> bool:
    """Write what the rack's dhcpd does; False: the ownership is no longer of this epoch.

    `settles` says that the report answers the last that the rack was told: then what it runs is
    also all that it was asked. What it says by itself settles nothing, for a command may have been
    recorded since; but with news of an act on the spot it does, for the rack refuses what was
    decided without knowing of that. A VLAN that it does not name is off there.
    """
    row = await _owned_at(tx, rack, epoch)
    if row is None:
        return False
    settles = settles or report.acts > row.acts
    before = await _services(tx, rack)
    after = _reported(before, report)
    for vlan, service in after.items():
        if before.get(vlan) != service:
            await _store(tx, rack, service)
            await note_state(tx, row, before.get(vlan), service)
    for vlan in sorted(after):
        await judge_peers(tx, row, vlan)
    settled = await tx.execute(SETTLE, rack) if settles else 0
    ordered = await note_orders(tx, row, report, before, after)
    await note_lease_store(tx, rack, report.lease_store)
    await _outdate_unknown(tx, row, report.generation)
    news = await _report(tx, row, report, settles=settles)
    if news or ordered or before != after or settled:
        await _wake(tx, rack)
    return True


async def record_refusal(
    tx: Transaction,
    rack: RackKey,
    epoch: Stamp,
    generation: Stamp,
    listing: str,
    blamed: SnippetId | None = None,
) -> bool:
    """Write that the rack's dhcpd refused a generation; it runs on what it ran before.

    Where a snippet is to blame that has not changed since, racks do without it from now on. False,
    and nothing is written: the rack's ownership is no longer of this epoch.
    """
    row = await _owned_at(tx, rack, epoch)
    if row is None:
        return False
    await tx.execute(FAILED, generation.incarnation, generation.counter, listing, rack)
    await tx.execute(SETTLE, rack)
    subject = f"rack:{row.system_id}"
    if blamed is not None and generation == Stamp(row.wanted_incarnation, row.wanted_counter):
        await leave_out(tx, blamed, subject, listing)
    else:
        await raise_alarm(tx, subject, subject, REFUSED, f"generation {generation}: {listing}")
    await _wake(tx, rack)
    return True


async def record_problems(
    tx: Transaction,
    rack: RackKey,
    epoch: Stamp,
    generation: Stamp,
    problems: Mapping[VlanId, str],
) -> bool:
    """Write why the rack cannot serve these VLANs of a generation; the others it can.

    False, and nothing is written: the rack's ownership is no longer of this epoch.
    """
    row = await _owned_at(tx, rack, epoch)
    if row is None:
        return False
    await tx.execute(JUDGED, generation.incarnation, generation.counter, rack)
    over = await tx.rows(NO_PROBLEM, {"rack": rack, "vlans": list(problems)})
    for vlan, problem in problems.items():
        values = {"rack": rack, "vlan": vlan, "problem": problem, "off": to_json(OFF)}
        await tx.execute(PROBLEM, values)
    for vlan in sorted({*problems, *(VlanId(service.vlan_id) for service in over)}):
        await judge_problems(tx, row, vlan)
    await _wake(tx, rack)
    return True


async def mark_running(
    tx: Transaction, rack: RackKey, epoch: Stamp, generation: Stamp, hosts: str = ""
) -> bool:
    """Write that the rack runs all that it can of a generation; False as above.

    `hosts` is the fingerprint of the hosts that are part of it.
    """
    row = await _owned_at(tx, rack, epoch)
    if row is None:
        return False
    await tx.execute(RUNNING, generation.incarnation, generation.counter, hosts, rack)
    subject = f"rack:{row.system_id}"
    await clear_alarm(tx, subject, subject, REFUSED, f"{generation} runs")
    await _wake(tx, rack)
    return True


async def ask_to_stop(tx: Transaction, rack: RackKey) -> None:
    """Write that a rack is to serve nothing any more; until it is confirmed nobody succeeds it."""
    await tx.execute(ASK_NO_MORE, {"rack": rack, "vlans": [], "off": to_json(OFF)})
    await services6.ask_to_stop(tx, rack)
    await _wake(tx, rack)


async def confirm_stopped(tx: Transaction, rack: RackKey) -> None:
    """Write that a rack serves nothing: it said so, or the operator vouches for it."""
    await tx.execute(STOPPED, {"rack": rack, "off": to_json(OFF)})
    await services6.confirm_stopped(tx, rack)
    await tx.execute(FORGET_ORDERS, rack)
    await _wake(tx, rack)


async def _owned_at(tx: Transaction, rack: RackKey, epoch: Stamp) -> Row | None:
    return await tx.one(OWNED_AT, rack, epoch.incarnation, epoch.counter)


async def _services(tx: Transaction, rack: RackKey) -> dict[VlanId, VlanService]:
    rows = await tx.rows("select * from service where rack_id = %s", rack)
    return {
        VlanId(row.vlan_id): VlanService(
            VlanId(row.vlan_id),
            from_loose(Role, row.running),
            PeerState(row.state),
            PeerState(row.partner),
        )
        for row in rows
    }


def _reported(before: dict[VlanId, VlanService], report: DhcpReport) -> dict[VlanId, VlanService]:
    """Give every VLAN that was or is on record as the report has it."""
    silent = {vlan: VlanService(vlan, OFF) for vlan in before}
    return silent | {service.vlan: service for service in report.services}


async def _store(tx: Transaction, rack: RackKey, service: VlanService) -> None:
    await tx.execute(
        RUN,
        {
            "rack": rack,
            "vlan": service.vlan,
            "running": to_json(service.role),
            "state": service.state.value,
            "partner": service.partner.value,
            "off": to_json(OFF),
        },
    )


async def _report(tx: Transaction, row: Row, report: DhcpReport, *, settles: bool) -> bool:
    """Write the rack's own part; whether it is news."""
    values = {
        "rack": row.id,
        "serving": report.serving,
        "digest": report.digest,
        "problem": report.problem,
        "hosts": report.hosts,
        "settles": settles,
    }
    await tx.execute(REPORT, values)
    known = (row.serving, row.digest, row.problem, row.hosts, row.commanded and settles)
    return known != (report.serving, report.digest, report.problem, report.hosts, False)


async def _outdate_unknown(tx: Transaction, row: Row, generation: Stamp) -> None:
    """Raise the incarnation if the rack runs a generation that this database never gave out."""
    if generation > Stamp(row.wanted_incarnation, row.wanted_counter):
        why = f"rack {row.hostname} runs {generation}, which the database has not given out"
        await raise_incarnation(tx, generation.incarnation + 1, why)


async def _wake(tx: Transaction, rack: RackKey) -> None:
    """Wake whoever acts for the rack, and for those that share a VLAN with it."""
    for row in await tx.rows(COMPANY, {"rack": rack}):
        await notify(tx, Channel.DHCP, row.member)
