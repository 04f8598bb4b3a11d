"""The append-only history and its alarms."""

from __future__ import annotations

import pytest

from maasha.db.errors import DatabaseError
from maasha.db.events import clear_alarm, history, open_alarms, raise_alarm, record
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from tests.asynchronous import asynchronous


@pytest.mark.parametrize(
    "sql", ["update event set detail = 'x'", "delete from event", "truncate event"]
)
@asynchronous
async def test_append_only(pool: Pool, sql: str) -> None:
    """What was written stays, whoever asks."""
    await pool.run(lambda tx: record(tx, "user:admin", "vlan:1", "vlan.changed", "info", "mtu"))
    with pytest.raises(DatabaseError, match="append-only"):
        await pool.run(lambda tx: tx.execute(sql))
    (event,) = await pool.run(history)
    assert (event.who, event.subject, event.kind) == ("user:admin", "vlan:1", "vlan.changed")
    assert event.at.tzinfo is not None


@asynchronous
async def test_with_its_change(pool: Pool) -> None:
    """An event of a change that was rolled back never happened."""

    async def work(tx: Transaction) -> None:
        await record(tx, "user:admin", "vlan:1", "vlan.changed", "info")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await pool.run(work)
    assert await pool.run(history) == ()


@asynchronous
async def test_alarms(pool: Pool) -> None:
    """An alarm of one subject and kind is open once, until it is cleared; then it may open anew."""

    async def work(tx: Transaction) -> None:
        first = await raise_alarm(tx, "rack:a", "vlan:1", "dhcp.interrupted")
        assert first is not None
        assert await raise_alarm(tx, "rack:b", "vlan:1", "dhcp.interrupted") is None
        other = await raise_alarm(tx, "rack:b", "vlan:2", "dhcp.interrupted")
        assert [alarm.id for alarm in await open_alarms(tx)] == [first, other]
        assert await clear_alarm(tx, "rack:a", "vlan:1", "dhcp.interrupted") is not None
        assert await clear_alarm(tx, "rack:a", "vlan:1", "dhcp.interrupted") is None
        assert [alarm.id for alarm in await open_alarms(tx)] == [other]
        assert (await history(tx, limit=1))[0].clears == first
        assert await raise_alarm(tx, "rack:a", "vlan:1", "dhcp.interrupted") is not None

    await pool.run(work)


@asynchronous
async def test_an_alarm_that_changes(pool: Pool) -> None:
    """Another detail clears the alarm that says what is no longer so, and opens one that does."""

    async def work(tx: Transaction) -> None:
        first = await raise_alarm(tx, "rack:a", "vlan:1", "dhcp.unserved", "a: no range")
        assert await raise_alarm(tx, "rack:a", "vlan:1", "dhcp.unserved", "a: no range") is None
        second = await raise_alarm(tx, "rack:b", "vlan:1", "dhcp.unserved", "b: no address")
        (alarm,) = await open_alarms(tx)
        assert (alarm.id, alarm.who, alarm.detail) == (second, "rack:b", "b: no address")
        assert [event.clears for event in await history(tx)] == [None, first, None]

    await pool.run(work)


@asynchronous
async def test_pages(pool: Pool) -> None:
    """History is read page by page, the newest first, of everything or of one subject."""

    async def work(tx: Transaction) -> None:
        for number in range(5):
            subject = f"vlan:{number % 2}"
            await record(tx, "user:admin", subject, "vlan.changed", "info", str(number))
        page = await history(tx, limit=3)
        rest = await history(tx, before=page[-1].id)
        assert [event.detail for event in page + rest] == ["4", "3", "2", "1", "0"]
        assert [event.detail for event in await history(tx, subject="vlan:1")] == ["3", "1"]

    await pool.run(work)
