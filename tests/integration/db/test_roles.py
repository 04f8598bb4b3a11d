"""Who might serve a VLAN, what racks know of each other, and places that are filled by swap."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address

import pytest
from attrs import evolve

from maasha.db.drains import Place as Drained
from maasha.db.drains import begin_drain
from maasha.db.events import history
from maasha.db.pool import Pool
from maasha.db.racks import Registered, delete_rack, drop_links
from maasha.db.roles import (
    RolesSeen,
    change_places,
    prune_sightings,
    read_roles,
    store_sightings,
)
from maasha.db.situations import load_situation
from maasha.db.transaction import Transaction
from maasha.db.watches import MOST_PEERS, in_turn, read_watches
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.roles import Candidate, Place, VlanRoles
from maasha.model.sighting import Peer, Sighting, Watch
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import silence
from tests.integration.db.site import Site, make_site

NOBODY = Place()


async def seen(pool: Pool, *, only_open: bool = True) -> RolesSeen:
    """Read the roles."""
    return await pool.run(lambda tx: read_roles(tx, only_open=only_open))


async def set_vlan(pool: Pool, change: str, *values: object) -> None:
    """Change the VLAN."""
    await pool.run(lambda tx: tx.execute(f"update vlan set {change}", *values))


async def tell(pool: Pool, site: Site, one: int, other: int, **known: float | None) -> bool:
    """Have one rack tell what it knows of another."""
    sighting = Sighting(site.vlan, site.racks[other].rack, **known)
    return await pool.run(lambda tx: store_sightings(tx, site.racks[one].rack, [sighting]))


def candidate(roles: VlanRoles, rack: Registered) -> Candidate:
    """Give a rack that might serve."""
    return next(one for one in roles.candidates if one.rack == rack.rack)


@asynchronous
async def test_who_might_serve(pool: Pool) -> None:
    """Racks on the VLAN, with what is known of them, and those with a place elsewhere."""
    site = await make_site(pool, 4)
    gone, away, drained = site.racks[1:]
    await pool.run(lambda tx: delete_rack(tx, "user:admin", gone.system_id))
    await pool.run(lambda tx: drop_links(tx, [away.link]))
    await pool.run(
        lambda tx: begin_drain(tx, "user:admin", Drained(rack=drained.rack), 60.0, keep=False)
    )
    found = await seen(pool)
    (roles,) = found.vlans
    assert roles.primary == Place(site.racks[0].rack, "user:admin")
    assert (roles.secondary, roles.dhcp_on, roles.ha_auto) == (NOBODY, True, True)
    assert [one.hostname for one in roles.candidates] == ["rack1", "rack3", "rack4"]
    assert all(one.evidence.address for one in roles.candidates)
    assert not candidate(roles, away).linked
    assert candidate(roles, drained).draining
    assert found.primaries == Counter({site.racks[0].rack: 1})


@asynchronous
async def test_what_is_open(pool: Pool) -> None:
    """A place that is free and that nobody wants so, or whose rack is lost for good."""
    site = await make_site(pool)
    one, two = (rack.rack for rack in site.racks)

    async def is_open() -> bool:
        return bool((await seen(pool)).vlans)

    assert await is_open()
    for closed in ("ha_auto = false", "dhcp_on = false", "secondary_by = 'user:admin'"):
        name, _, was = closed.partition(" = ")
        (before,) = await pool.run(lambda tx, name=name: tx.rows(f"select {name} as was from vlan"))  # type: ignore[misc]
        await set_vlan(pool, f"{name} = {was}")
        assert not await is_open(), closed
        assert len((await seen(pool, only_open=False)).vlans) == 1
        await set_vlan(pool, f"{name} = %s", before.was)
    await set_vlan(pool, "secondary_rack = %s", two)
    assert not await is_open()
    for rack in (one, two):
        await pool.run(lambda tx, rack=rack: _lose(tx, rack, lost=True))  # type: ignore[misc]
        (roles,) = (await seen(pool)).vlans
        assert roles.candidate(rack).lost
        await pool.run(lambda tx, rack=rack: _lose(tx, rack, lost=False))  # type: ignore[misc]


async def _lose(tx: Transaction, rack: RackKey, *, lost: bool) -> None:
    instant = "clock_timestamp()" if lost else "null"
    await tx.execute(f"update rack set lost = {instant} where id = %s", rack)


@asynchronous
async def test_a_port_is_reached_both_ways(pool: Pool) -> None:
    """A frame that came back is enough from either; the greater distance of clocks counts."""
    site = await make_site(pool)
    one, two = site.racks
    assert not await tell(pool, site, 0, 1, probed=1.0, reached=2.0)
    (roles,) = (await seen(pool)).vlans
    first = candidate(roles, two).evidence
    assert first.probed is not None
    assert (first.reached, first.clock_offset) == (None, None)
    assert await tell(pool, site, 1, 0, probed=5.0, reached=9.0, clock_offset=-0.5)
    assert await tell(pool, site, 0, 1, probed=1.0, reached=2.0, clock_offset=0.4)
    found = await seen(pool)
    evidence = candidate(found.vlans[0], two).evidence
    assert evidence.reached is not None
    assert evidence.probed is not None
    assert 8.0 < (found.now - evidence.reached).total_seconds() < 60.0
    assert (found.now - evidence.probed) < (found.now - evidence.reached)
    assert evidence.clock_offset == -0.5
    assert candidate(found.vlans[0], one).evidence.probed is None


@asynchronous
async def test_only_news_wakes(pool: Pool) -> None:
    """What is known already does not, until it has not been said for a while."""
    site = await make_site(pool)
    known = {"probed": 0.0, "reached": 0.0, "clock_offset": 0.0}
    assert await tell(pool, site, 1, 0, **known)
    assert not await tell(pool, site, 1, 0, **known)
    await pool.run(
        lambda tx: tx.execute("update sighting set reached = reached - interval '1 minute'")
    )
    assert await tell(pool, site, 1, 0, **known)
    assert not await tell(pool, site, 1, 0, probed=0.0)


@asynchronous
async def test_what_is_not_on_record_is_left_out(pool: Pool) -> None:
    """A VLAN or a rack that was removed meanwhile."""
    site = await make_site(pool)
    one, two = (rack.rack for rack in site.racks)
    strange = [Sighting(VlanId(999), two, 0.0, 0.0, 0.0), Sighting(site.vlan, RackKey(999), 0.0)]
    assert not await pool.run(lambda tx: store_sightings(tx, one, strange))
    assert await pool.run(lambda tx: tx.value("select count(*) from sighting")) == 0
    assert not await pool.run(lambda tx: store_sightings(tx, one, []))


@asynchronous
async def test_places_are_filled_by_swap(pool: Pool) -> None:
    """Only as they were seen; both racks hear of it, under a new name."""
    site = await make_site(pool)
    one, two = (rack.rack for rack in site.racks)
    (before,) = (await seen(pool)).vlans
    after = evolve(before, secondary=Place(two))
    fill = lambda tx: change_places(tx, "leader", before, after, "two is fit")  # noqa: E731
    assert await pool.run(fill)
    assert not await pool.run(fill)
    row = await pool.run(lambda tx: tx.one("select * from vlan"))
    assert row is not None
    assert (row.primary_rack, row.primary_by, row.secondary_rack) == (one, "user:admin", two)
    assert row.pairing == 2
    for rack in (one, two):
        situation = await pool.run(lambda tx, rack=rack: load_situation(tx, rack))  # type: ignore[misc]
        assert situation is not None
        assert situation.generation > situation.running
    event = (await pool.run(history))[0]
    assert (event.who, event.kind, event.detail) == ("leader", "vlan.roles", "two is fit")


@asynchronous
async def test_what_a_person_has_said_meanwhile_wins(pool: Pool) -> None:
    """Of the place, of its filling, and of DHCP."""
    site = await make_site(pool)
    (before,) = (await seen(pool)).vlans
    after = evolve(before, secondary=Place(site.racks[1].rack))
    for change in ("secondary_by = 'user:admin'", "ha_auto = false", "dhcp_on = false"):
        await set_vlan(pool, change)
        assert not await pool.run(lambda tx: change_places(tx, "leader", before, after, ""))
        await set_vlan(pool, "secondary_by = '', ha_auto = true, dhcp_on = true")
    assert await pool.run(lambda tx: change_places(tx, "leader", before, after, ""))


@asynchronous
async def test_who_watches_whom(pool: Pool) -> None:
    """The primary all others, and they the primary, as long as the second place is free."""
    site = await make_site(pool, 3)
    one, two, three = (rack.rack for rack in site.racks)

    async def watches() -> dict[RackKey, tuple[Watch, ...]]:
        return dict(await pool.run(lambda tx: read_watches(tx, lambda vlan: f"key {vlan}")))

    found = await watches()
    first, *others = (
        Peer(rack, IPv4Address(f"10.0.0.{number}"), f"rack{number}")
        for number, rack in enumerate((one, two, three), 1)
    )
    key = f"key {site.vlan}"
    assert found == {
        one: (Watch(site.vlan, one, "eth0", first.address, tuple(others), key),),
        two: (Watch(site.vlan, two, "eth0", others[0].address, (first,), key),),
        three: (Watch(site.vlan, three, "eth0", others[1].address, (first,), key),),
    }
    await pool.run(lambda tx: drop_links(tx, [site.racks[2].link]))
    assert set(await watches()) == {one, two}
    await set_vlan(pool, "secondary_by = 'user:admin'")
    assert await watches() == {}
    await set_vlan(pool, "secondary_by = ''")
    await silence(pool, site.worker)
    assert await watches() == {}


@pytest.mark.parametrize("count", [1, MOST_PEERS, MOST_PEERS + 1, 5 * MOST_PEERS + 3])
def test_everyone_has_a_turn(count: int) -> None:
    """Of a crowd a part at a time, and all of it in as many turns as that takes."""
    everyone = range(count)
    turns = [in_turn(everyone, turn) for turn in range(-(-count // MOST_PEERS))]
    assert {one for turn in turns for one in turn} == set(everyone)
    assert {len(turn) for turn in turns} == {min(count, MOST_PEERS)}


@asynchronous
async def test_what_was_seen_long_ago_is_forgotten(pool: Pool) -> None:
    """And what never came to anything."""
    site = await make_site(pool)
    await tell(pool, site, 1, 0, probed=0.0)
    await tell(pool, site, 0, 1)
    assert await pool.run(prune_sightings) == 1
    await pool.run(lambda tx: tx.execute("update sighting set probed = probed - interval '1 day'"))
    assert await pool.run(prune_sightings) == 1


@asynchronous
async def test_a_crowd_is_not_watched_as_a_whole(pool: Pool) -> None:
    """One second rack is wanted, not all of them."""
    site = await make_site(pool, MOST_PEERS + 3)
    found = await pool.run(lambda tx: read_watches(tx, str))
    assert len(found) == MOST_PEERS + 1
    assert len(found[site.racks[0].rack][0].peers) == MOST_PEERS
