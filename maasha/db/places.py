"""Gives VLANs' places to others, many at once: each by swap, all in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from maasha.db.events import record_all
from maasha.db.transaction import Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.roles import VlanRoles

LOCK = "select from vlan where id = any(%s::bigint[]) order by id for no key update"
"""A statement of its own: the swap then sees whatever it had to wait for."""
SWAP = """
update vlan set primary_rack = wanted.primary, primary_by = wanted.primary_by,
    secondary_rack = wanted.secondary, secondary_by = wanted.secondary_by, pairing = pairing + 1
from unnest(%(vlans)s::bigint[], %(primaries)s::bigint[], %(primaries_by)s::text[],
        %(secondaries)s::bigint[], %(secondaries_by)s::text[])
    wanted (vlan, "primary", primary_by, secondary, secondary_by),
    unnest(%(vlans)s::bigint[], %(were_primaries)s::bigint[], %(were_primaries_by)s::text[],
        %(were_secondaries)s::bigint[], %(were_secondaries_by)s::text[])
    was (vlan, "primary", primary_by, secondary, secondary_by)
where vlan.id = wanted.vlan and vlan.id = was.vlan and dhcp_on and ha_auto
and (primary_rack, vlan.primary_by, secondary_rack, vlan.secondary_by) is not distinct from
    (was.primary, was.primary_by, was.secondary, was.secondary_by)
returning vlan.id
"""


@frozen
class Change:
    """What becomes of one VLAN's places, and why, for people."""

    before: VlanRoles
    after: VlanRoles
    why: str


async def change_places(tx: Transaction, who: str, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Give places to others, without a hand; gives what was done: where all was as it was before.

    Each VLAN is in one change at most. Racks before and after are told once, however many of their
    VLANs change, and each new pair, or the one that is left, begins under a new name. It waits for
    whoever changes networks, for they hold the table; then rows are locked in the order in which
    those who decide about DHCP do that: the VLANs', then racks'.
    """
    await tx.execute(LOCK, [change.before.vlan for change in changes])
    swapped = {row.id for row in await tx.rows(SWAP, _columns(changes))}
    done = tuple(change for change in changes if change.before.vlan in swapped)
    told = [(f"vlan:{change.before.vlan}", change.why) for change in done]
    await record_all(tx, who, "vlan.roles", "info", told)
    places = [
        place
        for change in done
        for roles in (change.before, change.after)
        for place in (roles.primary, roles.secondary)
    ]
    await raise_wanted(tx, {place.rack for place in places if place.rack is not None})
    return done


def _columns(changes: Sequence[Change]) -> dict[str, list[object]]:
    before = [change.before for change in changes]
    after = [change.after for change in changes]
    return {
        "vlans": [roles.vlan for roles in before],
        "were_primaries": [roles.primary.rack for roles in before],
        "were_primaries_by": [roles.primary.by for roles in before],
        "were_secondaries": [roles.secondary.rack for roles in before],
        "were_secondaries_by": [roles.secondary.by for roles in before],
        "primaries": [roles.primary.rack for roles in after],
        "primaries_by": [roles.primary.by for roles in after],
        "secondaries": [roles.secondary.rack for roles in after],
        "secondaries_by": [roles.secondary.by for roles in after],
    }
