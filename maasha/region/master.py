"""The region's master: it owns port 5240 and keeps the workers alive; no database, no RPC."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from attrs import frozen
from twisted.application.internet import backoffPolicy
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import (
    IDelayedCall,
    IProcessTransport,
    IReactorProcess,
    IReactorTime,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.region.sockets import dual_stack

HTTP_DESCRIPTOR = 3
"""The descriptor on which a worker finds the shared listening socket."""
STABLE_SECONDS = 10.0
"""A worker that lived this long starts its backoff anew."""
GRACE_SECONDS = 8.0
"""What a worker gets to close its links before it is killed."""
BIND_INTERVAL = 1.0


class MasterReactor(IReactorProcess, IReactorTime):
    """What the master needs of a reactor."""


@frozen
class WorkerCommand:
    """How to start the worker of a slot; `config` is the path of regiond.conf."""

    config: Path
    workers: int

    def argv(self, slot: int) -> list[str]:
        """Give the argument vector."""
        return [
            sys.executable,
            "-m",
            "maasha.daemon.worker",
            f"--config={self.config}",
            f"--slot={slot}",
            f"--workers={self.workers}",
        ]


class WorkerProcess(ProcessProtocol):
    """One run of a worker; its standard input is the life pipe, closed when the master is gone."""

    def __init__(self, ended: Callable[[Failure], None]) -> None:
        self._ended = ended

    def processEnded(self, reason: Failure) -> None:
        """Tell the slot."""
        self._ended(reason)


class Slot(Service):
    """Keeps one worker running; waits longer after each quick death."""

    log = Logger()

    def __init__(
        self, reactor: MasterReactor, command: WorkerCommand, slot: int, listening: socket.socket
    ) -> None:
        self._reactor = reactor
        self._command = command
        self._slot = slot
        self._listening = listening
        self._backoff = backoffPolicy(initialDelay=0.1, maxDelay=10.0)
        self._deaths = 0
        self._born = 0.0
        self._next: IDelayedCall | None = None
        self._process: IProcessTransport | None = None
        self._gone: Deferred[None] | None = None

    def startService(self) -> None:
        """Start the worker."""
        super().startService()
        self._spawn()

    def stopService(self) -> Deferred[None] | None:
        """Ask the worker to end, make it end after the grace; fires when it is gone."""
        super().stopService()
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._process is None:
            return None
        self._gone = Deferred()
        self._signal("TERM")
        kill = self._reactor.callLater(GRACE_SECONDS, self._signal, "KILL")
        return self._gone.addCallback(lambda _: kill.cancel() if kill.active() else None)

    def _spawn(self) -> None:
        self._next = None
        argv = self._command.argv(self._slot)
        self._born = self._reactor.seconds()
        self._process = self._reactor.spawnProcess(
            WorkerProcess(self._ended),
            argv[0],
            argv,
            env=None,
            childFDs={0: "w", 1: 1, 2: 2, HTTP_DESCRIPTOR: self._listening.fileno()},
        )
        pid = self._process.pid
        self.log.info("worker {slot} started, pid {pid}", slot=self._slot, pid=pid)

    def _ended(self, reason: Failure) -> None:
        self._process = None
        if self._gone is not None:
            self._gone.callback(None)
            return
        lived = self._reactor.seconds() - self._born
        self._deaths = 0 if lived >= STABLE_SECONDS else self._deaths + 1
        delay = self._backoff(self._deaths)
        how = "left" if reason.check(ProcessDone) else "died"
        self.log.warn(
            "worker {slot} {how} after {lived:.1f} s ({reason}); again in {delay:.1f} s",
            slot=self._slot,
            how=how,
            lived=lived,
            reason=reason.getErrorMessage(),
            delay=delay,
        )
        self._next = self._reactor.callLater(delay, self._spawn)

    def _signal(self, name: str) -> None:
        if self._process is None:
            return
        try:
            self._process.signalProcess(name)
        except ProcessExitedAlready:
            self.log.debug("worker {slot} had gone already", slot=self._slot)


class Master(MultiService):
    """Binds the API's port as soon as it is free, then runs a slot for each worker."""

    log = Logger()

    def __init__(self, reactor: MasterReactor, command: WorkerCommand, port: int) -> None:
        super().__init__()
        self._reactor = reactor
        self._command = command
        self._port = port
        self._listening: socket.socket | None = None
        self._retry: IDelayedCall | None = None

    def startService(self) -> None:
        """Bind, now or as soon as the port is free."""
        super().startService()
        self._bind()

    def stopService(self) -> Deferred[None]:
        """Let go of the port, so that nobody waits there whom no worker takes; end the workers."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._close()
        stopped: Deferred[None] = super().stopService()
        return stopped.addCallback(lambda _: None)

    def _bind(self) -> None:
        self._retry = None
        try:
            self._listening = dual_stack(self._port)
        except OSError as error:
            self.log.warn("port {port} is not free: {error}", port=self._port, error=error)
            self._retry = self._reactor.callLater(BIND_INTERVAL, self._bind)
            return
        self.log.info("the API listens on port {port}", port=self._port)
        for slot in range(self._command.workers):
            Slot(self._reactor, self._command, slot, self._listening).setServiceParent(self)

    def _close(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
