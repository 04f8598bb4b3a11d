"""What people order racks on their own hosts: taken from reports, told in the history, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maasha.db.channels import Channel, notify
from maasha.db.events import clear_alarm, raise_alarm, record
from maasha.db.transaction import Row, Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey, SystemId
from maasha.model.codec import to_json
from maasha.model.dhcp import OFF, SOLO, DhcpReport, Duty, VlanService
from maasha.model.network import VlanId
from maasha.model.orders import Act, Order, OrderKind

BY_HAND = "dhcp.by-hand"
DAMAGED = "dhcp.plan-damaged"
ACT = "dhcp.act"
END_IT = (
    "; `maasha-rack dhcp resume` there or `maasha PROFILE rack-controller resume-dhcp {}` ends it"
)

KNOW = """
update rack set acts = %(acts)s, orders = %(orders)s, damaged = %(damaged)s,
    resume_upto = case when %(acts)s < acts then 0 else resume_upto end
where id = %(rack)s
"""
VOUCH = """
update service set vouched_off = rack_id <> %(rack)s
where vlan_id = %(vlan)s
"""
RENAME = """
update vlan set pairing = pairing + 1 where id = %s
returning id, pairing, primary_rack, secondary_rack
"""
TAKE = """
insert into act (id, rack_id, number, at, who, what, result)
values (%(id)s, %(rack)s, %(number)s, %(at)s, %(who)s, %(what)s, %(result)s)
on conflict (id) do nothing
"""
END = """
update rack set resume_upto = acts, resume_by = %(who)s
where system_id = %(rack)s and deleted is null and jsonb_array_length(orders) > 0
returning id, system_id
"""


async def note_orders(
    tx: Transaction,
    rack: Row,
    report: DhcpReport,
    before: Mapping[VlanId, VlanService],
    after: Mapping[VlanId, VlanService],
) -> bool:
    """Write the orders of a rack and their consequences; False: there is no news of any.

    A pair that the rack left by itself never comes back under its name: what its members know of
    each other is old from then on.
    """
    known = (rack.acts, rack.damaged)
    if known == (report.acts, report.damaged):
        return False
    values = {"acts": report.acts, "damaged": report.damaged, "rack": rack.id}
    await tx.execute(KNOW, {**values, "orders": to_json(report.orders)})
    who = f"rack:{rack.system_id}"
    if report.orders:
        told = "; ".join(f"{order}, by {order.by}" for order in report.orders)
        await raise_alarm(tx, who, who, BY_HAND, told + END_IT.format(rack.system_id))
    else:
        await clear_alarm(tx, who, who, BY_HAND)
    await _judge_damage(tx, rack, report)
    if rack.acts != report.acts:
        await _part_pairs(tx, rack, report.orders, before, after)
    return True


async def _judge_damage(tx: Transaction, rack: Row, report: DhcpReport) -> None:
    who = f"rack:{rack.system_id}"
    if report.damaged:
        detail = f"{rack.hostname}: the last good plan on its disk cannot be read; check the disk"
        await raise_alarm(tx, who, who, DAMAGED, detail)
    else:
        await clear_alarm(tx, who, who, DAMAGED)


async def _part_pairs(
    tx: Transaction,
    rack: Row,
    orders: Sequence[Order],
    before: Mapping[VlanId, VlanService],
    after: Mapping[VlanId, VlanService],
) -> None:
    """Give a new name to each pair that a rack left for being off or alone.

    Where it serves alone, a person vouched that the others are off: this is written down.
    """
    who = f"rack:{rack.system_id}"
    racks: set[RackKey] = set()
    for vlan, service in sorted(after.items()):
        was = before[vlan].role if vlan in before else OFF
        new = any(
            each.kind is OrderKind.SOLO and each.covers(vlan) and each.number > rack.acts
            for each in orders
        )
        if service.role == SOLO and (new or was != SOLO):
            await tx.execute(VOUCH, {"vlan": vlan, "rack": rack.id})
        if was.paired and service.role.duty in (Duty.OFF, Duty.SOLO):
            row = await tx.one(RENAME, vlan)
            if row is None:
                continue
            detail = f"a rack is {service.role.duty.value} by order: pairing {row.pairing}"
            await record(tx, who, f"vlan:{vlan}", "dhcp.pairing", "warning", detail)
            places = (row.primary_rack, row.secondary_rack)
            racks |= {RackKey(key) for key in places if key is not None}
    await raise_wanted(tx, racks)


async def take_acts(tx: Transaction, rack: RackKey, acts: Sequence[Act]) -> int:
    """Write acts into the history, each once, however often it is told; gives how many were new."""
    system_id = await tx.value("select system_id from rack where id = %s", rack)
    new = 0
    for act in acts:
        values = {
            "id": act.id,
            "rack": rack,
            "number": act.number,
            "at": act.at,
            "who": act.who,
            "what": act.what,
            "result": act.result,
        }
        if await tx.execute(TAKE, values):
            new += 1
            detail = f"{act.what}, at {act.at.isoformat(timespec='seconds')}: {act.result}"
            who = f"rack:{system_id} {act.who}"
            await record(tx, who, f"rack:{system_id}", ACT, "info", detail)
    return new


async def end_orders(tx: Transaction, who: str, rack: SystemId) -> bool:
    """Have a rack end the orders that it told of; False: it told of none, or is unknown."""
    row = await tx.one(END, {"who": who, "rack": rack})
    if row is None:
        return False
    await record(tx, who, f"rack:{row.system_id}", "dhcp.resume", "info", "orders on the spot end")
    await notify(tx, Channel.DHCP, row.id)
    return True
