"""One service kept up, with processes in memory and time on a clock."""

import signal
from pathlib import Path

import attrs
from twisted.internet.task import Clock

from lab.keeper import Keeper
from lab.process import ProcessId
from lab.service import Service
from lab.supervision import State
from tests.lab.memory_processes import MemorySpawner

SERVICE = Service("sleep", ["sleep", "inf"], Path("log"), grace=3.0)


@attrs.define
class Stage:
    """A keeper and its world."""

    clock: Clock = attrs.field(factory=Clock)
    spawner: MemorySpawner = attrs.field(factory=MemorySpawner)
    changes: list[State] = attrs.field(factory=list)
    keeper: Keeper = attrs.field(init=False)

    def state(self) -> State:
        """Return the service's state, asked for anew."""
        return self.keeper.state

    def __attrs_post_init__(self) -> None:
        """Make the keeper; jitter takes nothing off."""
        self.keeper = Keeper(SERVICE, self.spawner, self.clock, lambda: 0.0, self._changed)

    def _changed(self) -> None:
        self.changes.append(self.keeper.state)


def test_a_killed_service_is_started_again_after_the_backoff() -> None:
    """The first restart comes after 0.2 s, not before."""
    stage = Stage()
    stage.keeper.start()
    stage.spawner.last.end()
    stage.clock.advance(0.19)
    assert stage.state() is State.PAUSED
    assert stage.keeper.id is None
    stage.clock.advance(0.02)
    assert stage.state() is State.UP
    assert len(stage.spawner.started) == 2


def test_waits_grow_while_the_service_keeps_failing() -> None:
    """A service that dies at once is started at 0, 0.2, 0.6, 1.4 s …; ten in 27 s, not more."""
    stage = Stage()
    stage.keeper.start()
    for _ in range(270):
        if stage.state() is State.UP:
            stage.spawner.last.end()
        stage.clock.advance(0.1)
    assert 8 <= len(stage.spawner.started) <= 10


def test_a_service_that_stayed_up_is_restarted_quickly() -> None:
    """After ten seconds up earlier failures are forgiven."""
    stage = Stage()
    stage.keeper.start()
    for _ in range(5):
        stage.spawner.last.end()
        stage.clock.advance(5.0)
    stage.clock.advance(10.0)
    stage.spawner.last.end()
    stage.clock.advance(0.21)
    assert stage.state() is State.UP


def test_a_stopped_service_stays_down() -> None:
    """SIGTERM, and nothing more once it has ended."""
    stage = Stage()
    stage.keeper.start()
    stage.keeper.stop()
    stage.spawner.last.end()
    stage.clock.advance(100)
    assert stage.state() is State.DOWN
    assert [process.sent for process in stage.spawner.started] == [[signal.SIGTERM]]


def test_a_service_that_ignores_sigterm_is_killed_after_its_grace() -> None:
    """SIGKILL comes when the grace of 3 s is over."""
    stage = Stage()
    stage.keeper.start()
    stage.keeper.stop()
    stage.clock.advance(2.9)
    assert stage.spawner.last.sent == [signal.SIGTERM]
    stage.clock.advance(0.2)
    assert stage.spawner.last.sent == [signal.SIGTERM, signal.SIGKILL]
    assert stage.state() is State.DOWN


def test_start_during_a_stop_brings_the_service_back() -> None:
    """The new process starts when the old one has ended, not beside it."""
    stage = Stage()
    stage.keeper.start()
    stage.keeper.stop()
    stage.keeper.start()
    assert len(stage.spawner.started) == 1
    stage.spawner.last.end()
    assert len(stage.spawner.started) == 2
    assert stage.state() is State.UP


def test_a_service_that_cannot_be_started_is_tried_again() -> None:
    """A missing program is a failure like another: it backs off, and recovers."""
    stage = Stage()
    stage.spawner.broken = True
    stage.keeper.start()
    stage.clock.advance(0)
    assert stage.state() is State.PAUSED
    stage.spawner.broken = False
    stage.clock.advance(0.21)
    assert stage.state() is State.UP
    assert stage.keeper.starts == 2


def test_a_stop_before_a_failed_start_is_noticed_leaves_the_service_down() -> None:
    """There is no process to signal, and none comes later."""
    stage = Stage()
    stage.spawner.broken = True
    stage.keeper.start()
    stage.keeper.stop()
    stage.clock.advance(100)
    assert stage.state() is State.DOWN


def test_an_adopted_process_is_watched_like_an_own_one() -> None:
    """Its end leads to a restart."""
    stage = Stage()
    running = stage.spawner.spawn(SERVICE)
    assert stage.keeper.resume(running.id)
    assert stage.state() is State.UP
    running.end()
    stage.clock.advance(0.21)
    assert len(stage.spawner.started) == 2


def test_a_process_that_is_gone_is_not_adopted() -> None:
    """A number that another process may have by now is no reason to believe in it."""
    stage = Stage()
    assert not stage.keeper.resume(ProcessId(1, 2))
    assert stage.state() is State.DOWN


def test_every_change_is_told() -> None:
    """The runner hears of each change, to write it down."""
    stage = Stage()
    stage.keeper.start()
    stage.spawner.last.end()
    stage.clock.advance(0.21)
    assert stage.changes == [State.UP, State.PAUSED, State.UP]
