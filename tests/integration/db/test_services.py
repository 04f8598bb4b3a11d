"""What racks are asked, what they say they run, what they refuse, and whom that wakes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from attrs import evolve, frozen
from twisted.internet.defer import Deferred

from maasha.db.events import history, open_alarms
from maasha.db.overview import RackView, racks
from maasha.db.ownership import claim
from maasha.db.pool import Pool
from maasha.db.racks import Registered, delete_rack, drop_links
from maasha.db.services import (
    mark_running,
    raise_wanted,
    record_asked,
    record_problems,
    record_refusal,
    record_report,
)
from maasha.db.situations import load_situation
from maasha.db.transaction import Transaction
from maasha.model.dhcp import (
    OFF,
    SOLO,
    DhcpReport,
    Duty,
    PeerState,
    Role,
    VlanRole,
    VlanService,
)
from maasha.model.network import IPRange, RangeType, Subnet, SubnetId, VlanId
from maasha.model.service import MemberSituation, RackSituation, VlanSituation
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import Worker, found, hire, interface, link, plug

PRIMARY = Role(Duty.PRIMARY, "failover-vlan-1-1", IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))
SECONDARY = Role(
    Duty.SECONDARY, "failover-vlan-1-1", IPv4Address("10.0.0.2"), IPv4Address("10.0.0.1")
)
NORMAL, INTERRUPTED = PeerState.NORMAL, PeerState.COMMUNICATIONS_INTERRUPTED


@frozen
class Pair:
    """Two racks, linked to one worker, that are to serve one VLAN."""

    worker: Worker
    one: Registered
    two: Registered
    vlan: VlanId


async def make_pair(pool: Pool) -> Pair:
    """Make two racks on 10.0.0.0/24 with a range, DHCP on, and the wanted generation 1.1."""
    worker = await hire(pool, await found(pool), 0)
    one, two = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")
    await plug(pool, one, interface("eth0", "10.0.0.1/24"))
    await plug(pool, two, interface("ens3", "10.0.0.2/24", "fe80::2/64"))

    async def work(tx: Transaction) -> VlanId:
        await tx.execute(
            "update vlan set dhcp_on = true, primary_rack = %s, secondary_rack = %s",
            one.rack,
            two.rack,
        )
        await tx.execute(
            "update subnet set gateway_ip = '10.0.0.254', dns_servers = '{10.0.0.53,10.0.0.54}'"
        )
        await tx.execute(
            "insert into iprange (subnet_id, type, start_ip, end_ip)"
            " select id, 'dynamic', '10.0.0.50', '10.0.0.99' from subnet"
        )
        await raise_wanted(tx, (one.rack, two.rack))
        return VlanId(await tx.value("select id from vlan"))

    return Pair(worker, one, two, await pool.run(work))


async def situation(pool: Pool, rack: Registered) -> RackSituation:
    """Load a rack's situation."""
    found = await pool.run(lambda tx: load_situation(tx, rack.rack))
    assert found is not None
    return found


async def view(pool: Pool, rack: Registered) -> RackView:
    """Show a rack as people see it."""
    (found,) = [one for one in await pool.run(racks) if one.name.key == rack.rack]
    return found


def epoch(rack: Registered) -> Stamp:
    """Give the epoch in which the rack's first worker owns it."""
    assert rack.owner is not None
    return rack.owner.epoch


async def report(
    pool: Pool, rack: Registered, *services: VlanService, settles: bool = True, **more: object
) -> bool:
    """Have a rack report."""
    text = DhcpReport(True, services=services, **more)  # type: ignore[arg-type]
    return await pool.run(
        lambda tx: record_report(tx, rack.rack, epoch(rack), text, settles=settles)
    )


@asynchronous
async def test_who_is_under_way_is_seen_by_its_partner(pool: Pool) -> None:
    """From the command until the answer; what it says of itself meanwhile ends nothing."""
    pair = await make_pair(pool)

    async def under_way() -> bool:
        seen = await situation(pool, pair.one)
        return seen.vlans[0].members[1].commanded

    two = pair.two
    await pool.run(lambda tx: record_asked(tx, two.rack, epoch(two), ()))
    assert await under_way()
    await report(pool, two, settles=False)
    assert await under_way()
    await report(pool, two)
    assert not await under_way()
    await pool.run(lambda tx: record_asked(tx, two.rack, epoch(two), ()))
    await pool.run(lambda tx: record_refusal(tx, two.rack, epoch(two), Stamp(1, 1), "no"))
    assert not await under_way()


