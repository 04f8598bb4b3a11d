"""Processes named so that a reused number is no mistake."""

import os
import signal
import subprocess

import attrs

from lab import ProcessId
from lab.process import Process


def test_this_process_is_alive() -> None:
    """And knows its own arguments."""
    me = Process.of(os.getpid())
    assert me is not None
    assert me.id.alive()
    assert me.matches("pytest")


def test_a_number_with_another_start_is_somebody_else() -> None:
    """It is not alive, and gets no signal."""
    me = ProcessId.of(os.getpid())
    assert me is not None
    stranger = attrs.evolve(me, started=me.started + 1)
    assert not stranger.alive()
    assert not stranger.signal(signal.SIGKILL)


def test_a_zombie_has_ended() -> None:
    """Its parent may take its time to notice."""
    child = subprocess.Popen(["sleep", "1000"])
    identity = ProcessId.of(child.pid)
    assert identity is not None
    assert identity.signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive()
    assert Process.of(child.pid) is None
    child.wait()
    assert not identity.signal(signal.SIGTERM)
