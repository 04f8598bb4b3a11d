"""What racks are asked to serve of DHCPv6, what they say they run, and what nobody else may have.

The counterpart of `maasha.db.services`, with the same names; the epoch of an owner and the wanted
generation are the rack's own, whatever the family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maasha.db.channels import Channel, notify
from maasha.db.events import clear_alarm, raise_alarm
from maasha.db.locks import Lock, hold
from maasha.db.situations6 import AWAY, stretches
from maasha.db.snippets import leave_out
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import RackKey
from maasha.model.codec import from_loose, to_json
from maasha.model.dhcp import OFF, DhcpReport, VlanRole
from maasha.model.network import Stretch, VlanId
from maasha.model.options import SnippetId
from maasha.model.stamp import Stamp
from maasha.model.stretches import union, without

REFUSED = "dhcp6.refused"
UNSERVED = "dhcp6.unserved"

OWNED_AT = """
select * from rack where id = %s and (owner_incarnation, owner_counter) = (%s, %s) for update
"""
PRESENT = "insert into rack6 (rack_id) values (%s) on conflict do nothing"
ASK = """
insert into service6 (vlan_id, rack_id, asked, running)
select id, %(rack)s, %(asked)s, %(off)s from vlan where id = %(vlan)s
on conflict (vlan_id, rack_id) do update set asked = excluded.asked, changed = now()
"""
ASK_NO_MORE = "update service6 set asked = %s where rack_id = %s"
STOPPED = """
update service6 set asked = %(off)s, running = %(off)s, problem = ''
where rack_id = %(rack)s and (%(vlans)s::bigint[] is null or vlan_id = any(%(vlans)s::bigint[]))
"""
RUN = """
insert into service6 (vlan_id, rack_id, asked, running)
select id, %(rack)s, %(running)s, %(running)s from vlan where id = %(vlan)s
on conflict (vlan_id, rack_id) do update set running = excluded.running, changed = now()
"""
SETTLE = "update service6 set asked = running where rack_id = %s and asked <> running"
HOLDINGS = """
select service6.*, lease_time, coalesce((select incarnation from instance), 0) as current
from service6 join vlan on vlan.id = vlan_id where rack_id = %s order by vlan_id
"""
HOLD = """
update service6 set held = %(held)s, longest = %(longest)s, incarnation = %(incarnation)s
where vlan_id = %(vlan)s and rack_id = %(rack)s
"""
LAPSE = """
insert into lapse6 (vlan_id, rack_id, start_ip, end_ip, until)
values (%s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))
"""
LAPSED = "delete from lapse6 where rack_id = %s and until < clock_timestamp()"
REPORT = """
update rack6 set serving = %(serving)s, digest = %(digest)s, problem = %(problem)s
where rack_id = %(rack)s
and (serving, digest, problem) is distinct from (%(serving)s, %(digest)s, %(problem)s)
"""
HEARD = "update rack set last_seen = clock_timestamp() where id = %s"
RUNNING = """
update rack6 set running_incarnation = %s, running_counter = %s,
    failed_incarnation = 0, failed_counter = 0, refusal = ''
where rack_id = %s
"""
FAILED = """
update rack6 set failed_incarnation = %s, failed_counter = %s, refusal = %s where rack_id = %s
"""
JUDGED = "update rack6 set judged_incarnation = %s, judged_counter = %s where rack_id = %s"
NO_PROBLEM = """
update service6 set problem = ''
where rack_id = %(rack)s and vlan_id <> all(%(vlans)s::bigint[]) and problem <> ''
returning vlan_id
"""
PROBLEM = """
insert into service6 (vlan_id, rack_id, asked, running, problem)
select id, %(rack)s, %(off)s, %(off)s, %(problem)s from vlan where id = %(vlan)s
on conflict (vlan_id, rack_id) do update set problem = excluded.problem
"""
FIRST_PROBLEM = """
select hostname, service6.problem from service6 join rack on rack.id = rack_id
where vlan_id = %s and service6.problem <> '' order by hostname limit 1
"""
COMPANY = """
select distinct member from vlan
cross join lateral (
    select primary_rack union select secondary_rack
    union select rack_id from service6 where vlan_id = vlan.id
) members (member)
where member is not null and exists (
    select from service6 where vlan_id = vlan.id and rack_id = %(rack)s)
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
    asked = {one.vlan: to_json(one.role) for one in roles}
    for row in await tx.rows("select vlan_id from service6 where rack_id = %s", rack):
        asked.setdefault(VlanId(row.vlan_id), off)
    for vlan, role in asked.items():
        await tx.execute(ASK, {"rack": rack, "vlan": vlan, "asked": role, "off": off})
    await _hold(tx, rack)
    await _wake(tx, rack)
    return True


