"""Reservations are kept and found, and a rack's situation has those of its VLANs as one text."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from attrs import evolve, frozen

from maasha.db.errors import DatabaseError
from maasha.db.pool import Pool
from maasha.db.reservations import (
    SHOWN,
    ReservationQuery,
    ReservationRow,
    add_reservation,
    remove_reservation,
    reservation_of,
    reservations,
    reserved_at,
    reserved_for,
    reserved_in,
    reserved_outside,
    reserved_twice,
    reserved_within,
    store_reservation,
)
from maasha.db.situations import load_situation
from maasha.db.transaction import Transaction
from maasha.db.wanted import raise_wanted
from maasha.dhcp.hosts import UNSURE, fingerprint, parse
from maasha.model.network import ReservationId, SubnetId, VlanId
from tests.asynchronous import asynchronous
from tests.integration.db.site import Site, make_site

MAC, OTHER = "52:54:00:00:00:0a", "52:54:00:00:00:0b"


@frozen
class Place:
    """A site whose VLAN has a second subnet, and another VLAN that nobody serves, with one."""

    site: Site
    first: SubnetId
    second: SubnetId
    elsewhere: SubnetId
    away: VlanId


async def make_place(pool: Pool) -> Place:
    """Make it."""
    site = await make_site(pool)

    async def work(tx: Transaction) -> Place:
        fabric = await tx.value("select fabric_id from vlan")
        add_vlan = "insert into vlan (fabric_id, vid) values (%s, 5) returning id"
        away = VlanId(await tx.value(add_vlan, fabric))
        first = SubnetId(await tx.value("select id from subnet"))
        add = "insert into subnet (vlan_id, name, cidr) values (%s, %s, %s) returning id"
        second = SubnetId(await tx.value(add, site.vlan, "b", ip_network("10.0.1.0/24")))
        other = SubnetId(await tx.value(add, away, "c", ip_network("10.0.2.0/24")))
        return Place(site, first, second, other, away)

    return await pool.run(work)


def row(subnet: SubnetId, address: str, mac: str = MAC, name: str = "") -> ReservationRow:
    """Make a reservation that is not stored yet."""
    return ReservationRow(ReservationId(0), subnet, ip_address(address), mac, name)


async def added(pool: Pool, *rows: ReservationRow) -> tuple[ReservationRow, ...]:
    """Store reservations; gives them with their ids."""

    async def work(tx: Transaction) -> tuple[ReservationRow, ...]:
        return tuple([evolve(one, id=await add_reservation(tx, one)) for one in rows])

    return await pool.run(work)


@asynchronous
async def test_a_reservation_lives(pool: Pool) -> None:
    """It is stored, changed, found by its id and its address, and removed."""
    place = await make_place(pool)
    (made,) = await added(pool, row(place.first, "10.0.0.5", name="web"))
    assert await pool.run(lambda tx: reservation_of(tx, made.id)) == made
    changed = evolve(
        made, subnet=place.second, address=ip_address("10.0.1.6"), mac=OTHER, comment="of the hall"
    )
    await pool.run(lambda tx: store_reservation(tx, changed))
    assert await pool.run(lambda tx: reserved_at(tx, changed.address)) == changed
    assert await pool.run(lambda tx: reserved_at(tx, made.address)) is None
    await pool.run(lambda tx: remove_reservation(tx, made.id))
    assert await pool.run(lambda tx: reservation_of(tx, made.id)) is None


@asynchronous
async def test_an_address_is_reserved_once(pool: Pool) -> None:
    """Whatever the rules have seen, the table has it once."""
    place = await make_place(pool)
    await added(pool, row(place.first, "10.0.0.5"))
    with pytest.raises(DatabaseError):
        await added(pool, row(place.first, "10.0.0.5", OTHER))


@asynchronous
async def test_pages(pool: Pool) -> None:
    """They are listed by address, filtered, and page by page."""
    place = await make_place(pool)
    one, two, three = await added(
        pool,
        row(place.first, "10.0.0.100"),
        row(place.second, "10.0.1.5"),
        row(place.first, "10.0.0.99", OTHER),
    )

    async def listed(**query: object) -> tuple[ReservationRow, ...]:
        asked = ReservationQuery(**query)  # type: ignore[arg-type]
        return await pool.run(lambda tx: reservations(tx, asked))

    assert await listed() == (three, one, two)
    assert await listed(macs=(MAC,)) == (one, two)
    assert await listed(addresses=(one.address, three.address), macs=(OTHER,)) == (three,)
    assert await listed(subnets=(place.second,)) == (two,)
    assert await listed(limit=1, offset=1) == (one,)


@asynchronous
async def test_what_stands_in_the_way_of_networks(pool: Pool) -> None:
    """Reservations in a range, in a subnet, outside of its next network, and of moved MACs."""
    place = await make_place(pool)
    made = await added(
        pool,
        *(row(place.first, f"10.0.0.{n}", f"52:54:00:00:01:{n:02x}") for n in (15, 16, 31, 40)),
        row(place.elsewhere, "10.0.2.5", "52:54:00:00:01:0f"),
    )

    async def work(tx: Transaction) -> None:
        low, high = ip_address("10.0.0.16"), ip_address("10.0.0.31")
        assert await reserved_within(tx, low, high) == made[1:3]
        assert await reserved_in(tx, place.first) == made[:4]
        assert await reserved_in(tx, place.second) == ()
        smaller = ip_network("10.0.0.0/27")
        assert await reserved_outside(tx, place.first, smaller) == (made[2], made[3])
        assert await reserved_outside(tx, place.first, ip_network("10.0.0.0/24")) == ()
        tiny = ip_network("10.0.0.30/31")
        assert made[2] not in await reserved_outside(tx, place.first, tiny)
        assert await reserved_twice(tx, place.elsewhere, place.site.vlan) == (made[0],)
        assert await reserved_twice(tx, place.elsewhere, place.away) == ()
        assert await reserved_for(tx, "52:54:00:00:01:0f", place.site.vlan) == (made[0],)

    await pool.run(work)


@asynchronous
async def test_no_more_than_a_few_are_named(pool: Pool) -> None:
    """A thousand names help nobody."""
    place = await make_place(pool)
    macs = (f"52:54:00:00:02:{n:02x}" for n in range(10, 30))
    await added(pool, *(row(place.first, f"10.0.0.{n}", mac) for n, mac in enumerate(macs, 10)))
    assert len(await pool.run(lambda tx: reserved_in(tx, place.first))) == SHOWN


async def hosts(pool: Pool, place: Place, number: int = 0) -> str:
    """Give the hosts in a rack's situation."""
    rack = place.site.racks[number].rack
    found = await pool.run(lambda tx: load_situation(tx, rack, deciding=True))
    assert found is not None
    assert found.hosts is not None
    return found.hosts


