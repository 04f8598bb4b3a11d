"""The leader has clients told of the regions' name servers, and seldom of a change."""

from __future__ import annotations

from ipaddress import IPv4Address

from twisted.internet.task import Clock

from maasha.balancer.brakes import FREE, Act, NotLeading, Verdict
from maasha.db.events import history, open_alarms
from maasha.db.findings import store_findings
from maasha.db.resolvers import publish_resolvers, told_servers
from maasha.db.transaction import Transaction
from maasha.dhcp.naming import DEAD_AFTER
from maasha.model.probe import Finding, ResolverSeen, ServerSeen
from maasha.region.naming import TICK, Naming
from tests.asynchronous import asynchronous
from tests.integration.db.site import Site, make_site
from tests.integration.region.at_rest import WatchedPool

HELD = Verdict({Act.ROLE_CHANGE: (NotLeading(),)})
A, B = IPv4Address("10.0.5.53"), IPv4Address("10.0.6.53")
SECOND = "insert into region (system_id, hostname, version) values ('second', 'region2', '1')"
HOUR = "update vlan_naming set rearranged = rearranged - interval '1 hour'"


async def publish(pool: WatchedPool, site: Site) -> None:
    """Let two regions have a name server each."""

    async def work(tx: Transaction) -> None:
        await tx.execute(SECOND)
        await publish_resolvers(tx, site.worker.identity.region, [A], by_hand=False)
        await tx.execute(
            "insert into region_resolver (region_id, address, place, by_hand)"
            " select id, %s, 1, false from region where system_id = 'second'",
            B,
        )

    await pool.run(work)


async def answer(pool: WatchedPool, site: Site, a: float, b: float) -> None:
    """Let a rack say how long ago each answered; both were asked just now."""
    seen = (ResolverSeen(A, 1.0, a), ResolverSeen(B, 1.0, b))
    rack, finding = site.racks[0].rack, Finding(site.vlan, resolvers=seen)
    await pool.run(lambda tx: store_findings(tx, rack, [finding]))


async def told(pool: WatchedPool) -> tuple[IPv4Address, ...]:
    """Give what clients are told."""
    found = await pool.run(told_servers)
    return next(iter(found.values()), ())


@asynchronous
async def test_clients_are_told_of_who_answers(pool: WatchedPool) -> None:
    """Once a minute at most it is looked at; a dead one goes last, and comes back after an hour."""
    site, clock = await make_site(pool), Clock()
    naming = Naming(clock, pool.run)
    await publish(pool, site)
    await naming.look(FREE)
    assert await told(pool) == ()
    await answer(pool, site, 1.0, 1.0)
    await naming.look(FREE)
    assert await told(pool) == ()
    clock.advance(TICK)
    await naming.look(FREE)
    assert await told(pool) == (A, B)
    event = (await pool.run(history))[0]
    assert event.detail == f"clients are told of the name servers {A}, {B}; before: none"
    await answer(pool, site, DEAD_AFTER + 60, 1.0)
    clock.advance(TICK)
    await naming.look(FREE)
    assert await told(pool) == (B, A)
    await answer(pool, site, 1.0, 1.0)
    clock.advance(TICK)
    await naming.look(FREE)
    assert await told(pool) == (B, A)
    await pool.run(lambda tx: tx.execute(HOUR))
    clock.advance(TICK)
    await naming.look(FREE)
    assert await told(pool) == (A, B)


@asynchronous
async def test_brakes_hold(pool: WatchedPool) -> None:
    """Those of roles; as soon as they do not, it is done."""
    site, clock = await make_site(pool), Clock()
    naming = Naming(clock, pool.run)
    await publish(pool, site)
    await answer(pool, site, 1.0, 1.0)
    await naming.look(HELD)
    assert await told(pool) == ()
    await naming.look(FREE)
    assert await told(pool) == (A, B)


@asynchronous
async def test_alarms_are_looked_at_too(pool: WatchedPool) -> None:
    """DHCP was turned on where there was another's server already."""
    site, naming = await make_site(pool), Naming(Clock(), pool.run)
    await pool.run(lambda tx: tx.execute("update vlan set dhcp_on = false"))
    server = ServerSeen(IPv4Address("10.0.0.99"), "02:00:00:00:00:99", 1.0)
    rack, finding = site.racks[0].rack, Finding(site.vlan, (server,))
    await pool.run(lambda tx: store_findings(tx, rack, [finding]))
    await pool.run(lambda tx: tx.execute("update vlan set dhcp_on = true"))
    await naming.look(FREE)
    assert [alarm.kind for alarm in await pool.run(open_alarms)] == ["dhcp.foreign"]


@asynchronous
async def test_without_a_database_nothing_is_done(pool: WatchedPool) -> None:
    """It is tried again with the next look that is due."""
    site, clock = await make_site(pool), Clock()
    naming = Naming(clock, pool.run)
    await publish(pool, site)
    await answer(pool, site, 1.0, 1.0)
    await pool.run(lambda tx: tx.execute("alter table vlan_naming rename to away"))
    await naming.look(FREE)
    await pool.run(lambda tx: tx.execute("alter table away rename to vlan_naming"))
    await naming.look(FREE)
    assert await told(pool) == ()
    clock.advance(TICK)
    await naming.look(FREE)
    assert await told(pool) == (A, B)