@asynchronous
async def test_who_runs_all_that_is_wanted_is_seen_by_its_partner(pool: Pool) -> None:
    """It is current from the end of a generation to the next one."""
    pair = await make_pair(pool)

    async def current() -> bool:
        seen = await situation(pool, pair.one)
        return seen.vlans[0].members[1].current

    assert not await current()
    await pool.run(lambda tx: mark_running(tx, pair.two.rack, epoch(pair.two), Stamp(1, 1)))
    assert await current()
    await pool.run(lambda tx: raise_wanted(tx, [pair.two.rack]))
    assert not await current()


@asynchronous
async def test_situation(pool: Pool) -> None:
    """A rack's situation has its VLANs with subnets, ranges and members."""
    pair = await make_pair(pool)
    seen = await situation(pool, pair.one)
    members = (
        MemberSituation(pair.one.rack, "rack1", "eth0", IPv4Address("10.0.0.1"), current=False),
        MemberSituation(pair.two.rack, "rack2", "ens3", IPv4Address("10.0.0.2"), current=False),
    )
    subnet = Subnet(
        SubnetId(1),
        IPv4Network("10.0.0.0/24"),
        IPv4Address("10.0.0.254"),
        (IPv4Address("10.0.0.53"), IPv4Address("10.0.0.54")),
        (IPRange(RangeType.DYNAMIC, IPv4Address("10.0.0.50"), IPv4Address("10.0.0.99")),),
    )
    vlan = VlanSituation(
        vlan=pair.vlan,
        lease_time=600,
        mtu=1500,
        pairing=1,
        dhcp_on=True,
        primary=pair.one.rack,
        secondary=pair.two.rack,
        subnets=(subnet,),
        members=members,
    )
    assert seen == RackSituation(
        rack=pair.one.rack,
        generation=Stamp(1, 1),
        running=Stamp(0, 0),
        digest="",
        vlans=(vlan,),
        omapi_secret=seen.omapi_secret,
        hosts=None,
    )
    assert seen.omapi_secret
    assert seen.omapi_secret not in repr(seen)


@asynchronous
async def test_unmanaged(pool: Pool) -> None:
    """A subnet that is not managed is there without its ranges."""
    pair = await make_pair(pool)
    await pool.run(lambda tx: tx.execute("update subnet set managed = false"))
    assert (await situation(pool, pair.one)).vlans[0].subnets[0].ranges == ()


@asynchronous
async def test_asked(pool: Pool) -> None:
    """What a rack is asked is on record before it is told; only its owner writes that."""
    pair = await make_pair(pool)
    asked = (VlanRole(pair.vlan, SOLO), VlanRole(VlanId(99), SOLO))
    assert await pool.run(lambda tx: record_asked(tx, pair.one.rack, epoch(pair.one), asked))
    member = (await situation(pool, pair.two)).vlans[0].members[0]
    assert (member.asked, member.running) == (SOLO, OFF)
    later = epoch(pair.one).next()
    assert not await pool.run(lambda tx: record_asked(tx, pair.one.rack, later, ()))
    assert await pool.run(lambda tx: record_asked(tx, pair.one.rack, epoch(pair.one), ()))
    assert (await situation(pool, pair.two)).vlans[0].members[0].asked == OFF


@asynchronous
async def test_dissolving(pool: Pool) -> None:
    """A rack that no longer serves a VLAN sees it until it says that it has stopped."""
    pair = await make_pair(pool)
    await report(pool, pair.two, VlanService(pair.vlan, SECONDARY, NORMAL, NORMAL))
    await pool.run(lambda tx: tx.execute("update vlan set secondary_rack = null"))
    assert [vlan.vlan for vlan in (await situation(pool, pair.two)).vlans] == [pair.vlan]
    await report(pool, pair.two)
    assert (await situation(pool, pair.two)).vlans == ()


@asynchronous
async def test_reported(pool: Pool) -> None:
    """A report is what the rack runs; while a command is on its way it does not settle it."""
    pair = await make_pair(pool)
    asked = (VlanRole(pair.vlan, SOLO),)
    await pool.run(lambda tx: record_asked(tx, pair.one.rack, epoch(pair.one), asked))
    running = VlanService(pair.vlan, PRIMARY, NORMAL, INTERRUPTED)
    assert await report(pool, pair.one, running, settles=False, digest="d")
    seen = await situation(pool, pair.one)
    member = seen.vlans[0].members[0]
    assert seen.digest == "d"
    assert (member.asked, member.running) == (SOLO, PRIMARY)
    assert (member.state, member.partner) == (NORMAL, INTERRUPTED)
    assert await report(pool, pair.one, running)
    assert (await situation(pool, pair.one)).vlans[0].members[0].asked == PRIMARY
    stale = evolve(
        pair.one,
        owner=None if pair.one.owner is None else evolve(pair.one.owner, epoch=Stamp(1, 99)),
    )
    assert not await report(pool, stale)


