"""A host that keeps knocking with a wrong secret is one event a minute."""

from __future__ import annotations

from twisted.internet.task import Clock

from maasha.db.events import history
from maasha.region.refusals import KIND, Refusals
from maasha.rpc.errors import OutOfOrder, WrongSecret
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, at_rest

WRONG = WrongSecret("rack")


async def told(pool: WatchedPool) -> list[str]:
    """Name the subjects of the refusals on record, the oldest first."""
    events = await pool.run(history)
    return [event.subject for event in reversed(events) if event.kind == KIND]


@asynchronous
async def test_one_event_per_host_reason_and_minute(pool: WatchedPool, clock: Clock) -> None:
    """Another port is the same host; another reason is another event."""
    refusals = Refusals(clock, pool, "worker:1")
    for port in range(40000, 40020):
        refusals.refused(f"192.0.2.1:{port}", WRONG)
    refusals.refused("[2001:db8::1]:40000", WRONG)
    refusals.refused("[2001:db8::2]:40000", WRONG)  # the same host may choose any of a /64
    await at_rest(pool, clock)
    assert sorted(await told(pool)) == ["host:192.0.2.1", "host:[2001:db8::1]"]
    refusals.refused("192.0.2.1:40000", OutOfOrder("Prove"))
    await at_rest(pool, clock)
    clock.advance(60)
    refusals.refused("192.0.2.1:40000", WRONG)
    await at_rest(pool, clock)
    assert len(await told(pool)) == 4


@asynchronous
async def test_an_event_says_what_to_do(pool: WatchedPool, clock: Clock) -> None:
    """Who refused, whom, and the error's own words."""
    Refusals(clock, pool, "worker:1").refused("192.0.2.1:40000", WRONG)
    await at_rest(pool, clock)
    event = (await pool.run(history))[0]
    assert (event.who, event.severity, event.detail) == ("worker:1", "warning", str(WRONG))


@asynchronous
async def test_a_refusal_without_database_is_logged_only(pool: WatchedPool, clock: Clock) -> None:
    """A rack with a wrong secret does no harm to a region without database."""
    await pool.stop()
    Refusals(clock, pool, "worker:1").refused("192.0.2.1:40000", WRONG)
    await at_rest(pool, clock)
    pool.start()
    assert await told(pool) == []
