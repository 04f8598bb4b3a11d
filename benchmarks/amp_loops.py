"""Closed loops of calls on AMP links: so many in flight all the time, spread over the links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

from benchmarks.contract import BLOB, NAME, Lookup, LookupBlob, check
from benchmarks.phases import Phase, Recording, now, server_pid
from maasha.rpc.protocol import DEADLINE, Link


def calling_back(links: list[Any], phase: Phase) -> Deferred[dict[str, float]]:
    """Ask the next in the callback of the one before."""
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


async def awaiting(links: list[Any], phase: Phase) -> dict[str, float]:
    """Ask from as many coroutines: on maasha's links the way that its users have."""
    recording = Recording(phase, server_pid())
    recording.begin()
    each = [_coroutine(links[n % len(links)], recording) for n in range(phase.outstanding)]
    await gatherResults([ensureDeferred(one) for one in each])
    return recording.result()


async def _coroutine(link: Any, recording: Recording) -> None:
    blob = recording.phase.blob
    command: Any = LookupBlob if blob else Lookup
    extra = {"data": BLOB} if blob else {}
    count = 0
    while (began := now()) < recording.ends:
        count += 1
        if isinstance(link, Link):
            answer = await link.call(command, DEADLINE, id=count, name=NAME, **extra)
        else:
            answer = await link.callRemote(command, id=count, name=NAME, **extra)
        check(answer["ok"], answer["count"])
        recording.latencies.append(now() - began)