@asynchronous
async def test_old_news(pool: Pool) -> None:
    """Without a live link a rack's peer state is unknown, whatever it said last."""
    pair = await make_pair(pool)
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    await pool.run(lambda tx: drop_links(tx, [pair.one.link]))
    member = (await situation(pool, pair.two)).vlans[0].members[0]
    assert (member.running, member.state, member.partner) == (
        PRIMARY,
        PeerState.UNKNOWN,
        PeerState.UNKNOWN,
    )


@asynchronous
async def test_peer_alarm(pool: Pool) -> None:
    """A peer that is interrupted opens the VLAN's alarm; both normal again clears it."""
    pair = await make_pair(pool)
    one = VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL)
    two = VlanService(pair.vlan, SECONDARY, NORMAL, NORMAL)
    await report(pool, pair.one, one)
    await report(pool, pair.two, two)
    assert await pool.run(open_alarms) == ()
    await report(pool, pair.two, evolve(two, state=INTERRUPTED))
    await report(pool, pair.one, evolve(one, state=INTERRUPTED))
    (alarm,) = await pool.run(open_alarms)
    assert (alarm.subject, alarm.kind) == (f"vlan:{pair.vlan}", "dhcp.interrupted")
    assert alarm.detail == "seen by rack1, rack2"
    await report(pool, pair.one, one)
    (alarm,) = await pool.run(open_alarms)
    assert alarm.detail == "seen by rack2"
    await report(pool, pair.two, two)
    assert await pool.run(open_alarms) == ()
    told = [event.detail for event in await pool.run(history) if event.kind == "dhcp.peer-state"]
    assert told[0] == "rack2: communications-interrupted -> normal"
    assert len(told) == 6


@asynchronous
async def test_refused(pool: Pool) -> None:
    """A refusal keeps dhcpd's listing and an alarm until a generation runs.

    It settles what was asked: the rack runs on what it ran.
    """
    pair = await make_pair(pool)
    rack = pair.one.rack
    await report(pool, pair.one, VlanService(pair.vlan, SOLO))
    asked = (VlanRole(pair.vlan, PRIMARY),)
    await pool.run(lambda tx: record_asked(tx, rack, epoch(pair.one), asked))
    await pool.run(
        lambda tx: record_refusal(
            tx, rack, epoch(pair.one), Stamp(1, 1), "line 3: semicolon expected"
        )
    )
    seen = await situation(pool, pair.one)
    assert seen.vlans[0].members[0].asked == SOLO
    await report(pool, pair.one, VlanService(pair.vlan, SOLO), problem="dhcpd died")
    assert (await view(pool, pair.one)).complaint == "dhcpd died"
    await report(pool, pair.one, VlanService(pair.vlan, SOLO))
    assert (await view(pool, pair.one)).complaint == "line 3: semicolon expected"
    assert (await view(pool, pair.one)).refused
    assert [alarm.kind for alarm in await pool.run(open_alarms)] == ["dhcp.refused"]
    await pool.run(lambda tx: raise_wanted(tx, (rack,)))
    await pool.run(lambda tx: mark_running(tx, rack, epoch(pair.one), Stamp(1, 2)))
    done = await view(pool, pair.one)
    assert (done.failed, done.running) == (Stamp(0, 0), Stamp(1, 2))
    assert await pool.run(open_alarms) == ()
    assert done.complaint == ""


@asynchronous
async def test_problems(pool: Pool) -> None:
    """Why a rack cannot serve a VLAN is on record with an alarm, until a generation has none."""
    pair = await make_pair(pool)
    rack = pair.one.rack

    async def judge(stamp: Stamp, problems: dict[VlanId, str]) -> bool:
        return await pool.run(
            lambda tx: record_problems(tx, rack, epoch(pair.one), stamp, problems)
        )

    assert await judge(Stamp(1, 1), {pair.vlan: "no range"})
    seen = await situation(pool, pair.one)
    assert (seen.judged, seen.vlans[0].members[0].problem) == (Stamp(1, 1), "no range")
    (alarm,) = await pool.run(open_alarms)
    assert (alarm.subject, alarm.kind) == (f"vlan:{pair.vlan}", "dhcp.unserved")
    assert alarm.detail == "rack1: no range"
    assert (await view(pool, pair.one)).complaint == f"VLAN {pair.vlan}: no range"
    await pool.run(lambda tx: raise_wanted(tx, (rack,)))
    assert (await view(pool, pair.one)).complaint == ""
    assert await judge(Stamp(1, 2), {})
    assert await pool.run(open_alarms) == ()
    assert (await situation(pool, pair.one)).vlans[0].members[0].problem == ""


