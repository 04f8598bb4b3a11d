"""Where a second rack is wanted, which racks could look out for each other is read."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from attrs import evolve

from maasha.db.drains import Place as Drained
from maasha.db.drains import begin_drain
from maasha.db.pool import Pool
from maasha.db.racks import drop_links
from maasha.db.watches import TURN, read_spots, read_vacancies
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Spot, Vacancy
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import interface, plug, silence
from tests.integration.db.site import make_site


async def vacancies(pool: Pool) -> tuple[Vacancy, ...]:
    """Read them."""
    return (await pool.run(read_vacancies)).vlans


@asynchronous
async def test_linked_racks_on_a_vlan_with_a_free_place(pool: Pool) -> None:
    """The primary and all others; those without a link, drained or lost are not there."""
    site = await make_site(pool, 5)
    one, two, three, four, five = (rack.rack for rack in site.racks)
    assert await vacancies(pool) == (Vacancy(site.vlan, one, (two, three, four, five)),)
    await pool.run(lambda tx: drop_links(tx, [site.racks[2].link]))
    await pool.run(lambda tx: begin_drain(tx, "user:admin", Drained(rack=four), 60.0, keep=False))
    await pool.run(lambda tx: tx.execute("update rack set lost = now() where id = %s", five))
    assert await vacancies(pool) == (Vacancy(site.vlan, one, (two,)),)
    await silence(pool, site.worker)
    assert await vacancies(pool) == ()


@asynchronous
async def test_a_primary_that_is_drained_is_there(pool: Pool) -> None:
    """Its peer is looked for all the same."""
    site = await make_site(pool)
    one, two = (rack.rack for rack in site.racks)
    await pool.run(lambda tx: begin_drain(tx, "user:admin", Drained(rack=one), 60.0, keep=False))
    assert await vacancies(pool) == (Vacancy(site.vlan, one, (two,)),)


@pytest.mark.parametrize(
    "change",
    [
        "update vlan set secondary_by = 'user:admin'",
        "update vlan set secondary_rack = (select max(id) from rack)",
        "update vlan set ha_auto = false",
        "update vlan set dhcp_on = false",
        "update vlan set primary_rack = null",
        "update rack set lost = now() where id = (select min(id) from rack)",
        "delete from link where rack_id = (select min(id) from rack)",
        "delete from link where rack_id = (select max(id) from rack)",
        "delete from interface_address where host(address) = '10.0.0.1'",
        "update interface_address set address = 'fd00::2/64' where host(address) = '10.0.0.2'",
    ],
)
@asynchronous
async def test_where_nobody_is_to_look_out(pool: Pool, change: str) -> None:
    """Nobody wants a second rack, or there are no two that could be a pair."""
    await make_site(pool)
    await pool.run(lambda tx: tx.execute(change))
    assert await vacancies(pool) == ()


@asynchronous
async def test_a_rack_with_several_addresses_is_one(pool: Pool) -> None:
    """It is no peer of itself."""
    site = await make_site(pool)
    await plug(pool, site.racks[0], interface("eth0", "10.0.0.1/24", "10.0.0.11/24"))
    one, two = (rack.rack for rack in site.racks)
    assert await vacancies(pool) == (Vacancy(site.vlan, one, (two,)),)
    await pool.run(lambda tx: drop_links(tx, [site.racks[1].link]))
    assert await vacancies(pool) == ()


@asynchronous
async def test_turns_go_by(pool: Pool) -> None:
    """By the database's clock, so they are the same for all workers."""
    await make_site(pool)
    now = "select extract(epoch from clock_timestamp())::float8"
    before = await pool.run(lambda tx: tx.value(now))
    turn = (await pool.run(read_vacancies)).turn
    after = await pool.run(lambda tx: tx.value(now))
    assert before // TURN <= turn <= after // TURN


@asynchronous
async def test_where_racks_stand(pool: Pool) -> None:
    """At the address in the VLAN's oldest subnet; who has none there is left out."""
    site = await make_site(pool, 3)
    one, two, three = (rack.rack for rack in site.racks)
    both = interface("eth0", "10.0.0.2/24", "10.0.5.2/24")
    more = evolve(interface("eth1", "10.0.0.222/24"), name="eth1")
    await plug(pool, site.racks[1], both, more)
    await pool.run(lambda tx: tx.execute("delete from interface where rack_id = %s", three))
    asked = [(site.vlan, rack) for rack in (one, two, three)]
    nowhere = [(VlanId(999), one), (site.vlan, RackKey(999))]
    assert await pool.run(lambda tx: read_spots(tx, [*asked, *nowhere])) == {
        (site.vlan, one): Spot("eth0", IPv4Address("10.0.0.1"), "rack1"),
        (site.vlan, two): Spot("eth0", IPv4Address("10.0.0.2"), "rack2"),
    }
