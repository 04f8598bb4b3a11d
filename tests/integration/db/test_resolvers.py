"""Regions say where name servers may be, racks ask them, and clients are told together."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address

from attrs import frozen

from maasha.db.events import history
from maasha.db.findings import store_findings
from maasha.db.pool import Pool
from maasha.db.probes import MOST, read_probes
from maasha.db.resolvers import (
    KEPT,
    OLD,
    Told,
    prune_resolvers,
    publish_resolvers,
    read_namings,
    tell_servers,
    told_servers,
)
from maasha.db.situations import load_situation
from maasha.model.cluster import RackKey
from maasha.model.naming import Naming
from maasha.model.probe import Finding, Probe, ResolverSeen
from maasha.model.service import RackSituation
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import interface, plug
from tests.integration.db.site import Site, make_site

A, B, SIX = IPv4Address("10.0.5.53"), IPv4Address("10.0.6.53"), ip_address("fd00::53")
CLIENT = "02:00:00:00:00:aa"
AGED = "update region_resolver set seen = seen - make_interval(secs => %s)"
PAIRED = """
insert into service (vlan_id, rack_id, asked, running, state)
values (%s, %s, %s::jsonb, %s::jsonb, %s)
"""
SOLO, PRIMARY = '{"duty": "solo"}', '{"duty": "primary"}'


@frozen
class Town:
    """A VLAN that the first of some racks serves, and one region."""

    pool: Pool
    site: Site

    @property
    def racks(self) -> list[RackKey]:
        """Their numbers."""
        return [rack.rack for rack in self.site.racks]

    async def publish(self, *addresses: object, by_hand: bool = False) -> None:
        """Let the region say where its name server may be."""
        region = self.site.worker.identity.region
        given: Sequence[IPv4Address] = addresses  # type: ignore[assignment]
        await self.pool.run(lambda tx: publish_resolvers(tx, region, given, by_hand=by_hand))

    async def naming(self) -> Naming:
        """Read the VLAN's."""
        (found,) = (await self.pool.run(read_namings)).vlans
        return found

    async def possible(self) -> list[IPv4Address]:
        """Give where name servers may be."""
        return [each.address for each in (await self.naming()).resolvers]

    async def probes(self) -> list[Probe]:
        """Give what each rack is to probe."""
        racks = self.racks
        found = await self.pool.run(lambda tx: read_probes(tx, racks, CLIENT))
        return [probe for rack in racks for probe in found.get(rack, ())]

    async def tell(self, *servers: IPv4Address, rearranges: bool = False) -> None:
        """Have clients told."""
        told = Told(self.site.vlan, servers, rearranges, "a test")
        await self.pool.run(lambda tx: tell_servers(tx, "leader", [told]))

    async def situation(self) -> RackSituation:
        """Read what the first rack's owner decides by."""
        rack = self.racks[0]
        found = await self.pool.run(lambda tx: load_situation(tx, rack))
        assert found is not None
        return found

    async def wanted(self) -> Stamp:
        """Give the generation that the first rack is to run."""
        return (await self.situation()).generation

    async def do(self, sql: str, *values: object) -> None:
        """Change rows behind the back of `maasha.db`."""
        await self.pool.run(lambda tx: tx.execute(sql, *values))


async def town(pool: Pool, racks: int = 2) -> Town:
    """Give one."""
    return Town(pool, await make_site(pool, racks))


@asynchronous
async def test_a_regions_addresses(pool: Pool) -> None:
    """In the order in which it says them; one that it loses is remembered for a while."""
    at = await town(pool)
    await at.publish(B, A, SIX)
    assert await at.possible() == [B, A]
    await at.publish(A)
    assert await at.possible() == [A, B]
    await at.do(AGED, KEPT)
    await at.publish(A)
    assert await at.possible() == [A]


@asynchronous
async def test_an_operators_word_counts_at_once(pool: Pool) -> None:
    """Also that there is none, and that he says nothing any more."""
    at = await town(pool)
    await at.publish(A)
    await at.publish(B, by_hand=True)
    (only,) = (await at.naming()).resolvers
    assert (only.address, only.by_hand) == (B, True)
    await at.publish(by_hand=True)
    assert await at.possible() == []
    await at.publish(B, by_hand=True)
    await at.publish(A)
    (only,) = (await at.naming()).resolvers
    assert (only.address, only.by_hand) == (A, False)


