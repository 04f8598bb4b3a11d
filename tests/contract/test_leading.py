"""What the leader lets others see, and who knows of racks that vanished."""

from __future__ import annotations

from datetime import timedelta

from twisted.internet.base import ReactorBase
from twisted.internet.task import deferLater

from maasha.db.events import history
from maasha.db.leadership import Leadership
from maasha.db.leading import (
    Acknowledged,
    acknowledge,
    acknowledge_racks,
    acknowledged,
    leader,
    note_outlook,
)
from maasha.db.placement import read_placement
from maasha.db.pool import Pool
from maasha.model.leader import Cause, Hold, Outlook
from maasha.model.placement import Acting
from tests.asynchronous import asynchronous
from tests.contract.conftest import Make
from tests.contract.test_sessions import WITHIN, until
from tests.integration.db.cluster import found, hire, link

WHO = "user:ann"


@asynchronous
async def test_what_the_leader_sees(reactor: ReactorBase, pool: Pool, make: Make) -> None:
    """It is read as it was written last, until its session ends; no other session's word is."""
    worker = await hire(pool, await found(pool), 1)
    assert await pool.run(leader) is None
    now = await pool.run(lambda tx: tx.value("select clock_timestamp()"))
    hold = Hold(Cause.LEADER_NEW, "the leader is new", now + timedelta(seconds=15))
    outlooks = Outlook(now), Outlook(now, (hold,), settled=False, acting=Acting(owners=True))
    alone = make()
    leadership = Leadership(alone)
    alone.start()
    await until(reactor, lambda: leadership.leading)
    changed = set()
    for outlook in (*outlooks, outlooks[-1]):
        await alone.run(lambda tx, said=outlook: note_outlook(tx, worker.id, said))  # type: ignore[misc]
        view = await pool.run(leader)
        assert view is not None
        assert (view.worker, view.outlook) == ("region1/1", outlook)
        changed.add(view.changed)
    assert len(changed) == len(outlooks)
    await pool.run(lambda tx: note_outlook(tx, worker.id, outlooks[0]))
    assert await pool.run(leader) is None
    await alone.run(lambda tx: note_outlook(tx, None, outlooks[0]))
    nameless = await pool.run(leader)
    assert nameless is not None
    assert nameless.worker == ""
    await alone.stop()
    end = reactor.seconds() + WITHIN
    while await pool.run(leader) is not None:  # until the server notices
        assert reactor.seconds() < end
        await deferLater(reactor, 0.01)


@asynchronous
async def test_racks_that_people_know_of(pool: Pool) -> None:
    """Up to an instant that never goes back; it is told in the history, by whom."""
    await found(pool)
    assert await pool.run(acknowledged) is None
    now = await pool.run(lambda tx: tx.value("select clock_timestamp()"))
    for instant in (now, now - timedelta(hours=1)):
        await pool.run(lambda tx, instant=instant: acknowledge(tx, WHO, instant))  # type: ignore[misc]
        known = await pool.run(acknowledged)
        assert known is not None
        assert (known.by, known.until) == (WHO, now)
    told = [event for event in await pool.run(history) if event.kind == "placement.acknowledged"]
    assert [(event.who, event.subject) for event in told] == [(WHO, "instance")] * 2
    assert "racks that vanished up to" in told[0].detail


@asynchronous
async def test_one_rack_that_people_know_of(pool: Pool) -> None:
    """The others are not; it is told in the history by its name."""
    worker = await hire(pool, await found(pool), 1)
    one, two = [await link(pool, worker, name) for name in ("rack1", "rack2")]
    now = await pool.run(lambda tx: tx.value("select clock_timestamp()"))
    said = Acknowledged(WHO, now)
    await pool.run(lambda tx: acknowledge_racks(tx, said, {two.rack: "rack2"}))
    seen = await pool.run(read_placement)
    assert seen.known == {two.rack: now}
    assert one.rack in seen.last_heard
    assert await pool.run(acknowledged) is None
    (told,) = [event for event in await pool.run(history) if event.kind == "placement.acknowledged"]
    assert (told.who, told.detail) == (WHO, "rack2: known to have vanished")
