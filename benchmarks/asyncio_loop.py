"""The closed loop of `amp_peer` for clients on asyncio: the same phases, the same output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

from benchmarks.contract import check
from benchmarks.phases import PAUSE, Phase, Recording, now, phases, server_pid

Call = Callable[[int, bool], Awaitable[tuple[bool, int]]]
"""(id, with the blob) -> (ok, count)."""


async def run(call: Call) -> None:
    """Run all phases and print the results."""
    found = {}
    for phase in phases(1):
        await asyncio.sleep(PAUSE)
        found[phase.name] = await _measured(phase, call)
    sys.stdout.write(json.dumps(found) + "\n")


async def _measured(phase: Phase, call: Call) -> dict[str, float]:
    recording = Recording(phase, server_pid())
    recording.begin()

    async def worker() -> None:
        count = 0
        while (began := now()) < recording.ends:
            count += 1
            check(*await call(count, phase.blob))
            recording.latencies.append(now() - began)

    await asyncio.gather(*[worker() for _ in range(phase.outstanding)])
    return recording.result()
