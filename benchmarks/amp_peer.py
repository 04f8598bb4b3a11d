"""Either end of AMP links: `python -m benchmarks.amp_peer server|client PORT KIND [WORD ...]`.

KIND is `stock` or `maasha`. The words are `tls`, `fan64` (64 connections) and `slow` (a fast call
behind a slow one).
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred, DeferredSemaphore, ensureDeferred, gatherResults

from benchmarks.contract import BLOB, NAME, Lookup, LookupBlob, Report, Sleep, check
from benchmarks.desk import clock
from benchmarks.phases import PAUSE, Phase, Recording, now, phases, scale, server_pid

FAN = 64
"""Connections of the shape that a cluster has."""
DIALLING = 100
"""Connections that are made at the same time."""
HEAD_START = 0.002
"""Seconds that a slow call has before the fast one."""
ROUNDS = 150
"""Of those."""


def closed_loop(links: list[Any], phase: Phase) -> Deferred[dict[str, float]]:
    """Keep `phase.outstanding` calls in flight, spread over the links; gives what was measured."""
    recording = Recording(phase, server_pid())
    done: Deferred[dict[str, float]] = Deferred()
    busy = phase.outstanding

    def finished() -> None:
        nonlocal busy
        busy -= 1
        if busy == 0:
            done.callback(recording.result())

    recording.begin()
    for number in range(phase.outstanding):
        call = links[number % len(links)].callRemote
        _worker(call, phase.blob, recording, finished, done.errback)()
    return done


def _worker(
    call: Callable[..., Any],
    blob: bool,
    recording: Recording,
    finished: Callable[[], None],
    failed: Callable[..., None],
) -> Callable[[], None]:
    """Make one caller that asks again when it is answered, until the time is over."""
    command = LookupBlob if blob else Lookup
    extra = {"data": BLOB} if blob else {}
    latencies, ends = recording.latencies, recording.ends
    count = 0

    def ask() -> None:
        nonlocal count
        count += 1
        call(command, id=count, name=NAME, **extra).addCallbacks(answered, failed, (now(),))

    def answered(answer: dict[str, Any], began: float) -> None:
        check(answer["ok"], answer["count"])
        ended = now()
        latencies.append(ended - began)
        if ended < ends:
            ask()
        else:
            finished()

    return ask


async def behind_slow(link: Any, rounds: int) -> dict[str, float]:
    """Time a fast call made just after a slow one on the same connection."""
    latencies = []
    for number in range(rounds):
        slow = link.callRemote(Sleep, id=number)
        await task.deferLater(clock, HEAD_START, dict)
        began = now()
        answer = await link.callRemote(Lookup, id=number + 1, name=NAME)
        latencies.append(now() - began)
        check(answer["ok"], answer["count"])
        await slow
    latencies.sort()
    return {"p50_us": latencies[rounds // 2] * 1e6, "p99_us": latencies[-1] * 1e6}


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
    fan = FAN if "fan64" in words else 1
    made = links_of(kind)
    links = await connected(made, port, fan, "tls" in words)
    found: dict[str, Any] = {}
    if "slow" in words:
        found["slow"] = await behind_slow(links[0], int(ROUNDS * scale()))
        return found
    for phase in phases(fan):
        await task.deferLater(clock, PAUSE, dict)
        found[phase.name] = await closed_loop(links, phase)
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
