"""When what the leader sees is written, and when it is read."""

from __future__ import annotations

from datetime import timedelta

from maasha.db.leading import LeaderView, leader, note_outlook
from maasha.db.locks import SPACE, Lock
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from maasha.model.leader import Cause, Hold, Outlook
from maasha.model.placement import Acting
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import Worker, found, hire


async def lead(tx: Transaction) -> None:
    """Take the leader's lock until the transaction ends; its session is the one that writes."""
    await tx.value("select pg_advisory_xact_lock(%s, %s)", SPACE, Lock.LEADER.value)


async def outlook_of(tx: Transaction) -> Outlook:
    """Give what a leader may see."""
    now = await tx.value("select clock_timestamp()")
    hold = Hold(Cause.LEADER_NEW, "the leader is new", now + timedelta(seconds=15))
    return Outlook(now, (hold,), settled=False, unsettled=now, acting=Acting(owners=True))


async def a_worker(pool: Pool) -> Worker:
    """Make a worker."""
    return await hire(pool, await found(pool), 1)


@asynchronous
async def test_who_leads_and_what_it_sees(pool: Pool) -> None:
    """As it wrote it, with its name."""
    worker = await a_worker(pool)

    async def work(tx: Transaction) -> tuple[Outlook, LeaderView | None]:
        await lead(tx)
        seen = await outlook_of(tx)
        await note_outlook(tx, worker.id, seen)
        return seen, await leader(tx)

    seen, view = await pool.run(work)
    assert view is not None
    assert (view.worker, view.outlook) == ("region1/1", seen)


@asynchronous
async def test_it_is_written_when_it_changes(pool: Pool) -> None:
    """Not with each look."""
    worker = await a_worker(pool)
    version = "select xmin::text || ctid::text from leader"

    async def written(outlook: Outlook) -> str:
        async def work(tx: Transaction) -> tuple[int, str]:
            await note_outlook(tx, worker.id, outlook)
            return await tx.value("select pg_backend_pid()"), await tx.value(version)

        backends.add((wrote := await pool.run(work))[0])
        return wrote[1]

    backends: set[int] = set()
    seen = await pool.run(outlook_of)
    first = await written(seen)
    again = await written(seen)
    assert len(backends) == 1
    assert again == first
    assert await written(Outlook(seen.since)) != first


@asynchronous
async def test_a_leader_that_has_gone_says_nothing(pool: Pool) -> None:
    """What it wrote holds as long as its session has the lock, and of another one's lock not."""
    worker = await a_worker(pool)
    assert await pool.run(leader) is None
    seen = await pool.run(outlook_of)

    async def write(tx: Transaction) -> LeaderView | None:
        await lead(tx)
        await note_outlook(tx, worker.id, seen)
        return await leader(tx)

    assert await pool.run(write) is not None
    assert await pool.run(leader) is None

    async def of_another(tx: Transaction) -> LeaderView | None:
        await lead(tx)
        await tx.execute("update leader set backend = 1")
        return await leader(tx)

    assert await pool.run(of_another) is None


@asynchronous
async def test_what_another_version_wrote(pool: Pool) -> None:
    """In another form, it is not read; and a leader without a row has no name."""

    async def work(tx: Transaction) -> list[LeaderView | None]:
        await lead(tx)
        await note_outlook(tx, None, await outlook_of(tx))
        mine = await leader(tx)
        await tx.execute("""update leader set outlook = '{"mood": "good"}'""")
        return [mine, await leader(tx)]

    mine, other = await pool.run(work)
    assert mine is not None
    assert (mine.worker, other) == ("", None)
