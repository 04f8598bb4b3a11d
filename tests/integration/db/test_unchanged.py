"""Reports without news are noted together; everything else is left to be judged one by one."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve, fields_dict, frozen
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, DeferredList

from maasha.db.ownership import claim
from maasha.db.pool import Pool
from maasha.db.racks import Registered
from maasha.db.services import record_asked, record_report
from maasha.db.transaction import Transaction
from maasha.db.unchanged import Word, note_unchanged
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO, DhcpReport, Duty, PeerState, Role, VlanRole, VlanService
from maasha.model.network import VlanId
from maasha.model.stamp import Stamp
from maasha.region.clerk import Clerk
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, interface, link, plug

reactor: Any = global_reactor  # its type depends on the platform
PRIMARY = Role(Duty.PRIMARY, "failover-vlan-1-1")

NEWS: list[dict[str, object]] = [
    {"serving": False},
    {"digest": "another"},
    {"problem": "dhcpd is down"},
    {"hosts": "another"},
    {"lease_store": "another"},
    {"acts": 1, "orders": ()},
    {"damaged": True},
    {"generation": Stamp(1, 1)},
    {"services": ()},
    {"services": (VlanService(VlanId(1), PRIMARY),)},
    {"services": (VlanService(VlanId(1), SOLO, PeerState.NORMAL),)},
    {"services": (VlanService(VlanId(1), SOLO, partner=PeerState.NORMAL),)},
    {"services": (VlanService(VlanId(1), SOLO), VlanService(VlanId(2), OFF))},
]


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


@pytest.mark.parametrize("news", NEWS)
@asynchronous
async def test_news(pool: Pool, news: dict[str, object]) -> None:
    """Whatever `record_report` would write down is left to it."""
    site = await make_site(pool)
    assert await site.known(await site.report_with(**news)) == (False,)


def test_all_that_a_report_says_can_be_news() -> None:
    """Who adds a field has two places to judge it in (see `record_report`), and a case to add."""
    assert {name for case in NEWS for name in case} == set(fields_dict(DhcpReport))
    assert set(fields_dict(VlanService)) == {"vlan", "role", "state", "partner"}


@asynchronous
async def test_who_is_held_by_somebody_else_is_not_waited_for(pool: Pool) -> None:
    """A change of one rack by a user holds up nobody's report."""
    site = await make_site(pool)

    async def held(tx: Transaction) -> tuple[bool, ...]:
        await tx.rows("select from rack for update")
        return await site.known(site.word)

    assert await pool.run(held) == (False,)
    assert await site.known(site.word) == (True,)


@asynchronous
async def test_what_cannot_be_written_down_costs_nobody_else_a_report(pool: Pool) -> None:
    """Each of the lot is judged alone then."""
    site = await make_site(pool)
    clerk = Clerk(reactor, pool)
    endless = await site.report_with(generation=Stamp(10**20, 0))
    seen = "select last_seen from rack"
    before = await pool.run(lambda tx: tx.value(seen))
    first = Deferred.fromCoroutine(clerk.record(evolve(site.word, rack=RackKey(99))))
    lot = [Deferred.fromCoroutine(clerk.record(word)) for word in (endless, site.word)]
    await first
    (bad, _), (good, _) = await DeferredList(lot, consumeErrors=True)
    assert (bad, good) == (False, True)
    assert await pool.run(lambda tx: tx.value(seen)) > before


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
