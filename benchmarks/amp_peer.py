"""Either end of AMP links: `python -m benchmarks.amp_peer server|client PORT KIND [WORD ...]`.

KIND is `stock` or `maasha`. The words are `tls`, `fan64` (64 connections), `await` (coroutines
call, not callbacks) and `slow` (a fast call behind a slow one).
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred, DeferredSemaphore, ensureDeferred, gatherResults

from benchmarks.amp_loops import awaiting, calling_back
from benchmarks.contract import NAME, SLOW, Lookup, Report, Sleep, check
from benchmarks.desk import clock
from benchmarks.phases import PAUSE, now, percentile, phases, scale

FAN = 64
"""Connections of the shape that a cluster has."""
DIALLING = 16
"""Connections that are made at the same time."""
HEAD_START = 0.002
"""Seconds that a slow call has before the fast one."""
SLOW_LINKS = 8
"""Links with slow calls: each fast call needs one, so few of them would give a p99 of few."""
SLOW_CALLS = 150
"""Slow calls on each."""


async def behind_slow(link: Any, calls: int, first: float) -> list[float]:
    """Give the seconds that fast calls took, each made just after a slow one on its connection."""
    latencies = []
    await task.deferLater(clock, first, dict)
    for number in range(calls):
        slow = link.callRemote(Sleep, id=number)
        await task.deferLater(clock, HEAD_START, dict)
        began = now()
        answer = await link.callRemote(Lookup, id=number + 1, name=NAME)
        latencies.append(now() - began)
        check(answer["ok"], answer["count"])
        await slow
    return latencies


async def behind_slow_ones(links: list[Any], calls: int) -> dict[str, float]:
    """Do it on several links, each at another time, so that no fast call meets another."""
    apart = SLOW / len(links)
    found = await gatherResults(
        [
            ensureDeferred(behind_slow(link, calls, number * apart))
            for number, link in enumerate(links)
        ]
    )
    ordered = sorted(itertools.chain(*found))
    return {"p50_us": percentile(ordered, 50) * 1e6, "p99_us": percentile(ordered, 99) * 1e6}


def links_of(kind: str) -> Any:
    """Give the module that listens for links of a kind, makes them and counts on them."""
    return importlib.import_module(f"benchmarks.{kind}_links")


async def connected(made: Any, port: int, number: int, tls: bool) -> list[Any]:
    """Make so many links: the first alone, for a region takes few from an address yet unknown."""
    turns = DeferredSemaphore(DIALLING)

    def dial() -> Deferred[Any]:
        return ensureDeferred(made.connect(port, tls))

    first = await dial()
    return [first, *await gatherResults([turns.run(dial) for _ in range(number - 1)])]


async def measure(port: int, kind: str, words: list[str]) -> dict[str, Any]:
    """Run all phases and give the results by name."""
    fan = FAN if "fan64" in words else SLOW_LINKS if "slow" in words else 1
    made = links_of(kind)
    links = await connected(made, port, fan, "tls" in words)
    found: dict[str, Any] = {}
    if "slow" in words:
        found["slow"] = await behind_slow_ones(links, int(SLOW_CALLS * scale()))
        return found
    loop = awaiting if "await" in words else calling_back
    for phase in phases(fan):
        await task.deferLater(clock, PAUSE, dict)
        found[phase.name] = await loop(links, phase)
    there, here = await links[0].callRemote(Report), made.counts()
    found["path"] = {
        "answered": here.answered,
        "served": there["served"],
        "detours": there["detours"] + here.detours,
    }
    return found


def main(role: str, port: str, kind: str, *words: str) -> None:
    """Be one of the two ends."""
    if role == "server":
        listening = links_of(kind).listen(int(port), "tls" in words)
        listening.addCallback(lambda _: print("READY", flush=True))
        clock.run()
        return

    async def run(_: object) -> None:
        sys.stdout.write(json.dumps(await measure(int(port), kind, list(words))) + "\n")

    task.react(lambda reactor: ensureDeferred(run(reactor)))


if __name__ == "__main__":
    os.environ.setdefault("BENCH_SERVER", "0")
    main(*sys.argv[1:])
