"""GET /MAAS/rpc/: where racks find the workers that live."""

from __future__ import annotations

from collections.abc import Iterable

from maasha.api.answers import Json, JsonObject
from maasha.model.cluster import EventLoop


def event_loops_json(event_loops: Iterable[EventLoop]) -> JsonObject:
    """Show each live worker's endpoints under its name, `hostname:pid=N`.

    An address that two regions publish stays with both: behind each of them is a region, and a
    rack that reaches the wrong one learns so in the handshake. The loads are ours: of two workers
    a rack takes the lighter one.
    """
    found = sorted(event_loops, key=lambda loop: loop.name)
    shown: dict[str, Json] = {
        loop.name: [[endpoint.host, endpoint.port] for endpoint in loop.endpoints] for loop in found
    }
    return {"eventloops": shown, "loads": {loop.name: round(loop.load, 3) for loop in found}}
