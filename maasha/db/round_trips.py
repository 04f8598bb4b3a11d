"""How the links of a worker fare, written for people to see."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from maasha.db.transaction import Transaction
from maasha.model.cluster import LinkId

NOTE = """
with free as (select id from link where id = any(%(links)s) for no key update skip locked)
update link set round_trip = new.mean, round_trip_deviation = new.deviation, suspect = new.suspect
from unnest(%(links)s::bigint[], %(means)s::float8[], %(deviations)s::float8[],
    %(suspects)s::boolean[]) as new (id, mean, deviation, suspect)
where link.id = new.id and link.id in (select id from free)
"""


@frozen
class Fare:
    """How a link fares: seconds of its round trips (None before the first), and its health."""

    link: LinkId
    mean: float | None
    deviation: float | None
    suspect: bool


async def note_round_trips(tx: Transaction, fares: Sequence[Fare]) -> int:
    """Write all in one statement and give how many were written.

    Links that are gone, or that somebody else is changing now, are passed over: nobody waits.
    """
    return await tx.execute(
        NOTE,
        {
            "links": [fare.link for fare in fares],
            "means": [fare.mean for fare in fares],
            "deviations": [fare.deviation for fare in fares],
            "suspects": [fare.suspect for fare in fares],
        },
    )