async def record_report(
    tx: Transaction, rack: RackKey, epoch: Stamp, report: DhcpReport, *, settles: bool
) -> bool:
    """Write what the rack's DHCPv6 server does; False: the ownership is no longer of this epoch.

    `settles` as in `services.record_report`. A VLAN that it does not name is off there.
    """
    if await _owned_at(tx, rack, epoch) is None:
        return False
    running = {one.vlan: to_json(one.role) for one in report.services}
    before = await tx.rows("select vlan_id, running from service6 where rack_id = %s", rack)
    for row in before:
        running.setdefault(VlanId(row.vlan_id), to_json(OFF))
    known = {VlanId(row.vlan_id): stretches(row.running) for row in before}
    told = {one.vlan: one.role.stretches for one in report.services}
    for vlan, role in running.items():
        if known.get(vlan) != told.get(vlan, ()):
            await tx.execute(RUN, {"rack": rack, "vlan": vlan, "running": role})
    settled = await tx.execute(SETTLE, rack) if settles else 0
    await _hold(tx, rack, heard=True)
    values = {
        "rack": rack,
        "serving": report.serving,
        "digest": report.digest,
        "problem": report.problem,
    }
    await tx.execute(HEARD, rack)
    if (
        await tx.execute(REPORT, values)
        or settled
        or any(known.get(vlan, ()) != told.get(vlan, ()) for vlan in running)
    ):
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

    As `services.record_refusal`, and it says nothing of the rack's DHCPv4.
    """
    row = await _owned_at(tx, rack, epoch)
    if row is None:
        return False
    await tx.execute(FAILED, generation.incarnation, generation.counter, listing, rack)
    await tx.execute(SETTLE, rack)
    await _hold(tx, rack, heard=True)
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
        await _judge_problems(tx, row, vlan)
    await _wake(tx, rack)
    return True


async def mark_running(
    tx: Transaction,
    rack: RackKey,
    epoch: Stamp,
    generation: Stamp,
    _hosts: str = "",
) -> bool:
    """Write that the rack runs all that it can of a generation; False as above.

    No hosts of DHCPv6 have addresses of their own.
    """
    row = await _owned_at(tx, rack, epoch)
    if row is None:
        return False
    await tx.execute(RUNNING, generation.incarnation, generation.counter, rack)
    subject = f"rack:{row.system_id}"
    await clear_alarm(tx, subject, subject, REFUSED, f"{generation} runs")
    await _wake(tx, rack)
    return True


async def note_away(tx: Transaction, rack: RackKey, away: Mapping[VlanId, str]) -> None:
    """Open and clear alarms by VLANs: whose half nobody hands out; empty: nobody's."""
    for vlan, text in away.items():
        subject, who = f"vlan:{vlan}", f"rack:{rack}"
        if text:
            await raise_alarm(tx, who, subject, AWAY, text)
        else:
            await clear_alarm(tx, who, subject, AWAY)


async def ask_to_stop(tx: Transaction, rack: RackKey) -> None:
    """Write that a rack is to serve nothing any more; until it is confirmed nobody succeeds it."""
    if await tx.execute(ASK_NO_MORE, to_json(OFF), rack):
        await _hold(tx, rack)
        await _wake(tx, rack)


async def confirm_stopped(
    tx: Transaction, rack: RackKey, vlans: Sequence[int] | None = None
) -> None:
    """Write that a rack serves nothing (of some VLANs): it said so, or a person vouches for it."""
    if await tx.execute(STOPPED, {"off": to_json(OFF), "rack": rack, "vlans": vlans}):
        await _hold(tx, rack, heard=True)
        await _wake(tx, rack)


async def _owned_at(tx: Transaction, rack: RackKey, epoch: Stamp) -> Row | None:
    row = await tx.one(OWNED_AT, rack, epoch.incarnation, epoch.counter)
    if row is not None:
        await tx.execute(PRESENT, rack)
    return row


async def _hold(tx: Transaction, rack: RackKey, *, heard: bool = False) -> None:
    """Bring what the rack holds in step with what it was asked and runs; the rest lapses.

    While the two differ it holds also what it held before. `heard`: it just said what it runs, or
    somebody vouched for it.
    """
    await tx.execute(LAPSED, rack)
    for row in await tx.rows(HOLDINGS, rack):
        before = from_loose(tuple[Stretch, ...], row.held)
        asked, running = stretches(row.asked), stretches(row.running)
        held = union(asked, running)
        if asked != running:
            held = union(held, before)
        longest = max(row.longest, row.lease_time) if held else 0
        for gone in without(before, held):
            seconds = max(row.longest, row.lease_time)
            await tx.execute(LAPSE, row.vlan_id, rack, gone.start, gone.end, seconds)
        incarnation = row.current if heard else row.incarnation
        if (held, longest, incarnation) != (before, row.longest, row.incarnation):
            values = {
                "held": to_json(held),
                "longest": longest,
                "incarnation": incarnation,
                "vlan": row.vlan_id,
                "rack": rack,
            }
            await tx.execute(HOLD, values)


async def _judge_problems(tx: Transaction, rack: Row, vlan: VlanId) -> None:
    """Open or clear the VLAN's alarm by whether any of its racks cannot serve it."""
    subject, who = f"vlan:{vlan}", f"rack:{rack.system_id}"
    await hold(tx, Lock.ALARM, f"{subject} {UNSERVED}")
    found = await tx.one(FIRST_PROBLEM, vlan)
    if found is None:
        await clear_alarm(tx, who, subject, UNSERVED)
    else:
        await raise_alarm(tx, who, subject, UNSERVED, f"{found.hostname}: {found.problem}")


async def _wake(tx: Transaction, rack: RackKey) -> None:
    """Wake whoever acts for the rack, and for those that share a VLAN with it."""
    for row in await tx.rows(COMPANY, {"rack": rack}):
        await notify(tx, Channel.DHCP, row.member)
