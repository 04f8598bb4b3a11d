"""Processes that exist in memory only, for a runner on a clock."""

import signal

import attrs
from twisted.internet.defer import Deferred

from lab.process import ProcessId
from lab.service import Service


@attrs.define(eq=False)
class MemoryProcess:
    """A process that notes what it is sent and ends when the test says so."""

    id: ProcessId
    ended: Deferred[str] = attrs.field(factory=Deferred)
    sent: list[signal.Signals] = attrs.field(factory=list)

    def terminate(self, signum: signal.Signals) -> None:
        """Note the signal."""
        self.sent.append(signum)

    def kill(self) -> None:
        """Note a SIGKILL, and end."""
        self.sent.append(signal.SIGKILL)
        self.end("killed")

    def end(self, reason: str = "ended") -> None:
        """End."""
        self.ended.callback(reason)


@attrs.define(eq=False)
class MemorySpawner:
    """Starts processes in memory; `broken` makes every start fail."""

    started: list[MemoryProcess] = attrs.field(factory=list)
    broken: bool = False

    def spawn(self, service: Service) -> MemoryProcess:
        """Start a process with the next number."""
        if self.broken:
            raise FileNotFoundError(service.argv[0])
        process = MemoryProcess(ProcessId(100 + len(self.started), 1))
        self.started.append(process)
        return process

    def adopt(self, identity: ProcessId) -> MemoryProcess | None:
        """Find a process that was started here and has not ended."""
        for process in self.started:
            if process.id == identity and not process.ended.called:
                process.ended = Deferred()
                return process
        return None

    @property
    def last(self) -> MemoryProcess:
        """The process started last."""
        return self.started[-1]
