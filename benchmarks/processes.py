"""Processes under test: pinned one to a core, ended by their own pid, with idle spinners."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PR_SET_PDEATHSIG = 1
"""prctl(2): a child dies with its parent."""
PATIENCE = 240.0
"""Seconds that a client may take."""
SERVER_CORE, CLIENT_CORE = 0, 1
LOOPBACK = "127.0.0.1"
BACKLOG = 4096
"""Of every server on asyncio or Twisted that lets it be set."""


class Broken(Exception):
    """A process under test did not do its part; the message has its last words."""


def free_port() -> int:
    """Give a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def spinners() -> Iterator[None]:
    """Keep every core busy at the lowest priority.

    On virtual machines an idle core halts, and waking it costs more than the call measured; with
    spinners the same benchmark scatters by 10 % instead of 60 %.
    """
    pids = [_spin(core) for core in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _spin(core: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


def on_core(core: int, module: str, *words: str) -> list[str]:
    """Give the command line of a module of ours pinned to a core."""
    core = min(core, (os.cpu_count() or 1) - 1)
    return ["taskset", "-c", str(core), sys.executable, "-m", module, *words]


@contextmanager
def server(module: str, port: int, *words: str, core: int = SERVER_CORE) -> Iterator[int]:
    """Run a server until the block ends; gives its pid once it listens."""
    argv = on_core(core, module, "server", str(port), *words)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            if not _is_ready(process):
                process.kill()
                raise Broken(_last_words(process.communicate()[1]))
            yield process.pid
        finally:
            process.kill()


def _is_ready(process: subprocess.Popen[bytes]) -> bool:
    out = process.stdout
    return (
        out is not None
        and bool(select.select([out], [], [], PATIENCE)[0])
        and out.readline().startswith(b"READY")
    )


def _last_words(complaint: bytes | None) -> str:
    return (complaint or b"").decode(errors="replace")[-2000:]


def client(module: str, port: int, pid: int, *words: str) -> dict[str, Any]:
    """Run a client to its end and give what it measured."""
    argv = on_core(CLIENT_CORE, module, "client", str(port), *words)
    environment = {**os.environ, "BENCH_SERVER": str(pid)}
    try:
        done = subprocess.run(
            argv, capture_output=True, timeout=PATIENCE, env=environment, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Broken(f"{error}: {_last_words(error.stderr)}") from error
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(module: str, *words: str) -> dict[str, Any]:
    """Run one server and one client and give what was measured."""
    port = free_port()
    with server(module, port, *words) as pid:
        return client(module, port, pid, *words)
