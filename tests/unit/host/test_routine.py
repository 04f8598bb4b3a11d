"""A routine runs, waits, is woken, fails and stops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from maasha.host.routine import Routine


class Work:
    """Counts its runs; each waits for `gate` where there is one."""

    def __init__(self) -> None:
        self.runs = 0
        self.gate: Deferred[None] | None = None
        self.error: Exception | None = None

    async def __call__(self) -> None:
        """Run once."""
        self.runs += 1
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            await self.gate


@pytest.fixture
def failures() -> Iterator[list[LogEvent]]:
    """Collect the failures that are logged."""
    seen: list[LogEvent] = []

    @implementer(ILogObserver)
    def observer(event: LogEvent) -> None:
        if "log_failure" in event:
            seen.append(event)

    globalLogPublisher.addObserver(observer)
    yield seen
    globalLogPublisher.removeObserver(observer)


def started(work: Work) -> tuple[Clock, Routine]:
    """Give a started routine of ten seconds."""
    clock = Clock()
    routine = Routine(clock, 10.0, work, "work")
    routine.startService()
    return clock, routine


def test_the_first_run_may_wait() -> None:
    """Until its time, or until it is woken; who stops before that never runs."""
    work, clock = Work(), Clock()
    routine = Routine(clock, 10.0, work, "work", first=3.0)
    routine.startService()
    clock.advance(2.0)
    assert work.runs == 0
    clock.advance(1.0)
    assert work.runs == 1
    clock.advance(10.0)
    assert work.runs == 2
    for early in (True, False):
        other, done = Work(), clock.getDelayedCalls()
        waiting = Routine(clock, 10.0, other, "other", first=3.0)
        waiting.startService()
        if early:
            waiting.wake()
        waiting.stopService()
        assert other.runs == early
        assert clock.getDelayedCalls() == done


def test_it_runs_at_once_and_every_interval() -> None:
    """The first run comes with the start, the others one interval apart."""
    work = Work()
    clock, _ = started(work)
    assert work.runs == 1
    clock.advance(9.9)
    assert work.runs == 1
    clock.advance(0.1)
    assert work.runs == 2


def test_waking_runs_now_and_counts_the_interval_anew() -> None:
    """A woken routine does not run twice in quick succession."""
    work = Work()
    clock, routine = started(work)
    clock.advance(5)
    routine.wake()
    assert work.runs == 2
    clock.advance(9.9)
    assert work.runs == 2


def test_waking_during_a_run_makes_exactly_one_more_follow() -> None:
    """However often it is woken, one run sees all that changed before it."""
    work = Work()
    work.gate = Deferred()
    clock, routine = started(work)
    routine.wake()
    routine.wake()
    assert work.runs == 1
    gate, work.gate = work.gate, None
    gate.callback(None)
    clock.advance(0)
    assert work.runs == 2
    clock.advance(9.9)
    assert work.runs == 2


def test_however_often_it_is_woken_a_routine_rests_between_runs() -> None:
    """The first waking after a rest counts at once, all others make one run when it is over."""
    work = Work()
    clock = Clock()
    routine = Routine(clock, 10.0, work, "work", 0.5)
    routine.startService()
    clock.advance(0.2)
    for _ in range(5):
        routine.wake()
    assert work.runs == 1
    clock.advance(0.3)
    assert work.runs == 2
    clock.advance(0.5)
    routine.wake()
    assert work.runs == 3
    clock.advance(9.9)
    assert work.runs == 3
    clock.advance(0.1)
    assert work.runs == 4


def test_waking_during_a_run_counts_when_the_rest_is_over() -> None:
    """The rest begins with the end of the run."""
    work = Work()
    work.gate = Deferred()
    clock = Clock()
    routine = Routine(clock, 10.0, work, "work", 0.5)
    routine.startService()
    routine.wake()
    clock.advance(3)
    gate, work.gate = work.gate, None
    gate.callback(None)
    clock.advance(0.4)
    assert work.runs == 1
    clock.advance(0.1)
    assert work.runs == 2


def test_a_run_that_wakes_its_own_routine_is_followed_by_one() -> None:
    """Also before the run has waited for anything."""
    clock = Clock()
    runs: list[float] = []

    async def work() -> None:
        runs.append(clock.seconds())
        if len(runs) == 1:
            routine.wake()
            routine.wake()

    routine = Routine(clock, 10.0, work, "work")
    routine.startService()
    assert len(runs) == 1
    clock.advance(0)
    assert len(runs) == 2
    assert len(clock.getDelayedCalls()) == 1


def test_a_failed_run_is_logged_and_the_next_one_comes(failures: list[LogEvent]) -> None:
    """An exception costs one run, never the routine."""
    work = Work()
    work.error = ValueError("no")
    clock, _ = started(work)
    work.error = None
    clock.advance(10)
    assert work.runs == 2
    assert len(failures) == 1


def test_stopping_cancels_the_run_and_waits_for_its_end() -> None:
    """Nothing of a stopped routine runs on."""
    work = Work()
    gone: list[bool] = []
    work.gate = Deferred(lambda _: gone.append(True))
    clock, routine = started(work)
    stopping = routine.stopService()
    assert gone == [True]
    assert stopping is not None
    assert stopping.called
    clock.advance(100)
    routine.wake()
    assert work.runs == 1


def test_stopping_between_runs_forgets_the_next() -> None:
    """A routine at rest stops at once."""
    work = Work()
    clock, routine = started(work)
    assert routine.stopService() is None
    clock.advance(100)
    assert work.runs == 1
