"""Leases that have ended though their rack never said so: it is dead, or no server ever says it."""

from __future__ import annotations

from maasha.db.channels import Channel, notify
from maasha.db.events import record
from maasha.db.transaction import Transaction

GRACE = 60
"""Seconds after its end in which a rack may say itself that a lease is over."""
MOST = 5000
"""Leases of one transaction."""
LAPSED = "dhcp.lapsed"
LAPSE = """
with ended as (
    select rack_id, ip from lease
    where state = 'active' and not lapsed and ends < now() - make_interval(secs => %(grace)s)
    order by ends limit %(most)s for update skip locked
), told as (
    update lease set lapsed = true from ended
    where (lease.rack_id, lease.ip) = (ended.rack_id, ended.ip)
    returning lease.rack_id, lease.ip, not fixed and not exists (
        select from lease other where other.ip = lease.ip and other.rack_id <> lease.rack_id
        and state = 'active' and (ends is null or ends > now())) as unheard
)
select rack_id, system_id, hostname, count(*) as total, count(*) filter (where unheard) as unheard
from told join rack on rack.id = rack_id group by rack_id, system_id, hostname
order by rack_id
"""


async def tell_lapsed(tx: Transaction, grace: float = GRACE) -> bool:
    """Notice what has ended, some of it; whether there may be more.

    Whoever waits for leases is woken. An event says how many ended unheard: those of pools that no
    other rack knows to go on. Hosts with fixed addresses always end so.
    """
    rows = await tx.rows(LAPSE, {"grace": grace, "most": MOST})
    for row in rows:
        await notify(tx, Channel.LEASES, row.rack_id)
        if row.unheard:
            detail = f"{row.unheard} leases of {row.hostname} ended, and it did not say so"
            await record(tx, "region", f"rack:{row.system_id}", LAPSED, "info", detail)
    return sum(int(row.total) for row in rows) >= MOST
