"""A process in a session of its own, which outlives us and is watched through a pidfd."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from maasha.dhcp.errors import StillRunning
from maasha.dhcp.proc import start_time
from maasha.dhcp.reactor import IReactorDhcp

STOP_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
KILL_GRACE = 5.0
"""Seconds until a process must have ended that the kernel was told to end."""


@implementer(IReadDescriptor)
class Process:
    """One running process, our child or not; a pidfd is readable as soon as it has ended."""

    def __init__(self, reactor: IReactorDhcp, pid: int, started: int, pidfd: int) -> None:
        self.pid = pid
        self.started = started
        """Clock ticks since boot."""
        self.running = True
        self.status: int | None = None
        """What it ended with (negative: the signal) if it was our child."""
        self.by: Callable[[], Awaitable[None]] | None = None
        """How whoever else may start it again is told that it is to end; None: nobody may."""
        self._reactor = reactor
        self._pidfd = pidfd
        self._waiting: list[Deferred[None]] = []
        reactor.addReader(self)

    def ended(self) -> Deferred[None]:
        """Fire when the process is gone; each caller gets a Deferred of its own."""
        waiter: Deferred[None] = Deferred(self._forget)
        if self.running:
            self._waiting.append(waiter)
        else:
            waiter.callback(None)
        return waiter

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this very process, to no other one that got its pid."""
        if self.running:
            try:
                signal.pidfd_send_signal(self._pidfd, number)
            except ProcessLookupError:
                return

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """End it, by force after `grace` seconds; raises StillRunning if even that fails."""
        if self.by is not None:
            await self.by()
        self.send(signal.SIGTERM)
        if not await self._ended_within(grace):
            self.send(signal.SIGKILL)
            if not await self._ended_within(KILL_GRACE):
                raise StillRunning(self.pid)

    def release(self) -> None:
        """Watch it no longer; it runs on."""
        if self._pidfd >= 0:
            self._reactor.removeReader(self)
            os.close(self._pidfd)
            self._pidfd = -1

    def fileno(self) -> int:
        """Give the pidfd."""
        return self._pidfd

    def doRead(self) -> None:
        """Take note of the end, once."""
        self.running = False
        self.status = _reap(self.pid)
        self.release()
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002 - IReadDescriptor's shape
        """Let go when the reactor does."""
        self.release()

    def logPrefix(self) -> str:
        """Name this reader in the reactor's own logs."""
        return f"process {self.pid}"

    async def _ended_within(self, seconds: float) -> bool:
        try:
            await self.ended().addTimeout(seconds, self._reactor)
        except TimeoutError:
            return False
        return True

    def _forget(self, waiter: Deferred[None]) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)


def spawn(reactor: IReactorDhcp, argv: Sequence[str], log: Path) -> Process:
    """Start a program in its own session, its stderr and stdout appended to `log`.

    No pipe: nobody must read for the program to go on, and nobody's end ends it. Raises OSError
    when it cannot be started.
    """
    out = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            out,
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGHUP, signal.SIGTERM],
    )
    return Process(reactor, pid, start_time(pid) or 0, os.pidfd_open(pid))


def watch(reactor: IReactorDhcp, pid: int) -> Process | None:
    """Take a running process that need not be our child; None: there is none."""
    try:
        pidfd = os.pidfd_open(pid)
    except (ProcessLookupError, ValueError):
        return None
    started = start_time(pid)
    if started is None:
        os.close(pidfd)
        return None
    return Process(reactor, pid, started, pidfd)


def _reap(pid: int) -> int | None:
    """Take the exit status of a child, lest it stay a zombie; None: not our child."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if found else None