@asynchronous
async def test_known_hosts_are_not_read_again(pool: Pool) -> None:
    """But for whoever is going to tell them; a new generation has them looked at again."""
    place = await make_place(pool)
    rack = place.site.racks[0].rack
    know = "update rack set hosts = %s where id = %s"
    run = (
        "update rack set (running_incarnation, running_counter, running_hosts)"
        " = (wanted_incarnation, wanted_counter, hosts) where id = %s"
    )

    async def seen() -> str | None:
        found = await pool.run(lambda tx: load_situation(tx, rack))
        assert found is not None
        return found.hosts

    await pool.run(lambda tx: raise_wanted(tx, (rack,)))
    await added(pool, row(place.first, "10.0.0.9"))
    text = await hosts(pool, place)
    assert await seen() == text
    await pool.run(lambda tx: tx.execute(know, fingerprint(text), rack))
    assert await seen() is None
    await pool.run(lambda tx: tx.execute(run, rack))
    await added(pool, row(place.first, "10.0.0.10", OTHER))
    assert await seen() is None
    await pool.run(lambda tx: raise_wanted(tx, (rack,)))
    assert await seen() == await hosts(pool, place) != text
    await pool.run(lambda tx: tx.execute(run, rack))
    await pool.run(lambda tx: tx.execute(know, UNSURE, rack))
    assert await seen() == await hosts(pool, place)
    await pool.run(lambda tx: tx.execute("update vlan set primary_rack = null"))
    assert await seen() == ""


@asynchronous
async def test_a_situation_has_the_hosts_of_its_vlans(pool: Pool) -> None:
    """In the order of MAC and address; none of other VLANs, nor of subnets that are not managed."""
    place = await make_place(pool)
    assert await hosts(pool, place) == ""
    await added(
        pool,
        row(place.second, "10.0.1.5", "52:54:00:00:00:0f", "db"),
        row(place.first, "10.0.0.100", "52:54:00:00:00:0f"),
        row(place.first, "10.0.0.9", name="web"),
        row(place.elsewhere, "10.0.2.9"),
    )
    text = await hosts(pool, place)
    assert text == (
        "52:54:00:00:00:0a 10.0.0.9 web\n"
        "52:54:00:00:00:0f 10.0.0.100 -\n"
        "52:54:00:00:00:0f 10.0.1.5 db\n"
    )
    assert [host.name for host in parse(text)] == ["web", "db"]
    assert await hosts(pool, place, 1) == ""
    off = "update subnet set managed = false where id = %s"
    await pool.run(lambda tx: tx.execute(off, place.first))
    assert await hosts(pool, place) == "52:54:00:00:00:0f 10.0.1.5 db\n"
