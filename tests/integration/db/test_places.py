"""Places of many VLANs are filled by swap, in one transaction, and racks hear of it once."""

from __future__ import annotations

from attrs import evolve

from maasha.db.events import history
from maasha.db.places import Change, change_places
from maasha.db.pool import Pool
from maasha.db.roles import read_roles
from maasha.db.situations import load_situation
from maasha.model.cluster import RackKey
from maasha.model.roles import Place, VlanRoles
from tests.asynchronous import asynchronous
from tests.integration.db.site import make_site
from tests.integration.db.trunk import make_trunk


async def roles(pool: Pool) -> tuple[VlanRoles, ...]:
    """Read what is."""
    return (await pool.run(read_roles)).vlans


async def fill(pool: Pool, *changes: Change) -> tuple[Change, ...]:
    """Do as the leader does."""
    return await pool.run(lambda tx: change_places(tx, "leader", changes))


def second(before: VlanRoles, rack: RackKey) -> Change:
    """Let a rack be the secondary."""
    return Change(before, evolve(before, secondary=Place(rack)), f"{rack} is fit")


async def wanted(pool: Pool, rack: RackKey) -> int:
    """Give how often a rack got something new to run."""
    situation = await pool.run(lambda tx: load_situation(tx, rack))
    assert situation is not None
    return situation.generation.counter


@asynchronous
async def test_places_are_filled_by_swap(pool: Pool) -> None:
    """Only as they were seen; both racks hear of it, under a new name."""
    site = await make_site(pool)
    one, two = (rack.rack for rack in site.racks)
    (before,) = await roles(pool)
    change = second(before, two)
    assert await fill(pool, change) == (change,)
    assert await fill(pool, change) == ()
    row = await pool.run(lambda tx: tx.one("select * from vlan"))
    assert row is not None
    assert (row.primary_rack, row.primary_by, row.secondary_rack) == (one, "user:admin", two)
    assert row.pairing == 2
    assert [await wanted(pool, rack) for rack in (one, two)] == [1, 1]
    event = (await pool.run(history))[0]
    assert (event.who, event.kind, event.detail) == ("leader", "vlan.roles", f"{two} is fit")


@asynchronous
async def test_what_a_person_has_said_meanwhile_wins(pool: Pool) -> None:
    """Of the place, of its filling, and of DHCP."""
    site = await make_site(pool)
    (before,) = await roles(pool)
    change = second(before, site.racks[1].rack)
    for said in ("secondary_by = 'user:admin'", "ha_auto = false", "dhcp_on = false"):
        await pool.run(lambda tx, said=said: tx.execute(f"update vlan set {said}"))  # type: ignore[misc]
        assert not await fill(pool, change)
        await pool.run(
            lambda tx: tx.execute("update vlan set secondary_by='', ha_auto=true, dhcp_on=true")
        )
    assert await fill(pool, change)


@asynchronous
async def test_many_are_one_change_for_their_racks(pool: Pool) -> None:
    """Those that are as they were; the others stay, and a place that was given up is told too."""
    trunk = await make_trunk(pool, vlans=6, racks=3)
    first, second_, third = trunk.racks
    await trunk.do("update vlan set primary_rack = %s", first)
    before = await roles(pool)
    changes = [second(each, second_) for each in before[:5]]
    lost = Change(before[5], evolve(before[5], primary=Place(third)), "lost for good")
    await trunk.do("update vlan set ha_auto = false where id = %s", before[0].vlan)
    assert await fill(pool, *changes, lost) == (*changes[1:], lost)
    now = await roles(pool)
    assert [each.secondary.rack for each in now] == [None, *[second_] * 4, None]
    assert [each.primary.rack for each in now] == [*[first] * 5, third]
    assert [await wanted(pool, rack) for rack in trunk.racks] == [1, 1, 1]
    told = [(event.subject, event.detail) for event in (await pool.run(history))[:5]]
    assert sorted(told) == sorted((f"vlan:{c.before.vlan}", c.why) for c in (*changes[1:], lost))


@asynchronous
async def test_nothing_to_fill_is_no_change(pool: Pool) -> None:
    """And no error."""
    assert await fill(pool) == ()
