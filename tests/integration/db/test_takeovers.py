"""A rack's host is off, as somebody vouches: its peer serves alone until it is back."""

from __future__ import annotations

import pytest
from attrs import frozen
from twisted.internet.defer import Deferred

from maasha.db.events import history
from maasha.db.pool import Pool
from maasha.db.racks import Registered, drop_links, register_link, relink
from maasha.db.returning import Arrival, register_returning
from maasha.db.standing import read_standing
from maasha.db.takeovers import NotTaken, Taken, take_over
from maasha.db.transaction import Transaction
from maasha.model.cluster import Introduction
from maasha.model.dhcp import OFF, PeerState, VlanService
from maasha.model.network import VlanId
from maasha.model.standing import MemberStanding
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import interface
from tests.integration.db.test_services import (
    INTERRUPTED,
    NORMAL,
    PRIMARY,
    SECONDARY,
    Pair,
    make_pair,
    report,
    situation,
)

SECOND = """
insert into vlan (fabric_id, vid, dhcp_on, primary_rack, secondary_rack)
select fabric_id, 5, true, secondary_rack, primary_rack from vlan returning id
"""


@frozen
class Site:
    """A pair whose primary is away, and what its secondary says of itself."""

    pool: Pool
    pair: Pair

    async def say(self, state: PeerState) -> None:
        """Have the secondary report a state."""
        service = VlanService(self.pair.vlan, SECONDARY, state, PeerState.NORMAL)
        await report(self.pool, self.pair.two, service)

    async def take(self, off: str = "rack1", *, force: bool = False) -> Taken:
        """Take over."""
        vlan = self.pair.vlan
        return await self.pool.run(lambda tx: take_over(tx, "user:ann", vlan, off, force=force))

    async def refused(self, off: str = "rack1", *, force: bool = False) -> str:
        """Give why nobody takes over."""
        with pytest.raises(NotTaken) as caught:
            await self.take(off, force=force)
        return str(caught.value)

    async def pairing(self) -> int:
        """Give the number of the pair's name."""
        vlan = self.pair.vlan
        return int(
            await self.pool.run(lambda tx: tx.value("select pairing from vlan where id = %s", vlan))
        )

    async def members(self) -> tuple[MemberStanding, ...]:
        """Give how the racks of the VLAN stand."""
        seen = await self.pool.run(lambda tx: read_standing(tx, self.pair.vlan))
        return seen.vlans[0].members

    async def kinds(self) -> list[str]:
        """List what happened to the VLAN, the newest first."""
        subject = f"vlan:{self.pair.vlan}"
        return [each.kind for each in await self.pool.run(lambda tx: history(tx, subject=subject))]


async def make_site(pool: Pool, state: PeerState = INTERRUPTED) -> Site:
    """Make it."""
    pair = await make_pair(pool)
    site = Site(pool, pair)
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    await site.say(state)
    await pool.run(lambda tx: drop_links(tx, [pair.one.link]))
    return site


def introduction(rack: Registered, name: str, *addresses: str) -> Introduction:
    """Give what a rack says of itself that comes back."""
    return Introduction(name, "1.0", rack.system_id, "", (interface("eth0", *addresses),))


@asynchronous
async def test_the_peer_serves_alone(pool: Pool) -> None:
    """The one that is off counts as stopped and keeps its place; the pair's name is another."""
    site = await make_site(pool)
    before = await situation(pool, site.pair.two)
    assert await site.take() == Taken("rack2", "rack1", (site.pair.vlan,))
    after = await situation(pool, site.pair.two)
    assert after.generation > before.generation
    one, two = after.vlans[0].members
    assert (one.asked, one.running, one.draining) == (OFF, OFF, True)
    assert (two.running, two.draining) == (SECONDARY, False)
    assert after.vlans[0].primary == site.pair.one.rack
    assert after.vlans[0].pairing == before.vlans[0].pairing + 1
    gone = (await site.members())[0]
    assert (gone.replaced_by, gone.linked) == ("user:ann", False)
    assert (await site.kinds())[0] == "dhcp.takeover"


