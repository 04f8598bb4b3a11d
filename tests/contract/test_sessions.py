"""Transactions, notices and the leader's lock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.base import ReactorBase
from twisted.internet.task import deferLater

from maasha.db.channels import Channel, notify
from maasha.db.dedicated import LIMITS
from maasha.db.errors import DatabaseError
from maasha.db.events import history, record
from maasha.db.leadership import Leadership
from maasha.db.notices import Notices
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from tests.asynchronous import asynchronous
from tests.contract.conftest import Make

WITHIN = 20.0
"""Seconds by which anything here has happened, on a slow machine too."""


class Changed(Exception):
    """The mind of a unit of work."""


async def until(reactor: ReactorBase, condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    end = reactor.seconds() + WITHIN
    while not condition():
        assert reactor.seconds() < end
        await deferLater(reactor, 0.01)


@asynchronous
async def test_a_unit_of_work_that_fails_leaves_nothing(pool: Pool) -> None:
    """What it wrote is gone, and the connection serves the next one."""

    async def work(tx: Transaction) -> None:
        await record(tx, "user:a", "instance", "test", "info")
        assert len(await history(tx)) == 1
        raise Changed

    for _ in range(5):
        with pytest.raises(Changed):
            await pool.run(work)
    assert await pool.run(history) == ()


@asynchronous
async def test_a_notice_is_heard_after_the_commit(
    reactor: ReactorBase, pool: Pool, make: Make
) -> None:
    """Each once, by those who listen to its channel; never that of work that failed."""
    dedicated, heard = make(), list[str]()
    Notices(dedicated).subscribe(Channel.RACKS, heard.append)
    dedicated.start()
    await until(reactor, lambda: heard == [""])

    async def work(tx: Transaction) -> None:
        for payload in (7, 7, 8):
            await notify(tx, Channel.RACKS, payload)
        await notify(tx, Channel.DHCP, 9)
        assert heard == [""]

    async def fails(tx: Transaction) -> None:
        await notify(tx, Channel.RACKS, 6)
        raise Changed

    with pytest.raises(Changed):
        await pool.run(fails)
    await pool.run(work)
    await until(reactor, lambda: len(heard) == 3)
    assert heard == ["", "7", "8"]


@asynchronous
async def test_one_leads(reactor: ReactorBase, make: Make) -> None:
    """When it goes another one does."""
    first, second = make(), make()
    leader, heir = Leadership(first), Leadership(second)
    first.start()
    await until(reactor, lambda: leader.leading)
    second.start()
    await until(reactor, lambda: second.connected)
    await deferLater(reactor, 0.5)
    assert not heir.leading
    await first.stop()
    await until(reactor, lambda: heir.leading)
    assert not leader.leading


@asynchronous
async def test_a_silent_leader_leads_no_more(reactor: ReactorBase, make: Make) -> None:
    """Its session ends, so another one leads, and what it would write then is refused."""
    first, second = make(interval=2 * WITHIN), make()
    leader, heir = Leadership(first), Leadership(second)
    first.start()
    await until(reactor, lambda: leader.leading)
    second.start()
    await deferLater(reactor, LIMITS.idle / 2)
    assert not heir.leading
    await until(reactor, lambda: heir.leading)
    with pytest.raises(DatabaseError):
        await first.run(history)
    assert not leader.leading
