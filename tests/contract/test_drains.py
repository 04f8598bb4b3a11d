"""What is drained and what is paused: begun, seen, expired, undone, and told in the history."""

from __future__ import annotations

from datetime import timedelta

from maasha.db.drains import (
    OVERDUE,
    DrainId,
    DrainView,
    Kind,
    Place,
    RegionName,
    drain_of,
    drains,
    end_drain,
    expire_drains,
    pause,
    paused,
    rack_named,
    region_named,
    resume,
)
from maasha.db.events import history, open_alarms
from maasha.db.pool import Pool
from maasha.db.racks import delete_rack
from maasha.db.regions import unregister_worker
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    OVER,
    PAUSE_OVER,
    aside,
    found,
    hire,
    silence,
)
from tests.integration.db.drained import HOUR, WHO, a_drain, small


async def kinds(pool: Pool) -> list[str]:
    """Give the kinds of what happened about drains and pauses, the oldest first."""
    events = await pool.run(history)
    wanted = ("drain.", "placement.")
    return [event.kind for event in reversed(events) if event.kind.startswith(wanted)]


async def alarms(pool: Pool) -> list[tuple[str, str]]:
    """Give the subjects and details of the open alarms about drains."""
    found = await pool.run(open_alarms)
    return [(alarm.subject, alarm.detail) for alarm in found if alarm.kind == OVERDUE]


async def the_drains(pool: Pool) -> tuple[DrainView, ...]:
    """Give them."""
    return await pool.run(drains)


@asynchronous
async def test_names(pool: Pool) -> None:
    """Regions and racks are found by host name and system id; one that was deleted is not."""
    _, first, _, rack = await small(pool)
    by_name = await pool.run(lambda tx: region_named(tx, "region1"))
    assert isinstance(by_name, RegionName)
    assert by_name.system_id == first.identity.region
    assert await pool.run(lambda tx: region_named(tx, by_name.system_id)) == by_name
    assert await pool.run(lambda tx: region_named(tx, "region2")) is None
    for name in ("rack1", rack.system_id):
        found = await pool.run(lambda tx, name=name: rack_named(tx, name))  # type: ignore[misc]
        assert found is not None
        assert found.key == rack.rack
    await pool.run(lambda tx: delete_rack(tx, WHO, rack.system_id))
    assert await pool.run(lambda tx: rack_named(tx, "rack1")) is None


@asynchronous
async def test_a_region_is_drained(pool: Pool) -> None:
    """One sees who wanted it, until when, and how many links are left."""
    key, *_ = await small(pool)
    made = await a_drain(pool, Place(region=key))
    (seen,) = await the_drains(pool)
    assert (seen.id, seen.kind, seen.name, seen.what) == (
        made,
        Kind.REGION,
        "region1",
        "region:region1",
    )
    assert (seen.by, seen.keep, seen.overdue, seen.remaining, seen.present) == (
        WHO,
        False,
        False,
        2,
        True,
    )
    assert abs(seen.expires - seen.since - timedelta(hours=1)) < timedelta(seconds=1)
    (event,) = [e for e in await pool.run(history) if e.kind == "drain.begun"]
    assert (event.who, event.subject) == (WHO, "region:region1")
    assert event.detail == f"until {seen.expires:%Y-%m-%d %H:%M:%S} UTC"


@asynchronous
async def test_a_worker_is_drained(pool: Pool) -> None:
    """By its slot, so that a drain outlives its process; only its own links count."""
    key, first, *_ = await small(pool)
    await a_drain(pool, Place(region=key, slot=0))
    (seen,) = await the_drains(pool)
    assert (seen.kind, seen.name, seen.remaining) == (Kind.WORKER, "region1/0", 1)
    await pool.run(lambda tx: unregister_worker(tx, first.id, first.epoch))
    (seen,) = await the_drains(pool)
    assert (seen.remaining, seen.present) == (0, False)
    await hire(pool, first.identity.region, 0)
    assert (await the_drains(pool))[0].present


@asynchronous
async def test_a_drain_outlives_the_dead(pool: Pool) -> None:
    """A region whose workers are silent is not there, but stays drained."""
    key, first, second, _ = await small(pool)
    await a_drain(pool, Place(region=key))
    await silence(pool, first)
    assert (await the_drains(pool))[0].present
    await silence(pool, second)
    assert not (await the_drains(pool))[0].present


@asynchronous
async def test_drained_anew(pool: Pool) -> None:
    """The same thing is drained once; the second wish replaces the first."""
    key, *_ = await small(pool)
    first = await a_drain(pool, Place(region=key), 10.0, keep=True)
    before = (await the_drains(pool))[0]
    assert await a_drain(pool, Place(region=key)) == first
    (after,) = await the_drains(pool)
    assert after.expires > before.expires + timedelta(minutes=50)
    assert not after.keep
    assert await a_drain(pool, Place(region=key, slot=0)) != first
    assert len(await the_drains(pool)) == 2


