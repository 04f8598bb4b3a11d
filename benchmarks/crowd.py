"""Thousands of connections that only send heartbeats: what they cost the server in CPU and memory.

`python -m benchmarks.crowd server|client PORT KIND CONNECTIONS [tls]`
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from twisted.internet import task
from twisted.internet.defer import ensureDeferred

from benchmarks import amp_peer
from benchmarks.contract import Report
from benchmarks.desk import clock
from benchmarks.phases import cpu_seconds, now, server_pid
from maasha.rpc.pulse import HEARTBEAT

SETTLING = 10 * HEARTBEAT
WINDOW = 8.0
"""Seconds over which CPU is counted."""
DESCRIPTORS = 20_000


async def measure(port: int, kind: str, number: int, tls: bool) -> dict[str, float]:
    """Give the server's CPU (share of a core, microseconds per heartbeat) and KiB per connection.

    A heartbeat is a ping, from whichever side, with its answer. They are counted, for a server that
    is too busy takes fewer; what the silent beats in between cost is in it.
    """
    pid = server_pid()
    before = resident(pid)
    links = await amp_peer.connected(amp_peer.links_of(kind), port, number, tls)
    await task.deferLater(clock, SETTLING, dict)
    first, spent, began = await links[0].callRemote(Report), cpu_seconds(pid), now()
    await task.deferLater(clock, WINDOW, dict)
    last, cpu, wall = await links[0].callRemote(Report), cpu_seconds(pid) - spent, now() - began
    beats = last["beats"] - first["beats"]
    return {
        "cpu": cpu / wall,
        "us_per_beat": cpu / beats * 1e6,
        "beats_per_second": beats / wall,
        "kib": (resident(pid) - before) / number,
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
