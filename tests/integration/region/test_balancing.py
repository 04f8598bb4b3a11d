"""The leader has links moved until the workers are even, and then leaves them alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.balancer.brakes import Act, Limits
from maasha.balancer.policy import Policy
from maasha.db.drains import Place, begin_drain, drains, pause, resume
from maasha.db.events import open_alarms
from maasha.db.leading import Acknowledged, acknowledge, acknowledge_racks
from maasha.db.link_moves import MoveView, moves
from maasha.db.placement import evenness
from maasha.db.roles import read_roles, store_sightings
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.codec import from_loose
from maasha.model.leader import Cause, Outlook
from maasha.model.network import VlanId
from maasha.model.sighting import Sighting
from maasha.region.appointing import Appointing
from maasha.region.balancing import STEP, Balancing
from maasha.region.rush import Rush
from maasha.rpc.errors import Unavailable
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Rack, Town
from tests.integration.region.worker import Worker

AT_ONCE = Policy(settled=0.0, share=1.0)
CARELESS = Limits(after_leader=0.0, moves_after_gap=0.0, roles_after_leader=0.0)


def balancing(pool: WatchedPool, clock: Clock, *, leading: bool = True) -> Balancing:
    """Give a leader that waits for nothing, and has begun."""
    made = Balancing(
        clock, pool.run, lambda: leading, Appointing(pool.run), Rush(clock), AT_ONCE, CARELESS
    )
    made.startService()
    return made


@pytest.fixture
def racks(tmp_path: Path) -> list[Rack]:
    """Give four racks."""
    town = Town()
    return [Rack(tmp_path / str(number), f"rack{number}", town) for number in range(4)]


async def crowd(racks: list[Rack], full: Worker, empty: Worker) -> None:
    """Link all racks to one worker; they may move to the other one."""
    for rack in racks:
        await rack.join(full.registration)
        rack.moves_to = empty.registration


async def links(pool: WatchedPool) -> Counter[int]:
    """Count the links of each slot."""
    rows = await pool.run(
        lambda tx: tx.rows("select slot from link join worker on worker.id = worker_id")
    )
    return Counter(row.slot for row in rows)


async def owners(pool: WatchedPool) -> Counter[int]:
    """Count the racks that each slot owns."""
    rows = await pool.run(
        lambda tx: tx.rows("select slot from rack join worker on worker.id = owner")
    )
    return Counter(row.slot for row in rows)


async def outlook(pool: WatchedPool) -> Outlook:
    """Give what the leader wrote last."""
    found = await pool.run(lambda tx: tx.value("select outlook from leader"))
    return from_loose(Outlook, found)


async def history(pool: WatchedPool) -> tuple[MoveView, ...]:
    """Give the moves, the oldest first."""
    return (await pool.run(moves))[::-1]


async def rounds(
    pool: WatchedPool, clock: Clock, workers: tuple[Worker, ...], count: int = 4
) -> None:
    """Let some seconds pass; notices reach the workers."""
    for _ in range(count):
        await after(pool, clock, STEP)
        for worker in workers:
            worker.relocation.wake()
            worker.wardship.wake()
        await at_rest(pool, clock)


@asynchronous
async def test_what_may_be_done_is_known_from_the_first_look_on(
    worker: Worker,  # noqa: ARG001  there is somebody
    pool: WatchedPool,
    clock: Clock,
) -> None:
    """Before it, after the lock is lost and while another one leads nothing may be done."""
    leader = balancing(pool, clock)
    await at_rest(pool, clock)
    assert leader.verdict.allows(Act.TAKE_OVER)
    leader.deposed()
    assert not leader.verdict.allows(Act.TAKE_OVER)
    other = balancing(pool, clock, leading=False)
    await after(pool, clock, STEP)
    assert not other.verdict.allows(Act.TAKE_OVER)


@asynchronous
async def test_a_full_worker_gives_what_is_too_much(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, racks: list[Rack]
) -> None:
    """Two of four go, their ownership too; then nothing moves any more."""
    await crowd(racks, worker, second)
    leader = balancing(pool, clock)
    await rounds(pool, clock, (worker, second))
    assert await links(pool) == {0: 2, 1: 2}
    assert await owners(pool) == {0: 2, 1: 2}
    told = await history(pool)
    assert [(one.source, one.target, one.failure) for one in told] == [
        ("region1/0", "region1/1", "")
    ] * 2
    assert all(one.ended is not None for one in told)
    leader.news()
    await rounds(pool, clock, (worker, second))
    assert len(await history(pool)) == 2
    noted = await pool.run(evenness)
    assert noted[-1].ratio == 2.0


@asynchronous
async def test_what_the_leader_has_in_mind_is_written(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, racks: list[Rack]
) -> None:
    """Why it holds still, until when, and that it evens; as long as nothing changes, once."""
    await crowd(racks, worker, second)
    await pool.run(lambda tx: pause(tx, "user:admin", None))
    leader = balancing(pool, clock)
    await rounds(pool, clock, (worker, second), 2)
    held = await outlook(pool)
    assert [hold.cause for hold in held.holds] == [Cause.PAUSED]
    assert held.acting.links
    await pool.run(lambda tx: resume(tx, "user:admin"))
    leader.news()
    await rounds(pool, clock, (worker, second))
    after = await outlook(pool)
    assert (after.since, after.holds, after.acting.links) == (held.since, (), False)


async def vanish(tx: Transaction) -> None:
    """Let two racks have no link since a minute ago."""
    await tx.execute("delete from link where rack_id in (select id from rack order by id limit 2)")
    await tx.execute("update rack set last_seen = clock_timestamp() - interval '1 minute'")


@asynchronous
async def test_racks_that_vanished_and_are_known(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, racks: list[Rack]
) -> None:
    """They hold everything until somebody says that it is known; then the alarm is over."""
    await crowd(racks, worker, second)
    await at_rest(pool, clock)  # whoever still reports a rack would be the last to have heard it
    await pool.run(vanish)
    leader = balancing(pool, clock)
    await rounds(pool, clock, (worker, second))
    (alarm,) = await pool.run(open_alarms)
    assert "maasha acknowledge" in alarm.detail
    assert [hold.cause for hold in (await outlook(pool)).holds] == [Cause.RACKS_VANISHED]
    assert await history(pool) == ()
    await pool.run(lambda tx: acknowledge(tx, "user:admin", alarm.at))
    leader.news()
    await rounds(pool, clock, (worker, second))
    assert await pool.run(open_alarms) == ()
    assert (await outlook(pool)).holds == ()
    assert await links(pool) == {0: 1, 1: 1}


SERVED = """
update vlan set dhcp_on = true, primary_by = 'user:admin',
    primary_rack = (select id from rack where hostname = 'rack2')
