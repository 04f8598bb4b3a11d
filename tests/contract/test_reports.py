"""What an owner writes of its rack, which serves no VLAN: only under the epoch that holds."""

from __future__ import annotations

from attrs import evolve, frozen

from maasha.db.ownership import claim
from maasha.db.pool import Pool
from maasha.db.racks import Registered
from maasha.db.services import mark_running, record_asked, record_problems, record_report
from maasha.db.situations import load_situation
from maasha.db.unchanged import Word, note_unchanged
from maasha.model.dhcp import DhcpReport
from maasha.model.service import RackSituation
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, link

QUIET = DhcpReport(serving=False)


@frozen
class Office:
    """A rack, and the epoch under which somebody writes of it."""

    pool: Pool
    rack: Registered
    epoch: Stamp

    async def report(self, report: DhcpReport, *, settles: bool = True) -> bool:
        """Write what the rack reports."""
        key, epoch = self.rack.rack, self.epoch
        return await self.pool.run(
            lambda tx: record_report(tx, key, epoch, report, settles=settles)
        )

    async def known(self, *reports: DhcpReport) -> tuple[bool, ...]:
        """Ask whether that is on record."""
        words = [Word(self.rack.rack, self.epoch, report, settles=True) for report in reports]
        return await self.pool.run(lambda tx: note_unchanged(tx, words))

    async def situation(self) -> RackSituation:
        """Read what is decided on."""
        seen = await self.pool.run(lambda tx: load_situation(tx, self.rack.rack, deciding=True))
        assert seen is not None
        return seen


async def take_office(pool: Pool) -> tuple[Office, Office]:
    """Make a rack with two owners, one after the other; gives the earlier office first."""
    region = await found(pool)
    one, two = await hire(pool, region, 0), await hire(pool, region, 1)
    rack = await link(pool, one, "rack1")
    await link(pool, two, "rack1", rack.system_id)
    assert rack.owner is not None
    won = await pool.run(lambda tx: claim(tx, rack.rack, rack.owner, two.id))
    assert won is not None
    return Office(pool, rack, rack.owner.epoch), Office(pool, rack, won.epoch)


@asynchronous
async def test_a_former_owner_writes_nothing(pool: Pool) -> None:
    """Whatever it is, it is refused."""
    former, _ = await take_office(pool)
    key, epoch = former.rack.rack, former.epoch
    before = await former.situation()
    assert not await former.report(evolve(QUIET, digest="d"))
    assert not await pool.run(lambda tx: record_asked(tx, key, epoch, ()))
    assert not await pool.run(lambda tx: mark_running(tx, key, epoch, Stamp(1, 5)))
    assert not await pool.run(lambda tx: record_problems(tx, key, epoch, Stamp(1, 5), {}))
    assert await former.known(QUIET) == (False,)
    assert await former.situation() == before


@asynchronous
async def test_what_is_on_record_is_no_news(pool: Pool) -> None:
    """All else is."""
    _, office = await take_office(pool)
    assert await office.known(QUIET) == (True,)
    told = DhcpReport(serving=True, digest="d", problem="p", lease_store="s")
    assert await office.known(told) == (False,)
    assert await office.report(told)
    assert await office.known(told, QUIET) == (True, False)
    assert await office.known(evolve(told, lease_store="")) == (True,)
    for news in (
        {"serving": False},
        {"digest": "e"},
        {"problem": ""},
        {"hosts": "h"},
        {"lease_store": "t"},
        {"generation": Stamp(1, 1)},
    ):
        assert await office.known(evolve(told, **news)) == (False,)


@asynchronous
async def test_after_a_command_the_next_answer_is_news(pool: Pool) -> None:
    """What the rack says by itself settles nothing."""
    _, office = await take_office(pool)
    key, epoch = office.rack.rack, office.epoch
    assert await pool.run(lambda tx: record_asked(tx, key, epoch, ()))
    assert await office.known(QUIET) == (False,)
    assert await office.report(QUIET, settles=False)
    assert await office.known(QUIET) == (False,)
    assert await office.report(QUIET)
    assert await office.known(QUIET) == (True,)


@asynchronous
async def test_what_runs_and_what_was_judged(pool: Pool) -> None:
    """Both are there for the next decision."""
    _, office = await take_office(pool)
    key, epoch = office.rack.rack, office.epoch
    assert await pool.run(lambda tx: mark_running(tx, key, epoch, Stamp(1, 5)))
    assert await pool.run(lambda tx: record_problems(tx, key, epoch, Stamp(1, 6), {}))
    seen = await office.situation()
    assert (seen.running, seen.judged, seen.vlans) == (Stamp(1, 5), Stamp(1, 6), ())
