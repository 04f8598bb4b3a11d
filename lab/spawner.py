"""Real processes for a runner: children it starts, and processes it adopts by pidfd."""

import contextlib
import os
import signal

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProcessTransport,
    IReactorFDSet,
    IReactorProcess,
    IReadDescriptor,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from lab.account import becoming
from lab.process import ProcessId
from lab.service import Service


class _End(ProcessProtocol):
    """Waits for a child's end."""

    def __init__(self) -> None:
        self.ended: Deferred[str] = Deferred()

    def processEnded(self, reason: Failure) -> None:
        """Pass the reason on."""
        self.ended.callback(reason.getErrorMessage())


@attrs.frozen(eq=False)
class Started:
    """A process of its own session; `id.pid` is also its process group."""

    id: ProcessId
    ended: Deferred[str]

    def terminate(self, signum: signal.Signals) -> None:
        """Send a signal to the process alone: it knows how to end its own."""
        self.id.signal(signum)

    def kill(self) -> None:
        """Send SIGKILL to the whole group."""
        if self.id.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.id.pid, signal.SIGKILL)


@implementer(IReadDescriptor)
class PidFd:
    """Tells the end of any process: a pidfd becomes readable then, pidfd_open(2)."""

    def __init__(self, descriptor: int, reactor: IReactorFDSet) -> None:
        self._descriptor = descriptor
        self._reactor = reactor
        self.ended: Deferred[str] = Deferred()
        reactor.addReader(self)

    def fileno(self) -> int:
        """Return the descriptor the reactor waits on."""
        return self._descriptor

    def logPrefix(self) -> str:
        """Name this reader in Twisted's log."""
        return f"pidfd {self._descriptor}"

    def doRead(self) -> None:
        """Take the end to its waiter, once."""
        self._reactor.removeReader(self)
        os.close(self._descriptor)
        self.ended.callback("an adopted process ended")

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002 - Twisted's
        """Close the descriptor when the reactor drops this reader, as it does when it stops."""
        os.close(self._descriptor)


@attrs.frozen(eq=False)
class ProcessSpawner:
    """Starts and adopts real processes."""

    _processes: IReactorProcess
    _descriptors: IReactorFDSet

    def spawn(self, service: Service) -> Started:
        """Start a service in a session of its own; raise OSError when that is impossible."""
        protocol = _End()
        null = os.open(os.devnull, os.O_RDONLY)
        log = os.open(service.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            transport = self._spawn(protocol, service, null, log)
        finally:
            os.close(null)
            os.close(log)
        assert transport.pid is not None
        identity = ProcessId.of(transport.pid) or ProcessId(transport.pid, 0)
        return Started(identity, protocol.ended)

    def _spawn(
        self, protocol: ProcessProtocol, service: Service, null: int, log: int
    ) -> IProcessTransport:
        user = service.user
        drop = [] if user is None else ["setpriv", *becoming(user), "--"]
        return self._processes.spawnProcess(
            protocol,
            "/usr/bin/setsid",
            ["setsid", *drop, *service.argv],
            env={**os.environ, **dict(service.environment)},
            path=str(service.cwd),
            childFDs={0: null, 1: log, 2: log},
        )

    def adopt(self, identity: ProcessId) -> Started | None:
        """Take over a process that is not a child; None when it has ended."""
        try:
            descriptor = os.pidfd_open(identity.pid)
        except ProcessLookupError:
            return None
        if not identity.alive():
            os.close(descriptor)
            return None
        return Started(identity, PidFd(descriptor, self._descriptors).ended)
