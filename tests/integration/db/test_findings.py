"""What racks found is kept; others' DHCP servers are an alarm where we serve."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import frozen

from maasha.db.events import open_alarms
from maasha.db.findings import ForeignServer, foreign_servers, judge_all, store_findings
from maasha.db.pool import Pool
from maasha.db.resolvers import OLD
from maasha.db.transaction import Row
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.probe import Finding, ResolverSeen, ServerSeen
from tests.asynchronous import asynchronous
from tests.integration.db.site import Site, make_site

FOREIGN = ServerSeen(IPv4Address("10.0.0.99"), "02:00:00:00:00:99", 2.0)
SECOND = ServerSeen(IPv4Address("10.0.0.98"), "02:00:00:00:00:98", 2.0)
OURS = ServerSeen(IPv4Address("10.0.0.2"), "02:00:00:00:00:02", 2.0)
DNS = IPv4Address("10.0.1.53")
ELSEWHERE = VlanId(4711)
SEEN = """
select address, extract(epoch from clock_timestamp() - asked)::float as asked,
    extract(epoch from clock_timestamp() - answered)::float as answered
from resolver_sighting order by rack_id
"""


@frozen
class Town:
    """A VLAN with DHCP on, and two racks there that find things."""

    pool: Pool
    site: Site

    @property
    def racks(self) -> tuple[RackKey, RackKey]:
        """Both."""
        one, two = (rack.rack for rack in self.site.racks)
        return one, two

    async def tell(
        self,
        rack: RackKey,
        *servers: ServerSeen,
        settled: bool = True,
        resolvers: tuple[ResolverSeen, ...] = (),
        vlan: VlanId | None = None,
    ) -> None:
        """Let a rack tell."""
        finding = Finding(vlan or self.site.vlan, servers, settled, resolvers)
        await self.pool.run(lambda tx: store_findings(tx, rack, [finding]))

    async def foreign(self) -> tuple[ForeignServer, ...]:
        """List others' servers."""
        return (await self.pool.run(foreign_servers)).get(self.site.vlan, ())

    async def alarms(self) -> list[str]:
        """Give the open alarms about them."""
        found = await self.pool.run(open_alarms)
        return [each.detail for each in found if each.kind == "dhcp.foreign"]

    async def seen(self) -> list[Row]:
        """Give what is known of name servers."""
        return await self.pool.run(lambda tx: tx.rows(SEEN))

    async def do(self, sql: str, *values: object) -> None:
        """Change rows behind the back of `maasha.db`."""
        await self.pool.run(lambda tx: tx.execute(sql, *values))

    async def judge(self) -> None:
        """Look at all alarms."""
        await self.pool.run(lambda tx: judge_all(tx, "leader"))


async def town(pool: Pool) -> Town:
    """Give one."""
    return Town(pool, await make_site(pool))


@asynchronous
async def test_a_foreign_server_is_an_alarm(pool: Pool) -> None:
    """With its address, its station and who saw it; it is over when nobody sees it any more."""
    at = await town(pool)
    one, two = at.racks
    await at.tell(one, FOREIGN)
    assert await at.alarms() == ["10.0.0.99 (02:00:00:00:00:99), seen by rack1"]
    await at.tell(two, FOREIGN)
    assert await at.alarms() == ["10.0.0.99 (02:00:00:00:00:99), seen by rack1, rack2"]
    await at.tell(one)
    assert await at.alarms() == ["10.0.0.99 (02:00:00:00:00:99), seen by rack2"]
    await at.tell(two)
    assert await at.alarms() == []
    assert await at.foreign() == ()


@asynchronous
async def test_several_servers_are_one_alarm(pool: Pool) -> None:
    """The first that was found comes first; saying it again is no news."""
    at = await town(pool)
    one, _ = at.racks
    await at.tell(one, FOREIGN)
    await at.tell(one, SECOND, FOREIGN, FOREIGN)
    assert [each.server for each in await at.foreign()] == [FOREIGN.server, SECOND.server]
    (alarm,) = await at.alarms()
    await at.tell(one, SECOND, FOREIGN)
    assert await at.alarms() == [alarm]


