"""Keeps one service up: carries out the rules of `lab.supervision` with a clock and a spawner."""

import signal
from collections.abc import Callable
from typing import Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from lab.backoff import Backoff
from lab.process import ProcessId
from lab.service import Service
from lab.supervision import Action, Event, State, step


class Running(Protocol):
    """A process that was started or adopted."""

    @property
    def id(self) -> ProcessId:
        """Its number and its start."""
        ...

    @property
    def ended(self) -> Deferred[str]:
        """Fires once, with the reason in words."""
        ...

    def terminate(self, signum: signal.Signals) -> None:
        """Ask it to end, in the way it understands."""
        ...

    def kill(self) -> None:
        """End it and its process group."""
        ...


class Spawner(Protocol):
    """Where processes come from."""

    def spawn(self, service: Service) -> Running:
        """Start a service; raise OSError when that is impossible."""
        ...

    def adopt(self, identity: ProcessId) -> Running | None:
        """Take over a process that another runner started; None when it has ended."""
        ...


log = Logger()


@attrs.define(eq=False)
class Keeper:
    """One service and its state; `changed` is called after each change of either."""

    service: Service
    _spawner: Spawner
    _clock: IReactorTime
    _jitter: Callable[[], float]
    _changed: Callable[[], None]
    _backoff: Backoff = attrs.field(factory=Backoff)
    state: State = State.DOWN
    failures: int = 0
    starts: int = 0
    _running: Running | None = None
    _since: float = 0.0
    _timer: IDelayedCall | None = None

    @property
    def id(self) -> ProcessId | None:
        """The process that runs now."""
        return None if self._running is None else self._running.id

    def start(self) -> None:
        """Want the service up."""
        self._tell(Event.START)

    def stop(self) -> None:
        """Want the service down until `start`."""
        self._tell(Event.STOP)

    def resume(self, identity: ProcessId) -> bool:
        """Adopt a process that an earlier runner started; False when it has ended."""
        running = self._spawner.adopt(identity)
        if running is None:
            return False
        self.state = State.UP
        self._watch(running)
        self._changed()
        return True

    def _tell(self, event: Event) -> None:
        before = self.state
        self.state, actions = step(before, event)
        if self.state is not before:
            log.info(
                "{name}: {before} -> {after} on {event}",
                name=self.service.name,
                before=before.value,
                after=self.state.value,
                event=event.value,
            )
        for action in actions:
            self._do(action)
        self._changed()

    def _do(self, action: Action) -> None:
        match action:
            case Action.SPAWN:
                self._spawn()
            case Action.TERMINATE:
                if self._running is not None:  # a failed start has none, and its end is on its way
                    self._running.terminate(self.service.stop_signal)
                self._later(self.service.grace, Event.OVERDUE)
            case Action.KILL:
                if self._running is not None:
                    self._running.kill()
            case Action.PAUSE:
                self._later(self._backoff.delay(self.failures, self._jitter()), Event.DUE)
            case Action.CANCEL:
                self._cancel()

    def _spawn(self) -> None:
        self.starts += 1
        try:
            running = self._spawner.spawn(self.service)
        except OSError as error:
            log.warn("{name} not started: {error}", name=self.service.name, error=error)
            self._since = self._clock.seconds()
            self._clock.callLater(0, self._on_end, str(error))
            return
        self._watch(running)

    def _watch(self, running: Running) -> None:
        self._running, self._since = running, self._clock.seconds()
        running.ended.addCallback(self._on_end)

    def _on_end(self, reason: str) -> None:
        self._running = None
        log.info("{name} ended: {reason}", name=self.service.name, reason=reason)
        uptime = self._clock.seconds() - self._since
        self.failures = self._backoff.failures(self.failures, uptime)
        self._tell(Event.ENDED)

    def _later(self, delay: float, event: Event) -> None:
        self._cancel()
        self._timer = self._clock.callLater(delay, self._tell, event)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
