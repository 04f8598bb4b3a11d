"""Thousands of connections that only send heartbeats: what they cost the server in CPU and memory.

`python -m benchmarks.crowd server|client PORT KIND CONNECTIONS [tls]`
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred, DeferredSemaphore, ensureDeferred, gatherResults

from benchmarks import amp_peer
from benchmarks.amp_links import HEARTBEAT, clock, connect
from benchmarks.contract import Report
from benchmarks.phases import cpu_seconds, now, server_pid

DIALLING = 100
"""Connections that are made at the same time."""
SETTLING = 2 * HEARTBEAT
WINDOW = 8.0
"""Seconds over which CPU is counted."""
DESCRIPTORS = 20_000


async def measure(port: int, kind: str, connections: int, tls: bool) -> dict[str, float]:
    """Give the server's CPU (share of a core, microseconds per heartbeat) and KiB per connection.

    A heartbeat is a ping from the client with its answer, and one of the server with its. They are
    counted, for a server that is too busy takes fewer.
    """
    pid = server_pid()
    before = resident(pid)
    turns = DeferredSemaphore(DIALLING)

    def dial() -> Deferred[Any]:
        return ensureDeferred(connect(port, kind, tls))

    links = await gatherResults([turns.run(dial) for _ in range(connections)])
    await task.deferLater(clock, SETTLING, dict)
    first, spent, began = await links[0].callRemote(Report), cpu_seconds(pid), now()
    await task.deferLater(clock, WINDOW, dict)
    last, cpu, wall = await links[0].callRemote(Report), cpu_seconds(pid) - spent, now() - began
    beats = last["pings"] - first["pings"]
    return {
        "cpu": cpu / wall,
        "us_per_beat": cpu / beats * 1e6,
        "beats_per_second": beats / wall,
        "kib": (resident(pid) - before) / connections,
    }


def raise_limit() -> None:
    """Allow this process as many open files as it needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))


def resident(pid: int) -> int:
    """Give a process's resident memory in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def main(role: str, port: str, kind: str, connections: str, *words: str) -> None:
    """Be the server or the crowd."""
    raise_limit()
    if role == "server":
        amp_peer.main(role, port, kind, *words)
        return

    async def run(_: object) -> None:
        found = await measure(int(port), kind, int(connections), "tls" in words)
        sys.stdout.write(json.dumps(found) + "\n")

    task.react(lambda reactor: ensureDeferred(run(reactor)))


if __name__ == "__main__":
    main(*sys.argv[1:])
