"""Takes in many racks' reports at once that say what is on record already."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.codec import to_json
from maasha.model.dhcp import DhcpReport
from maasha.model.stamp import Stamp

SAME = """
with said as (
    select * from unnest(%(racks)s::bigint[], %(incarnations)s::bigint[], %(counters)s::bigint[],
        %(serving)s::boolean[], %(digests)s::text[], %(problems)s::text[], %(stores)s::text[],
        %(generations)s::bigint[], %(numbers)s::bigint[], %(settle)s::boolean[])
        said (key, incarnation, counter, serving, digest, problem, store, generation, number,
        settles)
), part as (
    select * from unnest(%(part_racks)s::bigint[], %(vlans)s::bigint[], %(runnings)s::jsonb[],
        %(states)s::text[], %(partners)s::text[]) part (key, vlan, running, state, partner)
), same as (
    select said.key from said join rack on rack.id = said.key
    where (owner_incarnation, owner_counter) = (incarnation, counter)
    and (rack.serving, rack.digest, rack.problem) = (said.serving, said.digest, said.problem)
    and store in ('', lease_store) and not commanded
    and (generation, number) <= (wanted_incarnation, wanted_counter)
    and not exists (
        select from (select * from service where rack_id = rack.id) known
        full join (select * from part where part.key = rack.id) part on vlan = vlan_id
        where (part.running, part.state, part.partner, true)
            is distinct from (known.running, known.state, known.partner, vlan is not null)
        or (settles and asked <> known.running)
    )
)
update rack set last_seen = clock_timestamp() from same where rack.id = same.key returning rack.id
"""


@frozen(eq=False)
class Word:
    """What a rack says under an owner's epoch; `settles` as in `services.record_report`."""

    rack: RackKey
    epoch: Stamp
    report: DhcpReport
    settles: bool


async def note_unchanged(tx: Transaction, words: Sequence[Word]) -> tuple[bool, ...]:
    """Note that racks were heard that have no news; False: `services.record_report` has to judge.

    News are everything that it would write but the time, a VLAN too that a rack does not name.
    """
    reports = [word.report for word in words]
    parts = [(word.rack, service) for word in words for service in word.report.services]
    values = {
        "racks": [word.rack for word in words],
        "incarnations": [word.epoch.incarnation for word in words],
        "counters": [word.epoch.counter for word in words],
        "serving": [report.serving for report in reports],
        "digests": [report.digest for report in reports],
        "problems": [report.problem for report in reports],
        "stores": [report.lease_store for report in reports],
        "generations": [report.generation.incarnation for report in reports],
        "numbers": [report.generation.counter for report in reports],
        "settle": [word.settles for word in words],
        "part_racks": [rack for rack, _ in parts],
        "vlans": [service.vlan for _, service in parts],
        "runnings": [to_json(service.role) for _, service in parts],
        "states": [service.state.value for _, service in parts],
        "partners": [service.partner.value for _, service in parts],
    }
    same = {row.id for row in await tx.rows(SAME, values)}
    return tuple(word.rack in same for word in words)
