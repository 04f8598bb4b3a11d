"""DHCPv6 has stewards, generations and refusals of its own; no address is two racks'."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path

import pytest_twisted
from attrs import frozen
from twisted.internet.task import Clock

from maasha.db.events import open_alarms
from maasha.db.lost import declare_lost
from maasha.db.transaction import Transaction
from maasha.model.cluster import SystemId
from maasha.model.network import Stretch
from maasha.model.stretches import Stretches, lower_half, upper_half
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.wishes import progress, serve, want
from tests.integration.region.worker import REST, Worker

RANGE = Stretch(IPv6Address("fd00::100"), IPv6Address("fd00::1ff"))
ALL, LOWER, UPPER = (RANGE,), lower_half((RANGE,)), upper_half((RANGE,))
RANGE6 = """
insert into iprange (subnet_id, type, start_ip, end_ip)
select id, 'dynamic', 'fd00::100', 'fd00::1ff' from subnet where family(cidr) = 6
"""
RANGE4 = """
insert into iprange (subnet_id, type, start_ip, end_ip)
select id, 'dynamic', '10.0.0.50', '10.0.0.99' from subnet where family(cidr) = 4
"""
FORGOTTEN = """
update service6 set asked = '{"duty": "off"}', running = '{"duty": "off"}', held = '[]',
    incarnation = 0
from rack where rack.id = rack_id and hostname = 'rack2'
"""
ENDED = "update lapse6 set until = clock_timestamp() - interval '1 second'"


@frozen
class Site:
    """Two racks on one VLAN with an IPv4 and an IPv6 subnet."""

    pool: WatchedPool
    clock: Clock
    workers: tuple[Worker, Worker]
    racks: tuple[Rack, Rack]

    async def settle(self) -> tuple[Stretches, Stretches]:
        """Let everybody work until there is nothing to do; give what each rack hands out."""
        for _ in range(12):
            for worker in self.workers:
                worker.wardship.wake_stewards()
                await at_rest(self.pool, self.clock)
            for rack in self.racks:
                await rack.tell()
        one, two = (self.share(rack) for rack in self.racks)
        return one, two

    def share(self, rack: Rack) -> Stretches:
        """Give the addresses that a rack hands out."""
        found = [entry.role.stretches for entry in rack.six.plan.roles]
        return found[0] if found else ()

    async def leave(self) -> None:
        """Let the second rack lose its link; its servers go on."""
        desks = self.racks[1].desks
        await desks[self.workers[1].standing.worker].lost("the cable")

    async def alarms(self) -> set[str]:
        """Give the kinds of open alarms of DHCPv6."""
        found = await self.pool.run(open_alarms)
        return {alarm.kind for alarm in found if alarm.kind.startswith("dhcp6")}

    async def change(self, sql: str) -> None:
        """Change rows, and want it."""

        async def work(tx: Transaction) -> None:
            await tx.execute(sql)

        await want(self.pool, work)


@pytest_twisted.async_fixture
async def site(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> Site:
    """Give two racks that are linked and obey, each with half of the VLAN's addresses."""
    town = Town()
    one = Rack(tmp_path / "one", "rack1", town, "10.0.0.1/24", "fd00::1/64")
    two = Rack(tmp_path / "two", "rack2", town, "10.0.0.2/24", "fd00::2/64")
    await one.join(worker.registration, Line(one))
    await two.join(second.registration, Line(two))
    await at_rest(pool, clock)
    made = Site(pool, clock, (worker, second), (one, two))
    await made.change(RANGE6)
    await made.change(RANGE4)
    await serve(pool, "rack1", "rack2")
    return made


@asynchronous
async def test_two_racks_have_half_each(site: Site) -> None:
    """Both families are served, and all is on record as carried out."""
    assert await site.settle() == (LOWER, UPPER)
    view = await progress(site.pool, "rack1")
    assert view.six.running == view.running == view.wanted
    assert (view.six.serving, view.serving) == (True, True)
    assert await site.alarms() == set()


@asynchronous
async def test_a_rack_that_is_away_keeps_its_half(site: Site) -> None:
    """The other one stays with its own, and an alarm says what can be done."""
    await site.settle()
    await site.leave()
    await site.settle()
    await site.change("select")
    assert await site.settle() == (LOWER, UPPER)
    assert await site.alarms() == {"dhcp6.away"}


@asynchronous
async def test_declared_lost_its_half_is_the_other_s_when_its_leases_have_ended(
    site: Site,
) -> None:
    """A person's word is the evidence; the leases that it may have granted are waited for."""
    await site.settle()
    system_id = site.racks[1].memory.system_id
    assert system_id is not None
    await site.leave()
    await site.settle()
    lost = SystemId(system_id)
    assert await site.pool.run(lambda tx: declare_lost(tx, "user:admin", lost))
    assert (await site.settle())[0] == LOWER
    await site.change(ENDED)
    assert (await site.settle())[0] == ALL


@asynchronous
async def test_a_rack_that_is_new_waits_for_the_other_s_leases(site: Site) -> None:
    """A half is given up at once, and handed out by the next one when its leases have ended."""
    await serve(site.pool, "rack1")
    assert await site.settle() == (ALL, ())
    await serve(site.pool, "rack1", "rack2")
    assert await site.settle() == (LOWER, ())
    await site.change(ENDED)
    assert await site.settle() == (LOWER, UPPER)


@asynchronous
async def test_a_refusal_is_one_family_s(site: Site) -> None:
    """What dhcpd says of DHCPv6 is on record there, and DHCPv4 goes on."""
    site.racks[0].six.refusal = "line 3: no"
    await site.settle()
    view = await progress(site.pool, "rack1")
    assert "line 3: no" in view.six.refusal
    assert view.six.failed == view.wanted
    assert (view.refusal, view.running, view.serving) == ("", view.wanted, True)
    assert site.share(site.racks[1]) == UPPER
    assert await site.alarms() == {"dhcp6.refused"}
    site.racks[0].six.refusal = ""
    site.clock.advance(REST)
    assert await site.settle() == (LOWER, UPPER)
    assert await site.alarms() == set()


@asynchronous
async def test_a_rack_without_an_ipv6_address_has_no_part(site: Site) -> None:
    """Who cannot serve is like one that is away; off is off at once for both families."""
    await site.settle()
    await site.change("delete from interface_address where host(address) = 'fd00::2'")
    assert await site.settle() == (LOWER, ())
    await serve(site.pool, "rack1", "rack2", dhcp_on=False)
    assert await site.settle() == ((), ())


@asynchronous
async def test_a_vlan_of_ipv6_alone_has_no_dhcpv4(site: Site) -> None:
    """It is served and complete without a range of IPv4."""
    await site.change("delete from iprange where family(start_ip) = 4")
    assert await site.settle() == (LOWER, UPPER)
    view = await progress(site.pool, "rack1")
    assert (view.six.serving, view.serving) == (True, False)
    assert view.running == view.wanted


@asynchronous
async def test_after_a_restore_nobody_gets_more_before_all_are_heard(site: Site) -> None:
    """Who was declared lost since that dump may come back to a region that knows nothing of it."""
    await site.settle()
    await site.leave()
    await site.settle()
    await site.change(FORGOTTEN)
    await serve(site.pool, "rack1")
    assert (await site.settle())[0] == LOWER
