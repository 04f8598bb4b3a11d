"""The leader tells people who serves alone, and has survivors take over where that is allowed."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define
from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs

from maasha.balancer.brakes import FREE, Act, NotLeading, Verdict
from maasha.db.events import history, open_alarms
from maasha.db.pools import store_counts
from maasha.db.racks import drop_links
from maasha.dhcp.standing import GRACE
from maasha.model.dhcp import SOLO, PeerState, VlanService
from maasha.model.network import VlanId
from maasha.model.pools import PoolCount
from maasha.region.vigil import INTERVAL, Vigil
from tests.asynchronous import asynchronous
from tests.integration.db.test_services import (
    INTERRUPTED,
    NORMAL,
    PRIMARY,
    SECONDARY,
    Pair,
    make_pair,
    report,
)
from tests.integration.region.at_rest import WatchedPool, after

HELD = Verdict({Act.TAKE_OVER: (NotLeading(),)})
AGE = """
update service set since = since - make_interval(secs => %(seconds)s);
update rack set last_seen = last_seen - make_interval(secs => %(seconds)s)
"""
RELAYED = """
insert into vlan (fabric_id, vid, relay_vlan) select fabric_id, 9, id from vlan returning id
"""
MINE = {"dhcp.alone", "dhcp.endurance"}


@define
class Watched:
    """A pair whose primary goes away, and the vigil over it."""

    pool: WatchedPool
    pair: Pair
    clock: Clock
    vigil: Vigil
    leading: bool = True
    verdict: Verdict = FREE

    async def look(self) -> set[str]:
        """Look once, as the routine does; gives the alarms."""
        await self.vigil._look()
        return await self.alarms()

    async def alarms(self) -> set[str]:
        """Give the alarms that are the vigil's."""
        return {each.kind for each in await self.pool.run(open_alarms)} & MINE

    async def look_later(self) -> set[str]:
        """Look as if the grace were over."""
        memory = self.vigil._memory
        alone = {vlan: since.replace(year=2000) for vlan, since in memory.alone.items()}
        self.vigil._memory = type(memory)(alone)
        return await self.look()

    async def lose_primary(self) -> None:
        """Have the primary vanish; the secondary notices."""
        await self.pool.run(lambda tx: drop_links(tx, [self.pair.one.link]))
        await self.say(INTERRUPTED)

    async def say(self, state: PeerState) -> None:
        """Have the secondary tell its state."""
        service = VlanService(self.pair.vlan, SECONDARY, state, NORMAL)
        await report(self.pool, self.pair.two, service)

    async def age(self, seconds: float) -> None:
        """Let all that was said be so much older."""
        await self.pool.run(lambda tx: tx.execute(AGE, {"seconds": seconds}))

    async def taken(self) -> int:
        """Count the take-overs."""
        return int(await self.pool.run(lambda tx: tx.value("select count(*) from takeover")))


def refusals(events: Sequence[LogEvent]) -> list[LogEvent]:
    """Give what was logged about take-overs that are refused."""
    return [event for event in events if "is not taken over" in str(event.get("log_format"))]


async def few_addresses(site: Watched, vlan: VlanId) -> None:
    """Have the secondary tell that it has none left to hand out alone."""
    counts = [PoolCount(vlan, 50, free=25, backup=0, active=25)]
    await site.pool.run(lambda tx: store_counts(tx, site.pair.two.rack, counts))


async def watched(pool: WatchedPool) -> Watched:
    """Make it, all being well."""
    pair, clock = await make_pair(pool), Clock()
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    site = Watched(
        pool,
        pair,
        clock,
        Vigil(clock, pool.run, lambda: site.leading, lambda: site.verdict),
    )
    await site.say(NORMAL)
    return site


@asynchronous
async def test_a_pair_is_no_alarm(pool: WatchedPool) -> None:
    """Nothing is written while all is well."""
    site = await watched(pool)
    before = len(await pool.run(history))
    assert await site.look() == set()
    assert len(await pool.run(history)) == before


@asynchronous
async def test_who_serves_alone_is_told_once(pool: WatchedPool) -> None:
    """After a while, with what to do; it is over when there are two again."""
    site = await watched(pool)
    await site.lose_primary()
    assert await site.look() == set()
    assert await site.look_later() == {"dhcp.alone"}
    events = len(await pool.run(history))
    assert await site.look() == {"dhcp.alone"}
    assert len(await pool.run(history)) == events
    (alarm,) = [each for each in await pool.run(open_alarms) if each.kind == "dhcp.alone"]
    assert f"maasha dhcp takeover {site.pair.vlan}" in alarm.detail
    await site.say(NORMAL)
    assert await site.look() == set()