@asynchronous
async def test_an_address_that_many_hosts_have_is_none(pool: Pool) -> None:
    """Each rack would ask itself, unless an operator says so; one rack may share its host."""
    at = await town(pool)
    bridge = IPv4Address("172.17.0.1")
    await at.publish(bridge)
    first, second = at.site.racks
    await plug(at.pool, first, interface("eth0", "10.0.0.1/24"), interface("br0", "172.17.0.1/16"))
    assert bridge in [each for probe in await at.probes() for each in probe.resolvers]
    await plug(at.pool, second, interface("eth0", "10.0.0.2/24"), interface("br0", "172.17.0.1/16"))
    assert [probe.resolvers for probe in await at.probes() if probe.resolvers] == []
    await at.publish(bridge, by_hand=True)
    assert bridge in [each for probe in await at.probes() for each in probe.resolvers]


@asynchronous
async def test_every_rack_probes_and_two_ask(pool: Pool) -> None:
    """From their own addresses; those that serve the VLAN before others."""
    at = await town(pool, racks=4)
    await at.publish(A, B)
    one, two, three, four = await at.probes()
    assert one == Probe(at.site.vlan, "eth0", CLIENT, IPv4Address("10.0.0.1"), (A, B))
    assert (two.resolvers, three.resolvers, four.resolvers) == ((A, B), (), ())
    await at.do("update vlan set secondary_rack = %s", at.racks[3])
    assert [bool(probe.resolvers) for probe in await at.probes()] == [True, False, False, True]
    await at.do("delete from link where rack_id = %s", at.racks[3])
    assert [bool(probe.resolvers) for probe in await at.probes()] == [True, True, False, False]


@asynchronous
async def test_an_interface_without_an_address_is_probed(pool: Pool) -> None:
    """Nobody can be asked from there; one that is on no VLAN is not."""
    at = await town(pool, racks=1)
    await at.publish(A)
    await at.do("delete from interface_address")
    (probe,) = await at.probes()
    assert (probe.address, probe.resolvers) == (None, ())
    await at.do("update interface set vlan_id = null")
    assert await at.probes() == []


@asynchronous
async def test_the_newest_word_of_all_racks_counts(pool: Pool) -> None:
    """An old one is forgotten, unless clients are told of the name server."""
    at = await town(pool)
    await at.publish(A)
    one, two = at.racks

    async def says(rack: RackKey, asked: float, answered: float | None) -> None:
        finding = Finding(at.site.vlan, resolvers=(ResolverSeen(A, asked, answered),))
        await at.pool.run(lambda tx: store_findings(tx, rack, [finding]))

    await says(one, 700.0, 700.0)
    await says(two, 5.0, None)
    seen = await at.pool.run(read_namings)
    (resolver,) = seen.vlans[0].resolvers
    assert resolver.asked is not None
    assert resolver.answered is not None
    assert 5.0 <= (seen.now - resolver.asked).total_seconds() < 10.0
    assert 700.0 <= (seen.now - resolver.answered).total_seconds() < 710.0
    await at.tell(A)
    await at.do("update resolver_sighting set asked = asked - make_interval(secs => %s)", OLD)
    assert await at.pool.run(prune_resolvers) == 0
    await at.tell(B)
    assert await at.pool.run(prune_resolvers) == 2


@asynchronous
async def test_clients_are_told(pool: Pool) -> None:
    """The VLAN's racks have something else to run, and their owners see what."""
    at = await town(pool)
    before = await at.wanted()
    await at.tell(B, A)
    assert await at.wanted() > before
    (vlan,) = (await at.situation()).vlans
    assert vlan.region_dns == (B, A)
    assert vlan.subnets[0].allow_dns
    assert await at.pool.run(told_servers) == {at.site.vlan: (B, A)}
    found = await at.naming()
    assert (found.told, found.rearranged) == ((B, A), None)
    event = (await at.pool.run(history))[0]
    assert (event.kind, event.subject) == ("vlan.name-servers", f"vlan:{at.site.vlan}")


@asynchronous
async def test_a_rearrangement_is_remembered(pool: Pool) -> None:
    """Also when the next change is none."""
    at = await town(pool)
    await at.tell(A)
    await at.tell(B, A, rearranges=True)
    when = (await at.naming()).rearranged
    assert when is not None
    await at.tell(B, A, IPv4Address("10.0.7.53"))
    assert (await at.naming()).rearranged == when


@asynchronous
async def test_who_has_nothing_of_it_is_not_disturbed(pool: Pool) -> None:
    """Neither where DHCP is off nor where each subnet has its own name servers, or wants none."""
    at = await town(pool)
    before = await at.wanted()
    await at.do("update vlan set dhcp_on = false")
    await at.tell(A)
    await at.do("update vlan set dhcp_on = true")
    await at.do("update subnet set dns_servers = '{10.0.0.53}'")
    await at.tell(B)
    await at.do("update subnet set dns_servers = '{}', allow_dns = false")
    await at.tell(A)
    assert await at.wanted() == before


