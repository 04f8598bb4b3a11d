"""A lane lets so many through at a time, in their order, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from maasha.db.errors import DatabaseUnavailable
from maasha.db.lane import Lane
from maasha.db.shares import lane, shares
from maasha.db.transaction import Isolation, Transaction


class Pool:
    """Runs what it is given; notes how."""

    def __init__(self) -> None:
        self.modes: list[tuple[bool, Isolation]] = []

    async def run(
        self,
        work: Callable[[Transaction], Awaitable[Any]],
        *,
        read_only: bool = False,
        isolation: Isolation = Isolation.READ_COMMITTED,
    ) -> Any:
        """Run it."""
        self.modes.append((read_only, isolation))
        return await work(cast(Transaction, None))


class LaneTests(SynchronousTestCase):
    """Two at a time, with a patience of eight seconds."""

    def setUp(self) -> None:
        """Make it."""
        self.clock = Clock()
        self.pool = Pool()
        self.lane = Lane(self.clock, self.pool, 2, patience=8.0)
        self.begun: list[str] = []
        self.gates: dict[str, Deferred[str]] = {}

    def run_named(self, *names: str) -> list[Deferred[str]]:
        """Run units of work that end when the test says so."""
        return [Deferred.fromCoroutine(self.lane.run(self.named(name))) for name in names]

    def named(self, name: str) -> Callable[[Transaction], Awaitable[str]]:
        """Make one."""

        async def work(_: Transaction) -> str:
            self.begun.append(name)
            gate = self.gates[name] = Deferred()
            return await gate

        return work

    def end(self, name: str) -> None:
        """End one."""
        self.gates[name].callback(name)

    def test_order(self) -> None:
        """The others wait, first come, first served."""
        one, _, three, _ = self.run_named("1", "2", "3", "4")
        assert self.begun == ["1", "2"]
        assert self.lane.waiting == 2
        self.end("1")
        assert self.successResultOf(one) == "1"
        assert self.begun == ["1", "2", "3"]
        self.end("3")
        assert self.successResultOf(three) == "3"
        assert self.begun == ["1", "2", "3", "4"]
        self.end("2")
        self.end("4")
        self.run_named("5", "6", "7")
        assert self.begun[4:] == ["5", "6"]

    def test_patience(self) -> None:
        """Whose turn does not come in time hears that the database cannot do it now."""
        *_, third = self.run_named("1", "2", "3")
        self.clock.advance(8.0)
        error = self.failureResultOf(third, DatabaseUnavailable).value
        assert error.retry_after > 0
        self.end("1")
        assert self.begun == ["1", "2"]

    def test_failure_frees_the_place(self) -> None:
        """So does cancellation, of what runs and of what waits."""
        one, two, three, four = self.run_named("1", "2", "3", "4")
        three.cancel()
        self.failureResultOf(three, CancelledError)
        self.gates["1"].errback(ZeroDivisionError())
        self.failureResultOf(one, ZeroDivisionError)
        assert self.begun == ["1", "2", "4"]
        two.cancel()
        self.failureResultOf(two, CancelledError)
        self.assertNoResult(four)
        self.run_named("5")
        assert self.begun == ["1", "2", "4", "5"]

    def test_mode(self) -> None:
        """What the pool is to know goes through."""

        async def nothing(_: Transaction) -> None:
            """Do nothing."""

        mode = Isolation.SERIALIZABLE
        done = Deferred.fromCoroutine(self.lane.run(nothing, read_only=True, isolation=mode))
        self.successResultOf(done)
        assert self.pool.modes == [(True, mode)]


def test_half_of_the_usual_pool_is_left() -> None:
    """What racks bring and what is done for them are two lanes."""
    assert 2 * lane(shares(4).pool) == shares(4).pool / 2
    assert lane(1) == 1
