"""The master keeps its workers running: restarted with growing pauses, ended in good order."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from maasha.region.master import (
    BIND_INTERVAL,
    GRACE_SECONDS,
    HTTP_DESCRIPTOR,
    STABLE_SECONDS,
    Master,
    MasterReactor,
    WorkerCommand,
)
from tests.postgres import free_port

COMMAND = WorkerCommand(Path("/etc/maasha/regiond.conf"), 2)
DIED = ProcessTerminated(1)
JITTER = 1.0
"""Seconds that Twisted's backoffPolicy adds at most, by chance."""


@define(eq=False)
class Process:
    """A worker that a test lets end; `polite`: SIGTERM ends it."""

    protocol: ProcessProtocol
    argv: list[str]
    descriptors: dict[int, int | str]
    pid: int
    polite: bool = True
    signals: list[str] = field(factory=list)
    gone: bool = False

    def signalProcess(self, name: str) -> None:
        """Take a signal; raises ProcessExitedAlready."""
        if self.gone:
            raise ProcessExitedAlready
        self.signals.append(name)
        if name == "KILL" or self.polite:
            self.end()

    def end(self, reason: Exception = DIED) -> None:
        """Be gone."""
        self.gone = True
        self.protocol.processEnded(Failure(reason))


class Host(Clock):
    """A reactor that starts processes in name only."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Process] = []
        self.polite = True

    def spawnProcess(
        self,
        protocol: ProcessProtocol,
        _program: str,
        argv: list[str],
        env: None = None,
        childFDs: dict[int, int | str] | None = None,
    ) -> Process:
        """Start a process, with our environment."""
        assert env is None
        process = Process(protocol, argv, childFDs or {}, 1000 + len(self.started), self.polite)
        self.started.append(process)
        return process

    def of(self, slot: int) -> list[Process]:
        """Give the processes of a slot, the oldest first."""
        return [process for process in self.started if f"--slot={slot}" in process.argv]


@pytest.fixture
def host() -> Host:
    """Give a host."""
    return Host()


@pytest.fixture
def master(host: Host) -> Iterator[Master]:
    """Give a running master of two workers; its port is closed afterwards."""
    made = Master(cast(MasterReactor, host), COMMAND, free_port())
    made.startService()
    yield made
    made._close()


def stop(master: Master) -> list[None]:
    """Begin to stop; the list has an entry when nothing is left."""
    stopped: list[None] = []
    stopping: Deferred[Any] = master.stopService()
    stopping.addCallback(stopped.append)
    return stopped


def test_every_slot_has_its_worker(master: Master, host: Host) -> None:
    """Started by the same Python, with the file, the slot and how many there are."""
    assert [process.argv[3:] for process in host.started] == [
        ["--config=/etc/maasha/regiond.conf", "--slot=0", "--workers=2"],
        ["--config=/etc/maasha/regiond.conf", "--slot=1", "--workers=2"],
    ]
    assert host.started[0].argv[:3] == [sys.executable, "-m", "maasha.daemon.worker"]
    assert master.running


@pytest.mark.usefixtures("master")
def test_workers_share_the_port_and_hold_a_lifeline(host: Host) -> None:
    """One listening socket for all; standard input is a pipe that ends with the master."""
    first, second = (process.descriptors for process in host.started)
    assert first[HTTP_DESCRIPTOR] == second[HTTP_DESCRIPTOR]
    assert first[0] == "w"
    with socket.socket(fileno=int(first[HTTP_DESCRIPTOR])) as listening:
        assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        listening.detach()


@pytest.mark.usefixtures("master")
def test_a_worker_that_dies_is_started_again(host: Host) -> None:
    """The others go on."""
    host.of(0)[0].end()
    host.advance(0.2 + JITTER)
    assert (len(host.of(0)), len(host.of(1))) == (2, 1)


@pytest.mark.usefixtures("master")
def test_one_that_leaves_by_itself_is_started_again_too(host: Host) -> None:
    """A worker that was superseded, or lost its master's pipe, is no end of the slot."""
    host.of(0)[0].end(ProcessDone(0))
    host.advance(0.2 + JITTER)
    assert len(host.of(0)) == 2


def pause(host: Host) -> float:
    """Let the worker of slot 0 die; give the seconds until the next one."""
    before, died = len(host.of(0)), host.seconds()
    host.of(0)[-1].end()
    while len(host.of(0)) == before:
        host.advance(0.01)
    return host.seconds() - died


@pytest.mark.usefixtures("master")
def test_quick_deaths_make_growing_pauses(host: Host) -> None:
    """A worker that cannot start does not eat the host, and is tried every 10 s at the latest."""
    pauses = [pause(host) for _ in range(15)]
    assert pauses[0] < 0.2 + JITTER
    assert pauses[8] > 2 + JITTER
    assert max(pauses) < 10.1 + JITTER


@pytest.mark.usefixtures("master")
def test_a_worker_that_has_lived_is_started_again_at_once(host: Host) -> None:
    """Its predecessors' deaths are forgotten."""
    for _ in range(10):
        pause(host)
    host.advance(STABLE_SECONDS + 1)
    assert pause(host) < 0.2 + JITTER


def test_stopping_asks_the_workers_to_end(master: Master, host: Host) -> None:
    """It is over when they are gone; nobody starts them again, and the port is free."""
    port = master._port
    assert stop(master) == [None]
    assert [process.signals for process in host.started] == [["TERM"], ["TERM"]]
    host.advance(100)
    assert len(host.started) == 2
    with socket.create_server(("", port)):
        pass


def test_a_worker_that_does_not_end_is_killed(master: Master, host: Host) -> None:
    """After its grace, and the master waits for that."""
    host.of(1)[0].polite = False
    stopped = stop(master)
    host.advance(GRACE_SECONDS - 0.1)
    assert stopped == []
    host.advance(0.1)
    assert stopped == [None]
    assert host.of(1)[0].signals == ["TERM", "KILL"]
    assert host.getDelayedCalls() == []


def test_stopping_in_a_pause_starts_nobody(master: Master, host: Host) -> None:
    """A slot without a process has nothing to end."""
    host.of(0)[0].end()
    assert stop(master) == [None]
    host.advance(100)
    assert len(host.of(0)) == 1


def test_a_worker_that_has_just_gone_cannot_be_signalled(master: Master, host: Host) -> None:
    """The news of its end is on its way: the master waits for it."""
    host.of(0)[0].gone = True
    stopped = stop(master)
    assert stopped == []
    host.of(0)[0].end()
    assert stopped == [None]


def test_a_port_that_is_taken_is_tried_until_it_is_free(host: Host) -> None:
    """A master that was killed may have left orphans on it for a moment."""
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        master = Master(cast(MasterReactor, host), COMMAND, port)
        master.startService()
        host.advance(BIND_INTERVAL)
        assert host.started == []
    host.advance(BIND_INTERVAL)
    assert len(host.started) == 2
    assert stop(master) == [None]


def test_stopping_while_the_port_is_taken_gives_it_up(host: Host) -> None:
    """Nothing is tried any more."""
    with socket.create_server(("", 0)) as taken:
        master = Master(cast(MasterReactor, host), COMMAND, taken.getsockname()[1])
        master.startService()
        assert stop(master) == [None]
    host.advance(10 * BIND_INTERVAL)
    assert host.started == []
