"""GET /MAAS/rpc/: where racks find the workers that live."""

from __future__ import annotations

from collections.abc import Mapping

from maasha.api.answers import Json, JsonObject
from maasha.model.cluster import Endpoint


def event_loops_json(event_loops: Mapping[str, tuple[Endpoint, ...]]) -> JsonObject:
    """Show each live worker's endpoints under its name, `hostname:pid=N`.

    An address that two regions publish stays with both: behind each of them is a region, and a
    rack that reaches the wrong one learns so in the handshake.
    """
    shown: dict[str, Json] = {
        name: [[endpoint.host, endpoint.port] for endpoint in endpoints]
        for name, endpoints in sorted(event_loops.items())
    }
    return {"eventloops": shown}
