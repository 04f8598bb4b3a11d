"""A host that keeps knocking with a wrong secret is one warning until it has the right one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from twisted.internet.task import Clock

from maasha.db.events import history
from maasha.db.refusals import HOURLY, KIND
from maasha.model.event import Event
from maasha.region.refusals import WAITING, Refusals
from maasha.region.tally import Tally
from maasha.rpc.credentials import SHARED
from maasha.rpc.errors import OutOfOrder, RegistrationRefused, RpcError, Unavailable, WrongSecret
from maasha.rpc.region_side import Admission
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest

WRONG = WrongSecret("rack")
HERE = "192.0.2.1:40000"


class Door:
    """Lets everybody in, or nobody."""

    def __init__(self) -> None:
        self.shut = False
        self.error: RpcError = RegistrationRefused("not you")

    async def register(self, *_: object) -> Any:
        """Welcome, or not."""
        if self.shut:
            raise self.error
        return "welcome"


@pytest.fixture
def door() -> Door:
    """Give the way in."""
    return Door()


@pytest.fixture
def refusals(clock: Clock, pool: WatchedPool, door: Door) -> Refusals:
    """Give what stands before it."""
    return hearing(clock, pool, door)


def hearing(clock: Clock, pool: WatchedPool, door: Door) -> Refusals:
    """Make what a worker hears refusals with."""
    admission: Admission = door
    return Refusals(clock, pool, "worker:1", admission, Tally())


async def events(pool: WatchedPool) -> list[Event]:
    """Give the refusals on record, the oldest first."""
    found = await pool.run(lambda tx: history(tx, limit=1000))
    return [event for event in reversed(found) if event.kind == KIND]


async def told(pool: WatchedPool) -> list[str]:
    """Name the subjects of the refusals on record, the oldest first."""
    return [event.subject for event in await events(pool)]


async def prove(refusals: Refusals, remote: str = HERE) -> None:
    """Let a rack in that has proved the secret."""
    nothing: Any = None
    await refusals.register(nothing, nothing, remote, SHARED)


@asynchronous
async def test_one_warning_per_host_and_reason(
    refusals: Refusals, pool: WatchedPool, clock: Clock
) -> None:
    """Another port is the same host; another reason is another warning, an hour later none is."""
    for port in range(40000, 40020):
        refusals.refused(f"192.0.2.1:{port}", WRONG)
    refusals.refused("[2001:db8::1]:40000", WRONG)
    refusals.refused("[2001:db8::2]:40000", WRONG)  # the same host may choose any of a /64
    await at_rest(pool, clock)
    assert sorted(await told(pool)) == ["host:192.0.2.1", "host:[2001:db8::1]"]
    refusals.refused(HERE, OutOfOrder("Prove"))
    await at_rest(pool, clock)
    for _ in range(60):
        await after(pool, clock, 60)
        refusals.refused(HERE, WRONG)
    await at_rest(pool, clock)
    assert len(await told(pool)) == 3


@asynchronous
async def test_who_comes_in_and_who_does_not_is_counted(
    clock: Clock, pool: WatchedPool, door: Door
) -> None:
    """Also what the log and the history are told only once."""
    tally = Tally()
    refusals = Refusals(clock, pool, "worker:1", door, tally)
    await prove(refusals)
    door.shut, door.error = True, Unavailable("no database", 2.0)
    with pytest.raises(Unavailable):
        await prove(refusals)
    for error in (WRONG, WRONG, OutOfOrder("Prove")):
        refusals.refused(HERE, error)
    await at_rest(pool, clock)
    assert tally == Tally(1, 1, Counter(WrongSecret=2, OutOfOrder=1))


@asynchronous
async def test_workers_share_what_is_on_record(
    refusals: Refusals, pool: WatchedPool, clock: Clock, door: Door
) -> None:
    """A host that knocks at several workers, or after their restart, is one warning."""
    refusals.refused(HERE, WRONG)
    await at_rest(pool, clock)
    hearing(clock, pool, door).refused(HERE, WRONG)
    await at_rest(pool, clock)
    assert await told(pool) == ["host:192.0.2.1"]


@asynchronous
async def test_a_warning_says_what_to_do(
    refusals: Refusals, pool: WatchedPool, clock: Clock
) -> None:
    """Who refused, whom, and the error's own words."""
    refusals.refused(HERE, WRONG)
    await at_rest(pool, clock)
    (event,) = await events(pool)
    assert (event.who, event.severity, event.detail) == ("worker:1", "warning", str(WRONG))


@asynchronous
async def test_a_host_that_proves_itself_is_forgiven(
    refusals: Refusals, pool: WatchedPool, clock: Clock
) -> None:
    """Its warnings are cleared, and it may be warned of anew; other hosts' stay."""
    for remote in (HERE, "192.0.2.2:40000"):
        refusals.refused(remote, WRONG)
    await at_rest(pool, clock)
    await prove(refusals)
    await at_rest(pool, clock)
    first, _, cleared = await events(pool)
    assert (cleared.subject, cleared.clears) == ("host:192.0.2.1", first.id)
    await prove(refusals)
    await after(pool, clock, 60)
    refusals.refused(HERE, WRONG)
    await at_rest(pool, clock)
    assert len(await told(pool)) == 4


@asynchronous
async def test_a_host_whose_rack_is_not_taken_in_is_not_forgiven(
    refusals: Refusals, pool: WatchedPool, clock: Clock, door: Door
) -> None:
    """To be let in is what clears a warning."""
    refusals.refused(HERE, WRONG)
    door.shut = True
    with pytest.raises(RegistrationRefused):
        await prove(refusals)
    await at_rest(pool, clock)
    assert len(await told(pool)) == 1


@asynchronous
async def test_strangers_cannot_fill_the_history(
    refusals: Refusals, pool: WatchedPool, clock: Clock
) -> None:
    """Whatever the number of addresses, an hour has so many warnings; nothing piles up before."""
    for number in range(HOURLY + 2 * WAITING):
        refusals.refused(f"[2001:db8:0:{number:x}::1]:40000", WRONG)
        if number % WAITING == 0:
            await at_rest(pool, clock)
    await at_rest(pool, clock)
    assert len(await told(pool)) == HOURLY
    refusals.refused(HERE, WRONG)
    assert pool.under_way == 0
    ago = "update event set at = at - interval '1 hour'"
    unlock = "alter table event disable trigger event_append_only"
    await pool.run(lambda tx: tx.execute(f"{unlock}; {ago}"))
    await after(pool, clock, 60)
    refusals.refused(HERE, WRONG)
    await at_rest(pool, clock)
    assert len(await told(pool)) == HOURLY + 1


@asynchronous
async def test_a_refusal_without_database_is_logged_only(
    refusals: Refusals, pool: WatchedPool, clock: Clock
) -> None:
    """A rack with a wrong secret does no harm to a region without database."""
    await pool.stop()
    refusals.refused(HERE, WRONG)
    await at_rest(pool, clock)
    pool.start()
    assert await told(pool) == []
    refusals.refused("192.0.2.2:40000", WRONG)
    await at_rest(pool, clock)
    assert await told(pool) == ["host:192.0.2.2"]


@asynchronous
async def test_each_kind_of_credential_is_told_of(
    refusals: Refusals, pool: WatchedPool, clock: Clock
) -> None:
    """A wrong key and a wrong secret within a minute are two things to mend."""
    for credential in ("key", "secret", "key"):
        refusals.refused(HERE, WrongSecret("rack", credential))
    await at_rest(pool, clock)
    assert [event.detail.split(":")[0] for event in await events(pool)] == [
        "wrong key",
        "wrong secret",
    ]
