"""One measurement: calls in a closed loop, their latency, and the CPU that both sides spent."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field, frozen

now = time.perf_counter
PAUSE = 0.05
"""Seconds of silence between two phases."""


@frozen
class Phase:
    """One shape of load."""

    name: str
    outstanding: int
    blob: bool
    seconds: float


def scale() -> float:
    """Give the share of the usual time that the runner wants to spend."""
    return float(os.environ.get("BENCH_SCALE", "1"))


def server_pid() -> int:
    """Give the pid of the server that the runner has started for this client, 0 for none."""
    return int(os.environ.get("BENCH_SERVER", "0"))


def phases(connections: int) -> list[Phase]:
    """Give the shapes that are measured over so many connections."""
    long, short = 1.2 * scale(), 0.8 * scale()
    warm_up = Phase("warm-up", max(8, connections), blob=False, seconds=0.3)
    if connections > 1:
        return [warm_up, Phase("fan", connections, blob=False, seconds=long)]
    return [
        warm_up,
        Phase("s1", 1, blob=False, seconds=long),
        Phase("s64", 64, blob=False, seconds=long),
        Phase("b1", 1, blob=True, seconds=short),
        Phase("b64", 64, blob=True, seconds=short),
    ]


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Give the nearest-rank percentile of what is sorted."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def cpu_seconds(pid: int) -> float:
    """Give the CPU time of all threads of a process, from the scheduler's own books."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(path.read_text().split()[0])
        except OSError:  # the thread has just ended
            continue
    return total / 1e9


@define
class Recording:
    """What a phase has shown so far; `server` is the pid of the other side, 0 for none."""

    phase: Phase
    server: int
    latencies: list[float] = field(factory=list)
    ends: float = 0.0
    """When to stop, by `now`."""
    _began: float = field(init=False, default=0.0)
    _client_spent: float = field(init=False, default=0.0)
    _server_spent: float = field(init=False, default=0.0)

    def begin(self) -> None:
        """Start the clocks."""
        gc.collect()
        self._client_spent = cpu_seconds(os.getpid())
        self._server_spent = cpu_seconds(self.server) if self.server else 0.0
        self._began = now()
        self.ends = self._began + self.phase.seconds

    def result(self) -> dict[str, float]:
        """Stop the clocks and sum up: calls/s, microseconds of CPU and of latency per call."""
        wall = now() - self._began
        client = cpu_seconds(os.getpid()) - self._client_spent
        server = cpu_seconds(self.server) - self._server_spent if self.server else 0.0
        ordered = sorted(self.latencies)
        count = len(ordered)
        return {
            "calls": count,
            "cps": count / wall,
            "client_us": client / count * 1e6,
            "server_us": server / count * 1e6,
            "cpu_us": (client + server) / count * 1e6,
            "p50_us": percentile(ordered, 50) * 1e6,
            "p99_us": percentile(ordered, 99) * 1e6,
        }
