"""What a balancing decision looks at, and how even it was."""

from __future__ import annotations

from datetime import datetime, timedelta

from maasha.db.drains import Place, begin_drain, region_named
from maasha.db.link_moves import Wanted, begin_moves, end_move, moves
from maasha.db.ownership import flip, owned_by
from maasha.db.placement import (
    Evenness,
    Found,
    Seat,
    evenness,
    note_evenness,
    prune_evenness,
    read_names,
    read_placement,
)
from maasha.db.pool import Pool
from maasha.db.racks import delete_rack
from maasha.db.regions import begin_leaving
from maasha.model.cluster import WorkerId
from maasha.model.placement import Link, Rack, UnderWay
from maasha.model.placement import Worker as Placed
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import (
    CAPACITY,
    OLD_EVENNESS,
    OLD_MOVES,
    aside,
    found,
    hire,
    link,
    silence,
    staff,
)

DAY = 86400.0


async def read(pool: Pool) -> Found:
    """Read the placement."""
    return await pool.run(read_placement)


@asynchronous
async def test_overdue_heartbeats(pool: Pool) -> None:
    """One is missing: the worker is alive, and perhaps not."""
    prompt, late = await staff(pool, await found(pool), 2)
    await silence(pool, late, 4.0)
    seen = (await read(pool)).placement.workers
    assert {worker.id: worker.late for worker in seen} == {prompt.id: False, late.id: True}


@asynchronous
async def test_what_is(pool: Pool) -> None:
    """Living workers, all links, racks with their owners, and when they were heard."""
    region = await found(pool)
    first, second, dead = await staff(pool, region, 3)
    one = await link(pool, first, "rack1")
    more = await link(pool, second, "rack1", one.system_id)
    lost = await link(pool, dead, "rack2")
    await silence(pool, dead)
    await aside(pool, CAPACITY, 2.5, second.id)
    seen = await read(pool)
    assert seen.placement.workers == (
        Placed(first.id, region),
        Placed(second.id, region, capacity=2.5),
    )
    assert seen.placement.links == (
        Link(one.link, one.rack, first.id),
        Link(more.link, one.rack, second.id),
        Link(lost.link, lost.rack, dead.id),
    )
    assert seen.placement.racks == (Rack(one.rack, first.id), Rack(lost.rack, dead.id))
    assert set(seen.last_heard) == {one.rack, lost.rack}
    assert all(abs(seen.now - heard) < timedelta(minutes=1) for heard in seen.last_heard.values())
    assert (seen.under_way, seen.placement.pairs) == ((), ())


@asynchronous
async def test_who_drains(pool: Pool) -> None:
    """A worker that leaves, one whose slot or region is drained, and a rack."""
    region = await found(pool)
    crew = await staff(pool, region, 3)
    rack = await link(pool, crew[0], "rack1")
    for worker, name in ((crew[1], "rack2"), (crew[2], "rack3")):
        await link(pool, worker, name)
    await pool.run(lambda tx: begin_leaving(tx, crew[0].id))
    named = await pool.run(lambda tx: region_named(tx, region))
    assert named is not None

    async def drained(place: Place) -> list[bool]:
        await pool.run(lambda tx: begin_drain(tx, "user:a", place, 60.0, keep=False))
        return [worker.draining for worker in (await read(pool)).placement.workers]

    assert await drained(Place(rack=rack.rack)) == [True, False, False]
    assert [each.draining for each in (await read(pool)).placement.racks] == [True, False, False]
    assert await drained(Place(region=named.key, slot=2)) == [True, False, True]
    assert await drained(Place(region=named.key)) == [True, True, True]


@asynchronous
async def test_what_is_under_way(pool: Pool) -> None:
    """Open moves, and those begun lately: the pace counts them."""
    region = await found(pool)
    first, second = await hire(pool, region, 0), await hire(pool, region, 1)
    rack = await link(pool, first, "rack1")
    wanted = (Wanted(rack.link, second.id, "why"),)
    await pool.run(lambda tx: begin_moves(tx, wanted, 20.0))
    (going,) = (await read(pool)).under_way
    assert going == UnderWay(rack.link, rack.rack, first.id, second.id, going.begun, open=True)
    (move,) = await pool.run(moves)
    await pool.run(lambda tx: end_move(tx, move.id, None, "no"))
    assert [each.open for each in (await read(pool)).under_way] == [False]
    await aside(pool, OLD_MOVES, 3600.0)
    assert (await read(pool)).under_way == ()


