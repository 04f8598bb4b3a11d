"""Racks that a person declares lost for good: nobody waits for them any more."""

from __future__ import annotations

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.ownership import lock
from maasha.db.racks import is_linked
from maasha.db.services import confirm_stopped
from maasha.db.transaction import Transaction
from maasha.db.wanted import raise_wanted
from maasha.model.cluster import RackKey, SystemId

KEY = "select id from rack where system_id = %s and deleted is null"
RACK = "select * from rack where id = %s and deleted is null"
LOST = "update rack set lost = clock_timestamp(), lost_by = %s where id = %s"
COMPANIONS = """
select distinct member.id from vlan
cross join lateral (
    select primary_rack union select secondary_rack
    union select rack_id from service where vlan_id = vlan.id
) members (id)
join rack member on member.id = members.id
where deleted is null and member.id <> %(rack)s and (%(rack)s in (primary_rack, secondary_rack)
    or exists (select from service where vlan_id = vlan.id and rack_id = %(rack)s))
"""


@frozen
class StillLinked(DatabaseError):
    """The rack is there, so it is not lost."""

    hostname: str

    def __str__(self) -> str:
        return (
            f"rack {self.hostname} is linked: drain it, or delete it to part with it for good;"
            " only a rack that is away can be declared lost"
        )


async def declare_lost(tx: Transaction, who: str, system_id: SystemId) -> bool:
    """Take a person's word that a rack will not come back and that its dhcpd is off.

    Its VLANs go to others as if it were deleted; should it come all the same, it is taken in as
    before (`racks.register_link`). False: there is no such rack. Raises StillLinked.
    """
    key = await tx.value(KEY, system_id)
    if key is None:
        return False
    rack = RackKey(key)
    companions = [RackKey(row.id) for row in await tx.rows(COMPANIONS, {"rack": rack})]
    await lock(tx, sorted([rack, *companions]))
    row = await tx.one(RACK, rack)
    if row is None:
        return False
    if await is_linked(tx, rack):
        raise StillLinked(row.hostname)
    if row.lost is None:
        await tx.execute(LOST, who, rack)
        await record(tx, who, f"rack:{system_id}", "rack.lost", "warning", row.hostname)
        await confirm_stopped(tx, rack)
        await raise_wanted(tx, companions)
        await notify(tx, Channel.RACKS, rack)
        await notify(tx, Channel.PLACEMENT)
    return True