RELAYED = """
insert into vlan (fabric_id, vid, relay_vlan) select fabric_id, 9, id from vlan returning id
"""
SUBNET = "insert into subnet (vlan_id, name, cidr) values (%s, 'far', '10.9.0.0/24')"


@asynchronous
async def test_a_relayed_vlan_is_told_with_the_one_it_is_relayed_to(pool: Pool) -> None:
    """Its subnets are in the same configuration, and nobody else has clients of that VLAN."""
    at = await town(pool)
    relayed = await at.pool.run(lambda tx: tx.value(RELAYED))
    await at.do(SUBNET, relayed)
    await at.do("update subnet set dns_servers = '{10.0.0.53}' where vlan_id <> %s", relayed)
    before = await at.wanted()
    await at.tell(A)
    assert await at.wanted() > before
    assert (await at.naming()).vlan == at.site.vlan
    await at.do("delete from vlan_naming")
    await at.do("delete from subnet where vlan_id <> %s", relayed)
    assert (await at.naming()).vlan == at.site.vlan


@asynchronous
async def test_a_rack_is_restarted_only_if_all_its_pairs_are_normal(pool: Pool) -> None:
    """One dhcpd serves all VLANs of a rack: what is not normal on one of them is no time for it."""
    at = await town(pool, racks=3)
    one, two, three = at.racks
    other = await at.pool.run(
        lambda tx: tx.value(
            "insert into vlan (fabric_id, vid) select fabric_id, 9 from vlan returning id"
        )
    )
    await at.do(PAIRED, at.site.vlan, one, SOLO, SOLO, "unknown")
    await at.do(PAIRED, other, two, PRIMARY, PRIMARY, "normal")
    await at.do(PAIRED, other, three, PRIMARY, PRIMARY, "communications-interrupted")
    assert (await at.naming()).calm
    await at.do("update vlan set secondary_rack = %s where id = %s", two, at.site.vlan)
    assert not (await at.naming()).calm
    await at.do(
        "update vlan set primary_rack = %s, secondary_rack = null where id = %s", two, at.site.vlan
    )
    assert not (await at.naming()).calm
    await at.do("update service set state = 'normal'")
    assert (await at.naming()).calm


@asynchronous
async def test_each_region_has_a_name_server_asked_before_any_has_two(pool: Pool) -> None:
    """However many addresses a region has, whatever their numbers."""
    at = await town(pool, racks=1)
    many = [IPv4Address("10.0.5.1") + number for number in range(MOST + 4)]
    await at.publish(*reversed(many))
    await at.do("insert into region (system_id, hostname, version) values ('second', 'r2', '1')")
    await at.do(
        "insert into region_resolver (region_id, address, place, by_hand)"
        " select id, %s, 1, false from region where system_id = 'second'",
        IPv4Address("10.200.0.53"),
    )
    (probe,) = await at.probes()
    assert len(probe.resolvers) == MOST
    assert set(probe.resolvers[:2]) == {many[-1], IPv4Address("10.200.0.53")}
    assert set(probe.resolvers[2:]) == set(many[-MOST + 1 : -1])


@asynchronous
async def test_a_pair_that_is_not_normal_is_no_calm(pool: Pool) -> None:
    """Nor one of which a rack has no link, whatever it said last; who serves alone is no pair."""
    at = await town(pool)
    one, two = at.racks
    vlan = at.site.vlan
    await at.do(PAIRED, vlan, one, SOLO, SOLO, "unknown")
    assert (await at.naming()).calm
    await at.do("delete from service")
    await at.do(PAIRED, vlan, one, PRIMARY, PRIMARY, "normal")
    await at.do(PAIRED, vlan, two, PRIMARY, SOLO, "normal")
    assert (await at.naming()).calm
    await at.do("update service set state = 'recover' where rack_id = %s", two)
    assert not (await at.naming()).calm
    await at.do("update service set state = 'normal'")
    await at.do("delete from link where rack_id = %s", two)
    assert not (await at.naming()).calm


@asynchronous
async def test_a_vlan_without_subnets_is_left_alone(pool: Pool) -> None:
    """There are no clients to be told."""
    at = await town(pool)
    await at.do("insert into vlan (fabric_id, vid) select fabric_id, 7 from vlan")
    assert [each.vlan for each in (await at.pool.run(read_namings)).vlans] == [at.site.vlan]
