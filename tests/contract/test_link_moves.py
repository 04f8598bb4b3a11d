"""Moves of links: begun once for each rack, asked of the worker that holds the link, ended."""

from __future__ import annotations

from functools import partial

from attrs import frozen

from maasha.db.link_moves import (
    Asked,
    MoveView,
    Wanted,
    asked_of,
    begin_moves,
    end_move,
    end_overdue,
    moves,
    prune_moves,
)
from maasha.db.placement import read_placement
from maasha.db.pool import Pool
from maasha.db.racks import Registered, drop_links
from maasha.db.regions import publish_endpoints, unregister_worker
from maasha.model.cluster import Endpoint, EventLoop, LinkId, WorkerId
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import OLD_MOVES, Worker, aside, found, hire, link

ENDPOINTS = (Endpoint("192.0.2.1", 5250),)
SECONDS = 20.0
WHY = "the worker is fuller"


@frozen
class Small:
    """Three workers; one rack has links to the first two, another to the first."""

    pool: Pool
    workers: tuple[Worker, Worker, Worker]
    one: Registered
    second: Registered
    two: Registered

    async def begin(self, *wanted: Wanted, seconds: float = SECONDS) -> int:
        """Begin moves."""
        return await self.pool.run(lambda tx: begin_moves(tx, wanted, seconds))

    async def asked(self, number: int = 0) -> tuple[Asked, ...]:
        """Give what is asked of a worker."""
        worker = self.workers[number].id
        return await self.pool.run(lambda tx: asked_of(tx, worker))

    async def seen(self) -> tuple[MoveView, ...]:
        """Give all moves, the newest first."""
        return await self.pool.run(moves)

    def to(self, number: int, held: Registered | None = None) -> Wanted:
        """Want a link (the first one, unless told) at a worker."""
        return Wanted((held or self.one).link, self.workers[number].id, WHY)


async def small(pool: Pool) -> Small:
    """Make it."""
    region = await found(pool)
    crew = (await hire(pool, region, 0), await hire(pool, region, 1), await hire(pool, region, 2))
    for worker in crew:
        await pool.run(
            lambda tx, worker=worker: publish_endpoints(  # type: ignore[misc]
                tx, worker.id, worker.epoch, ENDPOINTS
            )
        )
    one = await link(pool, crew[0], "rack1")
    second = await link(pool, crew[1], "rack1", one.system_id)
    return Small(pool, crew, one, second, await link(pool, crew[0], "rack2"))


@asynchronous
async def test_begun(pool: Pool) -> None:
    """The worker that holds the link is asked, with where it is to go and for how long."""
    here = await small(pool)
    assert await here.begin(here.to(2)) == 1
    (asked,) = await here.asked()
    assert (asked.rack, asked.link, asked.reason) == (here.one.rack, here.one.link, WHY)
    assert asked.to == EventLoop("region1:pid=102", ENDPOINTS)
    assert SECONDS - 2 < asked.seconds <= SECONDS
    assert await here.asked(1) == ()
    (seen,) = await here.seen()
    assert (seen.rack, seen.source, seen.target, seen.ended, seen.failure) == (
        "rack1",
        "region1/0",
        "region1/2",
        None,
        "",
    )


@asynchronous
async def test_closed_without_a_target(pool: Pool) -> None:
    """A link that is to go and nowhere else; that is done when it is gone, whoever notices."""
    here = await small(pool)
    assert await here.begin(Wanted(here.one.link, None, WHY)) == 1
    (asked,) = await here.asked()
    assert asked.to is None
    assert (await here.seen())[0].target == ""
    await pool.run(lambda tx: end_move(tx, asked.id, None))
    assert (await here.seen())[0].ended is None
    await pool.run(lambda tx: drop_links(tx, [here.one.link]))
    await pool.run(end_overdue)
    assert (await here.seen())[0].ended is not None
    assert (await here.seen())[0].failure == ""


@asynchronous
async def test_a_rack_does_one_thing_at_a_time(pool: Pool) -> None:
    """Its second move is passed over, in one transaction and in a later one, until it has ended."""
    here = await small(pool)
    both = (here.to(2), Wanted(here.second.link, None, WHY), here.to(1, here.two))
    assert await here.begin(*both) == 2
    assert [asked.link for asked in await here.asked()] == [here.one.link, here.two.link]
    assert await here.begin(Wanted(here.second.link, None, WHY)) == 0
    for asked in await here.asked():
        await pool.run(
            lambda tx, move=asked.id: end_move(tx, move, None, "no")  # type: ignore[misc]
        )
    assert await here.begin(Wanted(here.second.link, None, WHY)) == 1