@asynchronous
async def test_problems_of_a_former_owner(pool: Pool) -> None:
    """Nobody listens to it."""
    pair = await make_pair(pool)
    late = epoch(pair.one).next()
    assert not await pool.run(
        lambda tx: record_problems(tx, pair.one.rack, late, Stamp(1, 1), {pair.vlan: "x"})
    )
    assert (await situation(pool, pair.one)).judged == Stamp(0, 0)


@asynchronous
async def test_problem(pool: Pool) -> None:
    """A rack's own words about a dhcpd that is down last until it says nothing more."""
    pair = await make_pair(pool)
    await report(pool, pair.one, problem="dhcpd died")
    assert (await view(pool, pair.one)).problem == "dhcpd died"
    await report(pool, pair.one)
    assert (await view(pool, pair.one)).problem == ""


@asynchronous
async def test_lost_leases(pool: Pool) -> None:
    """A member whose leases file is a new one renames the pair and outdates both members."""
    pair = await make_pair(pool)
    await report(pool, pair.one, lease_store="a")
    assert (await situation(pool, pair.one)).vlans[0].pairing == 1
    await report(pool, pair.one, lease_store="b")
    await report(pool, pair.one, lease_store="b")
    for rack in (pair.one, pair.two):
        seen = await situation(pool, rack)
        assert (seen.vlans[0].pairing, seen.generation) == (2, Stamp(1, 2))
    await link(pool, pair.worker, "rack1", pair.one.system_id, lease_store="c")
    assert (await situation(pool, pair.one)).vlans[0].pairing == 3


@asynchronous
async def test_unknown_generation(pool: Pool) -> None:
    """A rack that runs a generation nobody gave out raises the incarnation."""
    pair = await make_pair(pool)
    await report(pool, pair.one, generation=Stamp(1, 50))
    assert (await situation(pool, pair.one)).generation == Stamp(2, 2)


@asynchronous
async def test_one_decision_at_a_time(pool: Pool) -> None:
    """Two owners of two members decide about their VLAN one after the other."""
    pair = await make_pair(pool)
    order: list[str] = []

    async def second(tx: Transaction) -> None:
        seen = await load_situation(tx, pair.two.rack, deciding=True)
        assert seen is not None
        order.append(seen.vlans[0].members[0].asked.duty.value)

    async def first(tx: Transaction) -> Deferred[None]:
        await load_situation(tx, pair.one.rack, deciding=True)
        other = Deferred.fromCoroutine(pool.run(second))
        await tx.execute("select pg_sleep(0.2)")
        order.append("first")
        asked = (VlanRole(pair.vlan, SOLO),)
        assert await record_asked(tx, pair.one.rack, epoch(pair.one), asked)
        return other

    await (await pool.run(lambda tx: _wrapped(first(tx))))[0]
    assert order == ["first", "solo"]


async def _wrapped(work: object) -> tuple[Deferred[None]]:
    """Keep a Deferred from being awaited inside the transaction."""
    return (await work,)  # type: ignore[misc]  # a coroutine


@asynchronous
async def test_deleted_member(pool: Pool) -> None:
    """A deleted rack has no situation; its partner sees it as deleted, with what it ran."""
    pair = await make_pair(pool)
    await report(pool, pair.one, VlanService(pair.vlan, PRIMARY, NORMAL, NORMAL))
    await pool.run(lambda tx: delete_rack(tx, "user:admin", pair.one.system_id))
    assert await pool.run(lambda tx: load_situation(tx, pair.one.rack)) is None
    member = (await situation(pool, pair.two)).vlans[0].members[0]
    assert (member.deleted, member.running) == (True, PRIMARY)
    assert await pool.run(lambda tx: claim(tx, pair.one.rack, None, pair.worker.id)) is None


@asynchronous
async def test_nobody(pool: Pool) -> None:
    """To want nothing of nobody is nothing."""
    await pool.run(lambda tx: raise_wanted(tx, ()))