@asynchronous
async def test_names(pool: Pool) -> None:
    """As people know them; a dead worker has its name as long as it has a row."""
    region = await found(pool)
    first, dead = await hire(pool, region, 0), await hire(pool, region, 1)
    await silence(pool, dead)
    rack = await link(pool, first, "rack1")
    names = await pool.run(read_names)
    assert names.workers == {first.id: Seat("region1", 0), dead.id: Seat("region1", 1)}
    assert names.racks == {rack.rack: "rack1"}
    assert str(names.workers[dead.id]) == "region1/1"


async def past(pool: Pool, hours: float) -> None:
    """Make all that was noted older."""
    await aside(pool, OLD_EVENNESS, hours * 3600)


@asynchronous
async def test_evenness(pool: Pool) -> None:
    """It is noted when it changed; what holds when the span begins is its first entry."""

    async def note(ratio: float, workers: int = 4) -> None:
        await pool.run(lambda tx: note_evenness(tx, ratio, 10, workers, rest=0.0))

    async def noted(seconds: float = DAY) -> list[tuple[float, int]]:
        found = await pool.run(lambda tx: evenness(tx, seconds=seconds))
        return [(n.ratio, n.workers) for n in reversed(found)]

    assert await noted() == []
    await note(1.5)
    await note(1.5)
    await past(pool, 30)
    assert await noted() == [(1.5, 4)]
    await note(1.5)
    await note(1.5, 3)
    await past(pool, 30)
    assert await noted() == [(1.5, 3)]
    await note(1.1)
    await note(1.5)
    assert await noted() == [(1.5, 3), (1.1, 4), (1.5, 4)]
    assert await noted(1e9) == [(1.5, 4), (1.5, 3), (1.1, 4), (1.5, 4)]
    assert await pool.run(lambda tx: prune_evenness(tx, 2)) == 1
    assert await noted(1e9) == [(1.5, 3), (1.1, 4), (1.5, 4)]
    await pool.run(lambda tx: note_evenness(tx, 9.0, 10, 4))
    assert (9.0, 4) not in await noted()


@asynchronous
async def test_evenness_by_the_page(pool: Pool) -> None:
    """The newest first; the last of a page leads to what was before, in a span or of all time."""
    for number in range(5):
        await pool.run(lambda tx, n=number: note_evenness(tx, 1.0 + n, 10, 4, rest=0.0))  # type: ignore[misc]
        await past(pool, 1)

    async def page(before: datetime | None = None, seconds: float | None = None) -> list[Evenness]:
        return list(
            await pool.run(lambda tx: evenness(tx, before=before, seconds=seconds, limit=2))
        )

    first = await page()
    assert [note.ratio for note in first] == [5.0, 4.0]
    second = await page(first[-1].at)
    assert [note.ratio for note in second] == [3.0, 2.0]
    assert [note.ratio for note in await page(second[-1].at)] == [1.0]
    of_a_span = await page(first[-1].at, seconds=2.5 * 3600)
    assert [note.ratio for note in of_a_span] == [3.0]


@asynchronous
async def test_an_owner_hands_over(pool: Pool) -> None:
    """With a higher epoch, to one that has a link, and only from who it is; links stay."""
    region = await found(pool)
    first, second, third = [await hire(pool, region, slot) for slot in range(3)]
    rack = await link(pool, first, "rack1")
    await link(pool, second, "rack1", rack.system_id)

    async def handed(source: WorkerId, to: WorkerId) -> bool:
        return bool(await pool.run(lambda tx: flip(tx, [(rack.rack, source, to)])))

    assert not await handed(first.id, third.id)
    assert not await handed(second.id, first.id)
    (before,) = await pool.run(lambda tx: owned_by(tx, first.id))
    assert await handed(first.id, second.id)
    assert not await handed(first.id, second.id)
    (after,) = await pool.run(lambda tx: owned_by(tx, second.id))
    assert after.ownership.epoch > before.ownership.epoch
    assert await pool.run(lambda tx: owned_by(tx, first.id)) == ()
    assert len((await read(pool)).placement.links) == 2
    await pool.run(lambda tx: delete_rack(tx, "user:a", rack.system_id))
    assert not await handed(second.id, first.id)


@asynchronous
async def test_a_worker_that_does_not_listen_takes_nobody(pool: Pool) -> None:
    """It has just started, or has no address any more: then its racks are to go."""
    region = await found(pool)
    silent, idle = await hire(pool, region, 0), await hire(pool, region, 1)
    await link(pool, silent, "rack1")
    assert (await read(pool)).placement.workers == (Placed(silent.id, region, draining=True),)
    assert idle.id != silent.id