@asynchronous
async def test_undone(pool: Pool) -> None:
    """It is gone, and the history says by whom; what is not there cannot be undone."""
    key, *_ = await small(pool)
    made = await a_drain(pool, Place(region=key))
    assert await pool.run(lambda tx: drain_of(tx, made)) is not None
    assert await pool.run(lambda tx: end_drain(tx, WHO, made, "undone"))
    assert not await pool.run(lambda tx: end_drain(tx, WHO, made))
    assert await pool.run(lambda tx: drain_of(tx, made)) is None
    assert await kinds(pool) == ["drain.begun", "drain.ended"]


@asynchronous
async def test_it_ends_by_itself(pool: Pool) -> None:
    """When its time is over, and not before."""
    key, *_ = await small(pool)
    made = await a_drain(pool, Place(region=key))
    await pool.run(lambda tx: expire_drains(tx, "balancer"))
    assert len(await the_drains(pool)) == 1
    await over(pool, made)
    await pool.run(lambda tx: expire_drains(tx, "balancer"))
    assert await the_drains(pool) == ()
    assert (await kinds(pool))[-1] == "drain.ended"


async def over(pool: Pool, drain: DrainId) -> None:
    """Make its time over."""
    await aside(pool, OVER, drain)


@asynchronous
async def test_or_an_alarm_says_so(pool: Pool) -> None:
    """One alarm, however often it is looked at; a new drain or its end clears it."""
    key, *_ = await small(pool)
    for settle in ("anew", "undone"):
        made = await a_drain(pool, Place(region=key), keep=True)
        await over(pool, made)
        for _ in range(2):
            await pool.run(lambda tx: expire_drains(tx, "balancer"))
        assert (await the_drains(pool))[0].overdue
        text = f"drained by {WHO}; undo it or drain it anew"
        assert await alarms(pool) == [("region:region1", text)]
        if settle == "anew":
            await a_drain(pool, Place(region=key), keep=True)
        else:
            await pool.run(lambda tx, made=made: end_drain(tx, WHO, made))  # type: ignore[misc]
        assert await alarms(pool) == []


@asynchronous
async def test_what_is_away_stays_drained(pool: Pool) -> None:
    """Until it comes back: then the drain, whose time is over, ends."""
    key, first, second, _ = await small(pool)
    made = await a_drain(pool, Place(region=key))
    await over(pool, made)
    for worker in (first, second):
        await silence(pool, worker)
    await pool.run(lambda tx: expire_drains(tx, "balancer"))
    ((subject, detail),) = await alarms(pool)
    assert (subject, "until it comes back" in detail) == ("region:region1", True)
    await silence(pool, first, -60.0)
    await pool.run(lambda tx: expire_drains(tx, "balancer"))
    assert await the_drains(pool) == ()
    assert await alarms(pool) == []


@asynchronous
async def test_a_deleted_rack_is_not_drained(pool: Pool) -> None:
    """It does not come back; its tombstone has neither a drain nor an alarm about one."""
    _, _, _, rack = await small(pool)
    made = await a_drain(pool, Place(rack=rack.rack), keep=True)
    await over(pool, made)
    await pool.run(lambda tx: expire_drains(tx, "balancer"))
    assert len(await alarms(pool)) == 1
    await pool.run(lambda tx: delete_rack(tx, WHO, rack.system_id))
    assert await the_drains(pool) == ()
    assert await alarms(pool) == []
    assert (await kinds(pool))[-2:] == ["drain.ended", "drain.overdue"]


@asynchronous
async def test_a_pause(pool: Pool) -> None:
    """It lasts until somebody resumes, who is told in the history; a second resume does nothing."""
    await found(pool)
    assert await pool.run(paused) is None
    assert not await pool.run(lambda tx: resume(tx, WHO))
    await pool.run(lambda tx: pause(tx, WHO, None))
    held = await pool.run(paused)
    assert held is not None
    assert (held.by, held.until) == (WHO, None)
    assert await pool.run(lambda tx: resume(tx, WHO))
    assert not await pool.run(lambda tx: resume(tx, WHO))
    assert await pool.run(paused) is None
    assert await kinds(pool) == ["placement.paused", "placement.resumed"]


@asynchronous
async def test_a_pause_with_an_end(pool: Pool) -> None:
    """It is over by itself, and cannot be ended then; the last word counts."""
    await found(pool)
    await pool.run(lambda tx: pause(tx, WHO, None))
    await pool.run(lambda tx: pause(tx, "user:ann", HOUR))
    held = await pool.run(paused)
    assert held is not None
    assert held.until is not None
    assert held.by == "user:ann"
    (event, _) = [e for e in await pool.run(history) if e.kind == "placement.paused"]
    assert event.detail == f"until {held.until:%Y-%m-%d %H:%M:%S} UTC"
    await aside(pool, PAUSE_OVER)
    assert await pool.run(paused) is None
    assert not await pool.run(lambda tx: resume(tx, WHO))