@asynchronous
async def test_once_is_enough(pool: Pool) -> None:
    """Asked for again it changes nothing, whatever the survivor says then."""
    site = await make_site(pool)
    await site.take()
    pairing, events = await site.pairing(), await site.kinds()
    await site.say(PeerState.NORMAL)
    await site.take()
    assert await site.pairing() == pairing
    assert (await site.kinds()).count("dhcp.takeover") == events.count("dhcp.takeover") == 1


@asynchronous
async def test_all_vlans_of_the_two_go_together(pool: Pool) -> None:
    """One dhcpd is restarted for them, whoever is the primary where."""
    site = await make_site(pool)
    other = VlanId(await pool.run(lambda tx: tx.value(SECOND)))
    assert (await site.take()).vlans == (site.pair.vlan, other)
    assert await pool.run(lambda tx: tx.value("select count(*) from takeover")) == 2


@asynchronous
async def test_who_is_heard_by_his_peer_is_not_off(pool: Pool) -> None:
    """Nor with force: the one thing that is known then is that it is on."""
    site = await make_site(pool, NORMAL)
    assert "in contact with its peer's" in await site.refused()
    assert "in contact with its peer's" in await site.refused(force=True)


@asynchronous
async def test_who_may_lack_leases_takes_over_by_force_only(pool: Pool) -> None:
    """A secondary that never got them all would give addresses of others away."""
    site = await make_site(pool, PeerState.RECOVER)
    assert f"recover on VLAN {site.pair.vlan}" in await site.refused()
    assert (await site.take(force=True)).survivor == "rack2"


@asynchronous
async def test_who_is_linked_is_not_off(pool: Pool) -> None:
    """Nor does anybody take over where both are away, or for whom nobody vouches."""
    site = await make_site(pool)
    assert "rack2 is not the rack that is away: rack1 is" in await site.refused("rack2")
    assert (await site.take(site.pair.one.system_id)).away == "rack1"
    await pool.run(lambda tx: tx.execute("delete from takeover"))
    await pool.run(lambda tx: drop_links(tx, [site.pair.two.link]))
    assert "neither of its racks is linked" in await site.refused()


@asynchronous
async def test_a_pair_that_is_there_is_drained_instead(pool: Pool) -> None:
    """Whoever is linked can be told to stop, so nobody need vouch."""
    site = Site(pool, await make_pair(pool))
    assert "both linked: drain the one" in await site.refused()


@asynchronous
async def test_where_there_is_no_pair_nobody_takes_over(pool: Pool) -> None:
    """A VLAN with one rack, or without DHCP."""
    site = await make_site(pool)
    await pool.run(lambda tx: tx.execute("update vlan set dhcp_on = false"))
    assert "no pair of racks with DHCP on" in await site.refused()
    await pool.run(lambda tx: tx.execute("update vlan set dhcp_on = true, secondary_rack = null"))
    assert "no pair of racks with DHCP on" in await site.refused()


@asynchronous
async def test_a_survivor_that_is_drained_serves_nobody(pool: Pool) -> None:
    """That is to be undone first."""
    site = await make_site(pool)
    rack = site.pair.two.rack
    await pool.run(
        lambda tx: tx.execute(
            "insert into drain (rack_id, by, expires) values (%s, 'x', now() + interval '1 h')",
            rack,
        )
    )
    assert "rack2 is being drained" in await site.refused()


@asynchronous
async def test_who_comes_back_ends_it(pool: Pool) -> None:
    """By registering, or by a link that nobody knew of: both have something new to run."""
    site = await make_site(pool)
    one, worker = site.pair.one, site.pair.worker.id
    await site.take()
    pairing, before = await site.pairing(), await situation(pool, site.pair.two)
    back = introduction(one, "rack1", "10.0.0.1/24")
    arrival = Arrival(back, "10.0.0.1:1")
    assert await pool.run(lambda tx: register_returning(tx, [arrival], worker)) == (None,)
    await pool.run(lambda tx: register_link(tx, back, worker, "10.0.0.1:1"))
    assert await site.pairing() == pairing + 1
    assert (await site.members())[0].replaced_by == ""
    assert (await situation(pool, site.pair.two)).generation > before.generation
    assert (await site.kinds())[0] == "dhcp.takeover-ended"


