"""A hard time for a cluster, in which nobody dies: long lines, busy processors, pauses."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from lab import Cable, Detour, Host, ProcessId
from tests.acceptance.burner import Ticks
from tests.acceptance.crowd import preferred

ONE_WAY, LOSS = 0.13, 0.01
"""Seconds, and the share of frames that is lost in each direction."""
BUSY = 0.95
PAUSE = 1.2
"""Seconds for which a process is stopped."""
BETWEEN = 0.2, 1.2
"""Seconds between two pauses."""
EACH = 2
"""Burners for each processor: whoever wakes up has to wait for its turn."""


@contextmanager
def long_lines(cables: Sequence[Cable], seed: int) -> Iterator[Sequence[Detour]]:
    """Have all that passes these cables delayed, and some of it lost."""
    with ExitStack() as lines:
        yield [
            lines.enter_context(Detour(cable, delay=ONE_WAY, loss=LOSS, seed=seed + number))
            for number, cable in enumerate(cables)
        ]


@contextmanager
def busy_processors(host: Host) -> Iterator[None]:
    """Have the whole machine busy, by processes of a host."""
    argv = [sys.executable, "-m", "tests.acceptance.burner", str(BUSY)]
    count = EACH * len(os.sched_getaffinity(0))
    burners = [host.popen(argv, log=host.directory / "burners.log") for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.end(signal.SIGKILL)


class Pauses:
    """Stops processes one after the other, in an order and at moments chosen by a seed."""

    def __init__(self, processes: Sequence[ProcessId], seed: int) -> None:
        self.lengths: list[float] = []
        self.busy: list[float] = []
        self._processes = list(processes)
        self._dice = random.Random(seed)

    def go_round(self) -> None:
        """Pause each once; raises LookupError for one that is dead."""
        self._dice.shuffle(self._processes)
        before = Ticks.now()
        with preferred():
            for process in self._processes:
                self._pause(process)
                time.sleep(self._dice.uniform(*BETWEEN))
        self.busy.append(Ticks.now().busy_since(before))

    def _pause(self, process: ProcessId) -> None:
        began = time.monotonic()
        if not process.signal(signal.SIGSTOP):
            raise LookupError(f"process {process.pid} is dead")
        try:
            time.sleep(PAUSE)
        finally:
            process.signal(signal.SIGCONT)
        self.lengths.append(time.monotonic() - began)
