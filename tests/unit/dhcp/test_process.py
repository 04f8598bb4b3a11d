"""Processes that outlive us, and what /proc says of them; with real, harmless ones."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from twisted.internet.task import deferLater

from maasha.dhcp import process as module
from maasha.dhcp.errors import StillRunning
from maasha.dhcp.proc import command_line, find, network_of, start_time
from maasha.dhcp.process import Process, spawn, watch
from tests.unit.dhcp.real import asynchronous, reactor

NOBODY = 2**22 + 1
"""Above every pid that Linux gives out."""


def sleeper(tmp_path: Path) -> Process:
    """Start a process that does nothing for long."""
    return spawn(reactor, ["/bin/sleep", "600.25"], tmp_path / "log")


@asynchronous
async def test_a_process_is_stopped_and_reaped(tmp_path: Path) -> None:
    """After its end it is known what it ended with, and no zombie stays."""
    process = sleeper(tmp_path)
    await process.stop()
    assert (process.running, process.status) == (False, -signal.SIGTERM)
    assert command_line(process.pid) == ()
    await process.stop()


@asynchronous
async def test_a_deaf_process_is_killed(tmp_path: Path) -> None:
    """SIGTERM is asked for only so long."""
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    process = spawn(reactor, ["/bin/sh", "-c", script], tmp_path / "log")
    while "ready" not in (tmp_path / "log").read_text():
        await deferLater(reactor, 0.01)
    await process.stop(grace=0.05)
    assert process.status == -signal.SIGKILL


@asynchronous
async def test_a_process_that_cannot_be_killed_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a process hangs in the kernel; nobody waits for it for ever."""
    monkeypatch.setattr(module, "KILL_GRACE", 0.02)
    process = sleeper(tmp_path)
    monkeypatch.setattr(process, "send", lambda _: None)
    with pytest.raises(StillRunning, match=f"process {process.pid} does not end"):
        await process.stop(grace=0.02)
    os.kill(process.pid, signal.SIGKILL)
    await process.ended()


@asynchronous
async def test_a_process_has_its_own_session_and_appends_what_it_says(tmp_path: Path) -> None:
    """No signal meant for us reaches it, and no pipe ties it to us."""
    log = tmp_path / "log"
    log.write_text("before\n")
    process = spawn(reactor, ["/bin/sh", "-c", "echo $$; ps -o sid= -p $$ >&2"], log)
    await process.ended()
    first, *said = log.read_text().split()
    assert first == "before"
    assert said == [str(process.pid)] * 2
    assert process.status == 0


@asynchronous
async def test_everybody_who_waits_is_told_once(tmp_path: Path) -> None:
    """Each has a Deferred of its own; whoever gave up harms nobody."""
    process = sleeper(tmp_path)
    impatient = process.ended()
    impatient.addErrback(lambda _: None)
    both = [process.ended(), process.ended()]
    impatient.cancel()
    process.send(signal.SIGKILL)
    for waiter in both:
        await waiter
    await process.ended()
    process.send(signal.SIGKILL)


@asynchronous
async def test_the_end_of_a_process_that_is_not_our_child_is_seen(tmp_path: Path) -> None:
    """A pidfd works for strangers; only the status is unknown."""
    script = "import subprocess; print(subprocess.Popen(['/bin/sleep', '600.5']).pid)"
    parent = spawn(reactor, [sys.executable, "-c", script], tmp_path / "log")
    await parent.ended()
    stranger = watch(reactor, int((tmp_path / "log").read_text()))
    assert stranger is not None
    await stranger.stop()
    assert stranger.status is None


@asynchronous
async def test_a_released_process_runs_on(tmp_path: Path) -> None:
    """Letting go twice is no harm."""
    process = sleeper(tmp_path)
    process.release()
    process.release()
    again = watch(reactor, process.pid)
    assert again is not None
    assert again.started == process.started == start_time(process.pid)
    await again.stop()


def test_there_is_nothing_to_watch_where_nothing_runs() -> None:
    """A pid without a process gives nothing anywhere."""
    assert watch(reactor, NOBODY) is None
    assert start_time(NOBODY) is None
    assert command_line(NOBODY) == ()
    assert network_of(NOBODY) == ""


@asynchronous
async def test_a_zombie_does_not_run(tmp_path: Path) -> None:
    """It has a pid still, but neither a start nor arguments."""
    pid = os.posix_spawn("/bin/true", ["/bin/true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert (start_time(pid), command_line(pid), watch(reactor, pid)) == (None, (), None)
    os.waitpid(pid, 0)
    process = sleeper(tmp_path)
    assert start_time(process.pid) == process.started
    await process.stop()


@asynchronous
async def test_processes_are_found_by_their_arguments(tmp_path: Path) -> None:
    """All the words have to be there, which takes a moment in a process that has just begun."""
    process = sleeper(tmp_path)
    while process.pid not in set(find(["600.25"])):
        assert start_time(process.pid) == process.started
        await deferLater(reactor, 0.001)
    assert process.pid not in set(find(["600.25", "another"]))
    await process.stop()
    assert process.pid not in set(find(["600.25"]))


def test_what_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    """The caller hears of a missing program at once."""
    with pytest.raises(FileNotFoundError):
        spawn(reactor, [str(tmp_path / "missing")], tmp_path / "log")
