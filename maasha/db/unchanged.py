"""Takes in many racks' reports at once that say what is on record already."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.codec import to_json
from maasha.model.dhcp import OFF, DhcpReport
from maasha.model.stamp import Stamp

SAME = """
with said as (
    select * from unnest(%(racks)s::bigint[], %(incarnations)s::bigint[], %(counters)s::bigint[],
        %(serving)s::boolean[], %(digests)s::text[], %(problems)s::text[], %(stores)s::text[],
        %(generations)s::bigint[], %(generation_counters)s::bigint[], %(settle)s::boolean[],
        %(acts)s::bigint[], %(damaged)s::boolean[], %(hosts)s::text[])
        with ordinality said (key, incarnation, counter, serving, digest, problem, store,
        generation, generation_counter, settles, acts, damaged, hosts, place)
), part as (
    select * from unnest(%(part_places)s::bigint[], %(vlans)s::bigint[], %(running)s::jsonb[],
        %(states)s::text[], %(partners)s::text[]) part (place, vlan, running, state, partner)
), same as (
    select key, place from said join rack on rack.id = key
    where (owner_incarnation, owner_counter) = (incarnation, counter)
    and (rack.serving, rack.digest, rack.problem, rack.hosts)
        = (said.serving, said.digest, said.problem, said.hosts)
    and (rack.acts, rack.damaged) = (said.acts, said.damaged)
    and store in ('', lease_store) and not commanded
    and (generation, generation_counter) <= (wanted_incarnation, wanted_counter)
    and not exists (
        select from (select * from service where rack_id = key) known
        full join (select * from part where part.place = said.place) named on vlan = vlan_id
        where (known.running, known.state, known.partner) is distinct from (
            case when vlan is null then %(off)s::jsonb else named.running end,
            coalesce(named.state, 'unknown'), coalesce(named.partner, 'unknown'))
        or (settles and asked <> known.running)
    )
), free as (
    select id from rack where id in (select key from same)
    order by id for no key update skip locked
), heard as (
    update rack set last_seen = clock_timestamp() where id in (select id from free)
)
select place from same join free on id = key
"""
"""A row that somebody else holds is not waited for, so a lot is never part of a deadlock."""


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
    parts = [
        (place, service) for place, report in enumerate(reports, 1) for service in report.services
    ]
    values = {
        "racks": [word.rack for word in words],
        "incarnations": [word.epoch.incarnation for word in words],
        "counters": [word.epoch.counter for word in words],
        "serving": [report.serving for report in reports],
        "digests": [report.digest for report in reports],
        "problems": [report.problem for report in reports],
        "stores": [report.lease_store for report in reports],
        "generations": [report.generation.incarnation for report in reports],
        "generation_counters": [report.generation.counter for report in reports],
        "settle": [word.settles for word in words],
        "acts": [report.acts for report in reports],
        "damaged": [report.damaged for report in reports],
        "hosts": [report.hosts for report in reports],
        "part_places": [place for place, _ in parts],
        "vlans": [service.vlan for _, service in parts],
        "running": [to_json(service.role) for _, service in parts],
        "states": [service.state.value for _, service in parts],
        "partners": [service.partner.value for _, service in parts],
        "off": to_json(OFF),
    }
    same = {row.place for row in await tx.rows(SAME, values)}
    return tuple(place in same for place, _ in enumerate(words, 1))
