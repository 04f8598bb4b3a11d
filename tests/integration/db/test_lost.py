"""What becomes of the DHCP of a rack that a person declares lost for good."""

from __future__ import annotations

from attrs import frozen

from maasha.db.events import history
from maasha.db.lost import declare_lost
from maasha.db.overview import RackView, racks
from maasha.db.pool import Pool
from maasha.db.racks import Registered, drop_links
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, interface, link, plug

SERVE = """
insert into service (vlan_id, rack_id, asked, running)
select vlan.id, rack.id, '{"duty": "primary"}', '{"duty": "primary"}' from vlan, rack
"""


@frozen
class Site:
    """Two racks on one VLAN, a pair; the first one has lost its link."""

    pool: Pool
    lost: Registered
    other: Registered

    async def declare(self) -> bool:
        """Declare the first rack lost."""
        return await self.pool.run(lambda tx: declare_lost(tx, "user:ann", self.lost.system_id))

    async def view(self, of: Registered) -> RackView:
        """Look at a rack."""
        (seen,) = [each for each in await self.pool.run(racks) if each.name.key == of.rack]
        return seen

    async def kinds(self) -> list[str]:
        """List what happened to the first rack, the newest first."""
        subject = f"rack:{self.lost.system_id}"
        events = await self.pool.run(lambda tx: history(tx, subject=subject))
        return [event.kind for event in events]


async def make_site(pool: Pool) -> Site:
    """Make it."""
    region = await found(pool)
    worker = await hire(pool, region, 0)
    one, two = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")
    await plug(pool, one, interface("eth0", "10.0.0.1/24"))
    await plug(pool, two, interface("eth0", "10.0.0.2/24"))
    await pool.run(
        lambda tx: tx.execute(
            "update vlan set dhcp_on = true, primary_rack = %s, secondary_rack = %s",
            one.rack,
            two.rack,
        )
    )
    await pool.run(lambda tx: tx.execute(SERVE))
    await pool.run(lambda tx: drop_links(tx, [one.link]))
    return Site(pool, one, two)


@asynchronous
async def test_a_rack_that_is_away(pool: Pool) -> None:
    """It counts as stopped, its companion has something new to run; it is on record once."""
    site = await make_site(pool)
    before = await site.view(site.other)
    assert await site.declare()
    gone, other = await site.view(site.lost), await site.view(site.other)
    assert (gone.lost is not None, gone.lost_by) == (True, "user:ann")
    assert [service.running.duty.value for service in gone.services] == ["off"]
    assert [service.running.duty.value for service in other.services] == ["primary"]
    assert other.wanted > before.wanted
    assert gone.wanted == (await site.view(site.lost)).wanted
    assert await site.declare()
    assert (await site.kinds()).count("rack.lost") == 1