@asynchronous
async def test_our_racks_are_not_foreign(pool: Pool) -> None:
    """One that is deleted is, if it serves on."""
    at = await town(pool)
    one, two = at.racks
    await at.tell(one, OURS)
    assert await at.foreign() == ()
    assert await at.alarms() == []
    await at.do("update rack set deleted = clock_timestamp() where id = %s", two)
    await at.judge()
    assert [each.server for each in await at.foreign()] == [OURS.server]
    assert len(await at.alarms()) == 1


@asynchronous
async def test_where_dhcp_is_off_it_is_no_alarm(pool: Pool) -> None:
    """It is shown all the same; turning DHCP on or off is seen with the next look."""
    at = await town(pool)
    await at.do("update vlan set dhcp_on = false")
    await at.tell(at.racks[0], FOREIGN)
    assert len(await at.foreign()) == 1
    assert await at.alarms() == []
    await at.do("update vlan set dhcp_on = true")
    await at.judge()
    assert len(await at.alarms()) == 1
    await at.do("update vlan set dhcp_on = false")
    await at.judge()
    assert await at.alarms() == []


@asynchronous
async def test_a_rack_that_began_anew_takes_nothing_back(pool: Pool) -> None:
    """Before it has asked often enough it knows nothing of others."""
    at = await town(pool)
    one, _ = at.racks
    await at.tell(one, FOREIGN)
    await at.tell(one, settled=False)
    await at.tell(one, SECOND, settled=False)
    assert len(await at.foreign()) == 2
    await at.tell(one, SECOND)
    assert [each.server for each in await at.foreign()] == [SECOND.server]


@asynchronous
async def test_an_old_word_is_forgotten(pool: Pool) -> None:
    """Of a rack that is not heard any more."""
    at = await town(pool)
    await at.tell(at.racks[0], FOREIGN)
    await at.judge()
    assert len(await at.alarms()) == 1
    await at.do("update dhcp_server set seen = seen - make_interval(secs => %s)", OLD)
    await at.judge()
    assert await at.alarms() == []


@asynchronous
async def test_a_vlan_where_the_rack_is_not_is_left_out(pool: Pool) -> None:
    """Whatever it says."""
    at = await town(pool)
    resolver = ResolverSeen(DNS, 1.0)
    await at.tell(at.racks[0], FOREIGN, vlan=ELSEWHERE, resolvers=(resolver,))
    assert await at.pool.run(foreign_servers) == {}
    assert await at.seen() == []


@asynchronous
async def test_name_servers_answers_are_kept(pool: Pool) -> None:
    """By the database's clock; a rack that does not know of an answer takes none back."""
    at = await town(pool)
    one, _ = at.racks
    await at.tell(one, resolvers=(ResolverSeen(DNS, 3.0, 30.0), ResolverSeen(DNS, 3.0, 30.0)))
    (row,) = await at.seen()
    assert 3.0 <= row.asked < 8.0
    assert 30.0 <= row.answered < 35.0
    await at.tell(one, resolvers=(ResolverSeen(DNS, -5.0),))
    (row,) = await at.seen()
    assert 0.0 <= row.asked < 5.0
    assert row.answered is not None


@asynchronous
async def test_a_relayed_vlan_is_served_where_the_other_one_is(pool: Pool) -> None:
    """So others' servers there are an alarm."""
    at = await town(pool)
    home = await at.pool.run(
        lambda tx: tx.value(
            "insert into vlan (fabric_id, vid, dhcp_on) select fabric_id, 9, true from vlan"
            " returning id"
        )
    )
    await at.do(
        "update vlan set dhcp_on = false, relay_vlan = %s where id = %s", home, at.site.vlan
    )
    await at.tell(at.racks[0], FOREIGN)
    assert len(await at.alarms()) == 1
    await at.do("update vlan set dhcp_on = false")
    await at.judge()
    assert await at.alarms() == []
