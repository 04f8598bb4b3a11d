"""Reports without news are noted together; everything else is left to be judged one by one."""

from __future__ import annotations

import pytest
from attrs import evolve, frozen

from maasha.db.ownership import claim
from maasha.db.pool import Pool
from maasha.db.racks import Registered
from maasha.db.services import record_asked, record_report
from maasha.db.unchanged import Word, note_unchanged
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO, DhcpReport, Duty, PeerState, Role, VlanRole, VlanService
from maasha.model.network import VlanId
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, interface, link, plug

PRIMARY = Role(Duty.PRIMARY, "failover-vlan-1-1")


@frozen
class Site:
    """A rack that serves a VLAN, and its report on record."""

    pool: Pool
    rack: Registered
    report: DhcpReport

    @property
    def word(self) -> Word:
        """The same report once more."""
        assert self.rack.owner is not None
        return Word(self.rack.rack, self.rack.owner.epoch, self.report, settles=True)

    async def known(self, *words: Word) -> tuple[bool, ...]:
        """Ask."""
        return await self.pool.run(lambda tx: note_unchanged(tx, words))

    async def report_with(self, **news: object) -> Word:
        """Give the word with another report."""
        return evolve(self.word, report=evolve(self.report, **news))  # type: ignore[arg-type]


async def make_site(pool: Pool) -> Site:
    """Make it."""
    worker = await hire(pool, await found(pool), 0)
    rack = await link(pool, worker, "rack1", lease_store="store")
    await plug(pool, rack, interface("eth0", "10.0.0.1/24"))
    vlan = VlanId(await pool.run(lambda tx: tx.value("select id from vlan")))
    assert rack.owner is not None
    epoch = rack.owner.epoch
    service = VlanService(vlan, SOLO)
    report = DhcpReport(True, "digest", services=(service,), lease_store="store")
    asked = (VlanRole(vlan, SOLO),)
    assert await pool.run(lambda tx: record_asked(tx, rack.rack, epoch, asked))
    assert await pool.run(lambda tx: record_report(tx, rack.rack, epoch, report, settles=True))
    return Site(pool, rack, report)


@asynchronous
async def test_nothing_new(pool: Pool) -> None:
    """The rack was heard, and that is all that is written."""
    site = await make_site(pool)
    seen = "select last_seen from rack"
    before = await pool.run(lambda tx: tx.value(seen))
    assert await site.known(site.word) == (True,)
    assert await pool.run(lambda tx: tx.value(seen)) > before


@pytest.mark.parametrize(
    "news",
    [
        {"serving": False},
        {"digest": "another"},
        {"problem": "dhcpd is down"},
        {"lease_store": "another"},
        {"generation": Stamp(1, 1)},
        {"services": ()},
        {"services": (VlanService(VlanId(1), PRIMARY),)},
        {"services": (VlanService(VlanId(1), SOLO, PeerState.NORMAL),)},
        {"services": (VlanService(VlanId(1), SOLO, partner=PeerState.NORMAL),)},
        {"services": (VlanService(VlanId(1), SOLO), VlanService(VlanId(2), OFF))},
    ],
)
@asynchronous
async def test_news(pool: Pool, news: dict[str, object]) -> None:
    """Whatever `record_report` would write down is left to it."""
    site = await make_site(pool)
    assert await site.known(await site.report_with(**news)) == (False,)


@asynchronous
async def test_a_vlan_that_is_off(pool: Pool) -> None:
    """Unnamed it is what it was, as `record_report` has it."""
    site = await make_site(pool)
    silent = evolve(site.report, services=())
    word = evolve(site.word, report=silent)
    assert await pool.run(lambda tx: record_report(tx, word.rack, word.epoch, silent, settles=True))
    assert await site.known(word) == (True,)


@asynchronous
async def test_an_answer_that_settles(pool: Pool) -> None:
    """As long as the rack is asked for something else than it runs, its answer is news."""
    site = await make_site(pool)
    await pool.run(lambda tx: tx.execute("update service set asked = %s", '{"duty": "off"}'))
    assert await site.known(site.word) == (False,)
    assert await site.known(evolve(site.word, settles=False)) == (True,)
    await pool.run(lambda tx: tx.execute("update rack set commanded = true"))
    assert await site.known(evolve(site.word, settles=False)) == (False,)


@asynchronous
async def test_another_owner(pool: Pool) -> None:
    """A word under an epoch that is over is nobody's news; and of no use to the others' words."""
    site = await make_site(pool)
    stranger = evolve(site.word, rack=RackKey(99))
    assert await site.known(stranger, site.word) == (False, True)
    assert site.rack.owner is not None
    again = await pool.run(lambda tx: claim(tx, site.rack.rack, site.rack.owner, site.rack.worker))
    assert again is not None
    assert await site.known(site.word, evolve(site.word, epoch=again.epoch)) == (False, True)