@asynchronous
async def test_few_addresses_are_told(pool: WatchedPool) -> None:
    """Of the one that is alone, and not of a pair."""
    site = await watched(pool)
    await few_addresses(site, site.pair.vlan)
    assert await site.look() == set()
    await site.lose_primary()
    assert await site.look() == {"dhcp.endurance"}
    await pool.run(lambda tx: tx.execute("update vlan set endurance_bound = 0"))
    assert await site.look() == set()


@asynchronous
async def test_alarms_of_vlans_that_are_gone_end(pool: WatchedPool) -> None:
    """Nobody could mend them."""
    site = await watched(pool)
    await site.lose_primary()
    await site.look()
    assert await site.look_later() == {"dhcp.alone"}
    await pool.run(lambda tx: tx.execute("delete from vlan"))
    assert await site.look() == set()


@asynchronous
async def test_nobody_takes_over_unless_the_vlan_allows_it(pool: WatchedPool) -> None:
    """And the brakes; then it is as if a person had done it."""
    site = await watched(pool)
    await site.lose_primary()
    await site.age(1000.0)
    await site.look()
    assert await site.taken() == 0
    await pool.run(lambda tx: tx.execute("update vlan set take_over_after = 300"))
    site.verdict = HELD
    await site.look()
    assert await site.taken() == 0
    site.verdict = FREE
    await site.look()
    assert await site.taken() == 1
    await report(pool, site.pair.two, VlanService(site.pair.vlan, SOLO))
    assert await site.look() == {"dhcp.alone"}
    (event,) = [each for each in await pool.run(history) if each.kind == "dhcp.takeover"]
    assert event.who == "leader"


@asynchronous
async def test_what_is_refused_is_said_once(pool: WatchedPool) -> None:
    """The survivor is drained meanwhile; it is news again to a new leader, or if it is due anew."""
    site = await watched(pool)
    await site.lose_primary()
    await site.age(1000.0)
    await pool.run(lambda tx: tx.execute("update vlan set take_over_after = 300"))
    rack = site.pair.two.rack
    await pool.run(
        lambda tx: tx.execute(
            "insert into drain (rack_id, by, expires) values (%s, 'x', now() + interval '1 h')",
            rack,
        )
    )
    with capturedLogs() as events:
        await site.look()
        await site.look()
        await pool.run(lambda tx: tx.execute("update vlan set take_over_after = 0"))
        await site.look()
        await pool.run(lambda tx: tx.execute("update vlan set take_over_after = 300"))
        assert len(refusals(events)) == 1
        await site.look()
        assert len(refusals(events)) == 2
        site.leading = False
        await site.look()
        site.leading = True
        await site.look()
        assert len(refusals(events)) == 3
    assert await site.taken() == 0


@asynchronous
async def test_who_does_not_lead_does_nothing(pool: WatchedPool) -> None:
    """And remembers nothing."""
    site = await watched(pool)
    await site.lose_primary()
    await site.look()
    site.leading = False
    assert await site.look_later() == set()
    assert not site.vigil._memory.alone


@asynchronous
async def test_without_a_database_it_looks_again(pool: WatchedPool) -> None:
    """A look that fails is not the last."""
    site = await watched(pool)
    await few_addresses(site, site.pair.vlan)
    await site.lose_primary()
    await pool.run(lambda tx: tx.execute("alter table pool_count rename to away"))
    site.vigil.startService()
    await after(pool, site.clock, INTERVAL)
    assert await site.alarms() == set()
    await pool.run(lambda tx: tx.execute("alter table away rename to pool_count"))
    await after(pool, site.clock, INTERVAL)
    assert await site.alarms() == {"dhcp.endurance"}


@asynchronous
async def test_few_addresses_of_a_relayed_vlan_are_told(pool: WatchedPool) -> None:
    """Of it, and that a rack is alone only of the VLAN where its place is."""
    site = await watched(pool)
    relayed = VlanId(await pool.run(lambda tx: tx.value(RELAYED)))
    await few_addresses(site, relayed)
    await site.lose_primary()
    await site.look()
    await site.look_later()
    alarms = [each for each in await pool.run(open_alarms) if each.kind in MINE]
    found = {(each.subject, each.kind) for each in alarms}
    assert found == {
        (f"vlan:{site.pair.vlan}", "dhcp.alone"),
        (f"vlan:{relayed}", "dhcp.endurance"),
    }


def test_the_grace_is_longer_than_a_restart() -> None:
    """Two seconds at most."""
    assert GRACE > 2.0