@asynchronous
async def test_a_link_that_was_there_all_along_ends_it(pool: Pool) -> None:
    """Its worker had lost its row when somebody vouched."""
    site = await make_site(pool)
    await site.take()
    one, worker = site.pair.one, site.pair.worker.id
    await pool.run(lambda tx: relink(tx, one.system_id, worker, "10.0.0.1:1"))
    assert (await site.members())[0].replaced_by == ""


@asynchronous
async def test_who_has_no_place_any_more_changes_nothing(pool: Pool) -> None:
    """Somebody else was named meanwhile: the row goes, the new pair keeps its name."""
    site = await make_site(pool)
    await site.take()
    two = site.pair.two.rack
    await pool.run(
        lambda tx: tx.execute("update vlan set primary_rack = %s, secondary_rack = null", two)
    )
    pairing = await site.pairing()
    one, worker = site.pair.one, site.pair.worker.id
    await pool.run(lambda tx: relink(tx, one.system_id, worker, "10.0.0.1:1"))
    assert await site.pairing() == pairing
    assert await pool.run(lambda tx: tx.value("select count(*) from takeover")) == 0


@asynchronous
async def test_a_state_is_known_since_when(pool: Pool) -> None:
    """It counts from the change, not from the last report."""
    site = await make_site(pool)
    first = (await site.members())[1].since
    await report(
        pool, site.pair.two, VlanService(site.pair.vlan, SECONDARY, INTERRUPTED, INTERRUPTED)
    )
    assert (await site.members())[1].since == first
    await site.say(NORMAL)
    second = (await site.members())[1].since
    assert first is not None
    assert second is not None
    assert second > first


WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"


@asynchronous
async def test_who_registers_just_now_is_not_off(pool: Pool) -> None:
    """Whoever vouches waits for that, and is told that the rack is linked."""
    site = await make_site(pool)
    one, worker = site.pair.one, site.pair.worker.id
    back = introduction(one, "rack1", "10.0.0.1/24")
    waiting: list[Deferred[str]] = []

    async def register(tx: Transaction) -> None:
        await register_link(tx, back, worker, "10.0.0.1:1")
        waiting.append(Deferred.fromCoroutine(site.refused()))
        while not await pool.run(lambda other: other.value(WAITS)):
            assert not waiting[0].called

    await pool.run(register)
    assert "both linked" in await waiting[0]
    assert (await site.members())[0].replaced_by == ""


@asynchronous
async def test_who_registers_waits_for_whoever_vouches(pool: Pool) -> None:
    """Then it ends what he did."""
    site = await make_site(pool)
    one, worker = site.pair.one, site.pair.worker.id
    back = introduction(one, "rack1", "10.0.0.1/24")
    waiting: list[Deferred[Registered]] = []

    async def vouch(tx: Transaction) -> None:
        await take_over(tx, "user:ann", site.pair.vlan)
        registration = pool.run(lambda mine: register_link(mine, back, worker, "10.0.0.1:1"))
        waiting.append(Deferred.fromCoroutine(registration))
        while not await pool.run(lambda other: other.value(WAITS)):
            assert not waiting[0].called

    await pool.run(vouch)
    await waiting[0]
    assert (await site.members())[0].replaced_by == ""
    assert (await site.kinds())[:2] == ["dhcp.takeover-ended", "dhcp.takeover"]


@asynchronous
async def test_vlans_are_held_before_racks(pool: Pool) -> None:
    """As deciders hold them, so that a rack that comes back is in nobody's way."""
    site = await make_site(pool)
    await site.take()
    one, worker = site.pair.one, site.pair.worker.id
    waiting: list[Deferred[object]] = []

    async def decide(tx: Transaction) -> None:
        await tx.execute("select from vlan for no key update")
        registration = pool.run(lambda mine: relink(mine, one.system_id, worker, "10.0.0.1:1"))
        waiting.append(Deferred.fromCoroutine(registration))
        while not await pool.run(lambda other: other.value(WAITS)):
            assert not waiting[0].called
        await tx.execute("select from rack for update nowait")

    await pool.run(decide)
    await waiting[0]
    assert (await site.members())[0].replaced_by == ""