@asynchronous
async def test_what_is_gone_is_passed_over(pool: Pool) -> None:
    """A link or a worker that ended since the leader looked."""
    here = await small(pool)
    gone = (Wanted(LinkId(999), here.workers[2].id, WHY), Wanted(here.one.link, WorkerId(99), WHY))
    assert await here.begin(*gone, here.to(2, here.two)) == 1
    assert [move.rack for move in await here.seen()] == ["rack2"]
    assert await here.begin() == 0


@asynchronous
async def test_done(pool: Pool) -> None:
    """The new link stays for a while from then on; one that came by itself has no such time."""
    here = await small(pool)
    await here.begin(here.to(2))
    (asked,) = await here.asked()
    new = await link(pool, here.workers[2], "rack1", here.one.system_id)
    await pool.run(lambda tx: end_move(tx, asked.id, here.workers[2].id))
    assert (await here.seen())[0].ended is None  # the rack still has the old link
    await pool.run(lambda tx: drop_links(tx, [here.one.link]))
    await pool.run(lambda tx: end_move(tx, asked.id, here.workers[2].id))
    assert await here.asked() == ()
    (seen,) = await here.seen()
    assert seen.ended is not None
    assert seen.failure == ""
    placed = (await pool.run(read_placement)).placement
    stays = {each.id: each.moved is not None for each in placed.links}
    assert stays == {
        here.second.link: False,
        here.two.link: False,
        new.link: True,
    }


@asynchronous
async def test_ended_once(pool: Pool) -> None:
    """The first word counts: who reports late changes nothing."""
    here = await small(pool)
    await here.begin(here.to(2))
    (asked,) = await here.asked()
    await pool.run(lambda tx: end_move(tx, asked.id, None, "the rack is deaf"))
    await pool.run(lambda tx: end_move(tx, asked.id, here.workers[1].id))
    (seen,) = await here.seen()
    assert seen.failure == "the rack is deaf"
    placed = (await pool.run(read_placement)).placement
    assert all(each.moved is None for each in placed.links)


@asynchronous
async def test_nobody_ends_it(pool: Pool) -> None:
    """A move is over when its time, its link or its new worker is, and says which."""
    here = await small(pool)
    assert await pool.run(end_overdue) == 0
    await here.begin(here.to(2), here.to(1, here.two))
    assert await pool.run(end_overdue) == 0
    gone = here.workers[2]
    await pool.run(lambda tx: unregister_worker(tx, gone.id, gone.epoch))
    assert [asked.rack for asked in await here.asked()] == [here.two.rack]
    assert await pool.run(end_overdue) == 1
    await pool.run(lambda tx: drop_links(tx, [here.two.link]))
    assert await pool.run(end_overdue) == 1
    await here.begin(Wanted(here.second.link, None, WHY), seconds=0.0)
    assert await pool.run(end_overdue) == 1
    assert await pool.run(end_overdue) == 0
    failures = [move.failure for move in reversed(await here.seen())]
    assert failures == [
        "the new worker is gone",
        "the link ended by itself",
        "no word of it in time",
    ]


@asynchronous
async def test_history_by_the_page(pool: Pool) -> None:
    """The newest first; what is old is forgotten."""
    here = await small(pool)
    for _ in range(3):
        await here.begin(here.to(2))
        (asked,) = await here.asked()
        await pool.run(partial(end_move, move=asked.id, moved_to=None, failure="no"))
    page = await pool.run(lambda tx: moves(tx, limit=2))
    rest = await pool.run(lambda tx: moves(tx, before=page[-1].id))
    assert (len(page), len(rest)) == (2, 1)
    assert page[0].id > page[1].id > rest[0].id
    assert await pool.run(lambda tx: prune_moves(tx, 1)) == 0
    await aside(pool, OLD_MOVES, 2 * 86400.0)
    await here.begin(here.to(2))
    assert await pool.run(lambda tx: prune_moves(tx, 1)) == 3
    assert len(await here.seen()) == 1
