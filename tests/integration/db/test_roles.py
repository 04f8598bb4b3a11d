"""Who might serve a VLAN, what racks know of each other, and places that are filled by swap."""

from __future__ import annotations

from collections import Counter

from maasha.db.drains import Place as Drained
from maasha.db.drains import begin_drain
from maasha.db.pool import Pool
from maasha.db.racks import Registered, delete_rack, drop_links
from maasha.db.roles import (
    RolesSeen,
    prune_sightings,
    read_roles,
    store_sightings,
)
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.roles import Candidate, Place, VlanRoles
from maasha.model.sighting import Sighting
from tests.asynchronous import asynchronous
from tests.integration.db.site import Site, make_site

NOBODY = Place()


async def seen(pool: Pool) -> RolesSeen:
    """Read the roles."""
    return await pool.run(read_roles)


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
async def test_what_was_seen_long_ago_is_forgotten(pool: Pool) -> None:
    """And what never came to anything."""
    site = await make_site(pool)
    await tell(pool, site, 1, 0, probed=0.0)
    await tell(pool, site, 0, 1)
    assert await pool.run(prune_sightings) == 1
    await pool.run(lambda tx: tx.execute("update sighting set probed = probed - interval '1 day'"))
    assert await pool.run(prune_sightings) == 1