where id = (select vlan_id from interface join rack on rack.id = rack_id where hostname = 'rack2')
returning id
"""
ORDER = "select id from rack order by hostname"
WHY = "select detail from event where kind = 'vlan.roles'"


async def make_fit(pool: WatchedPool) -> VlanId:
    """Have rack2 serve its VLAN, and rack3 be fit to be the secondary; gives the VLAN."""

    async def work(tx: Transaction) -> VlanId:
        vlan = VlanId(await tx.value(SERVED))
        _, _, one, two = (RackKey(row.id) for row in await tx.rows(ORDER))
        for rack, peer in ((one, two), (two, one)):
            await store_sightings(tx, rack, [Sighting(vlan, peer, 0.0, 0.0, 0.1)])
        return vlan

    return await pool.run(work)


@asynchronous
async def test_racks_that_vanished_hold_roles(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """Nobody is appointed meanwhile; to know of one of the two is enough, for one is not many."""
    town = Town()
    racks = [
        Rack(tmp_path / str(number), f"rack{number}", town, f"10.0.0.{number + 1}/24")
        for number in range(4)
    ]
    await crowd(racks, worker, second)
    await at_rest(pool, clock)
    vlan = await make_fit(pool)
    await pool.run(vanish)
    leader = balancing(pool, clock)
    await rounds(pool, clock, (worker, second))
    assert [hold.cause for hold in (await outlook(pool)).role_holds] == [Cause.RACKS_VANISHED]
    (roles,) = (await pool.run(lambda tx: read_roles(tx, [vlan]))).vlans
    assert [one.hostname for one in roles.candidates if one.linked] == ["rack2", "rack3"]
    assert await pool.run(lambda tx: tx.rows(WHY)) == []
    now = await pool.run(lambda tx: tx.value("select clock_timestamp()"))
    said, gone = Acknowledged("user:admin", now), {roles.candidates[0].rack: "rack0"}
    await pool.run(lambda tx: acknowledge_racks(tx, said, gone))
    leader.news()
    await rounds(pool, clock, (worker, second))
    assert (await outlook(pool)).role_holds == ()
    (row,) = await pool.run(lambda tx: tx.rows(WHY))
    assert row.detail == "rack3 is the secondary: it and rack2 reach each other"


@asynchronous
async def test_only_the_leader_moves_anything(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, racks: list[Rack]
) -> None:
    """Whoever does not lead looks on."""
    await crowd(racks, worker, second)
    balancing(pool, clock, leading=False)
    await rounds(pool, clock, (worker, second))
    assert await history(pool) == ()


@asynchronous
async def test_a_rack_that_refuses_is_told_and_asked_again_later(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, racks: list[Rack]
) -> None:
    """The failure is on record with its reason; the link stays."""
    await crowd(racks, worker, second)
    for rack in racks:
        rack.moves_to = None
    balancing(pool, clock)
    await rounds(pool, clock, (worker, second), 1)
    told = await history(pool)
    assert {one.failure for one in told} == {"the link stays where it is: it stays"}
    assert await links(pool) == {0: 4}


@asynchronous
async def test_a_drained_worker_is_emptied(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, racks: list[Rack]
) -> None:
    """Whatever the loads are; it takes nobody in, and the end of the drain is all it takes."""
    await crowd(racks[:1], worker, second)
    region = await pool.run(lambda tx: tx.value("select id from region"))
    place = Place(region=region, slot=0)
    drain = await pool.run(lambda tx: begin_drain(tx, "user:admin", place, 60.0, keep=False))
    balancing(pool, clock)
    worker.presence.wake()
    await rounds(pool, clock, (worker, second), 3)
    assert await links(pool) == {1: 1}
    assert await owners(pool) == {1: 1}
    (shown,) = await pool.run(drains)
    assert (shown.id, shown.what, shown.remaining) == (drain, "worker:region1/0", 0)
    with pytest.raises(Unavailable, match="drained"):
        await racks[1].join(worker.registration)


@asynchronous
async def test_a_pause_stops_evening_and_no_drain(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, racks: list[Rack]
) -> None:
    """People's commands still work."""
    await crowd(racks, worker, second)
    await pool.run(lambda tx: pause(tx, "user:admin", None))
    leader = balancing(pool, clock)
    await rounds(pool, clock, (worker, second))
    assert await links(pool) == {0: 4}
    await pool.run(lambda tx: resume(tx, "user:admin"))
    leader.news()
    await rounds(pool, clock, (worker, second))
    assert await links(pool) == {0: 2, 1: 2}
