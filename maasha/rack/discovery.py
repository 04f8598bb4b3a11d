"""Where regions' workers can be reached: the answer of GET {maas_url}/rpc/."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import chain

from attrs import frozen

from maasha.model.cluster import Endpoint, EventLoop

TIMEOUT = 5.0
"""Seconds for one region to answer."""

NOT_NOW = (502, 503)
"""HTTP statuses of a region that is there but cannot say: it starts, or has no database."""


@frozen
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes


Fetch = Callable[[str], Awaitable[Reply]]
"""GET a URL; raises whatever the HTTP client raises."""


class BadAnswer(Exception):
    """A URL answered with something other than the regions' endpoints."""

    def __init__(self, url: str, why: str) -> None:
        self.url = url
        self.why = why
        super().__init__(
            f"{url} does not answer like a region controller ({why}): check maas_url in rackd.conf"
        )


def listing(url: str, reply: Reply) -> tuple[EventLoop, ...]:
    """Read a region's answer; one that cannot say now names no event loop. Raises BadAnswer."""
    if reply.status in NOT_NOW:
        return ()
    if reply.status != 200:
        raise BadAnswer(url, f"HTTP status {reply.status}")
    return parse(url, reply.body)


def parse(url: str, body: bytes) -> tuple[EventLoop, ...]:
    """Read the answer's text; null means "not known now" as well. Raises BadAnswer."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise BadAnswer(url, "not JSON") from error
    if not isinstance(answer, dict) or "eventloops" not in answer:
        raise BadAnswer(url, "no field `eventloops`")
    published = answer["eventloops"] or {}
    if not isinstance(published, dict):
        raise BadAnswer(url, "`eventloops` is not an object")
    loads = answer.get("loads")
    return tuple(_event_loops(published, loads if isinstance(loads, dict) else {}))


def merged(answers: Iterable[tuple[EventLoop, ...]]) -> tuple[EventLoop, ...]:
    """Unite several regions' answers; the same event loop named twice keeps all its endpoints."""
    endpoints: dict[str, dict[Endpoint, None]] = {}
    loads: dict[str, float] = {}
    for loop in chain.from_iterable(answers):
        endpoints.setdefault(loop.name, {}).update(dict.fromkeys(loop.endpoints))
        loads[loop.name] = max(loop.load, loads.get(loop.name, 0.0))
    return tuple(
        EventLoop(name, tuple(found), loads[name]) for name, found in sorted(endpoints.items())
    )


def rpc_url(maas_url: str) -> str:
    """Give the address of the endpoints' listing under a region's URL."""
    return maas_url.rstrip("/") + "/rpc/"


def _event_loops(
    published: Mapping[str, object], loads: Mapping[str, object]
) -> Iterator[EventLoop]:
    for name, pairs in published.items():
        endpoints = tuple(_endpoints(pairs))
        if endpoints:
            match loads.get(name):  # a region that is no maasha tells none
                case int(load) | float(load) if load >= 0:
                    yield EventLoop(name, endpoints, float(load))
                case _:
                    yield EventLoop(name, endpoints)


def _endpoints(pairs: object) -> Iterator[Endpoint]:
    """Skip what is no [address, port] pair: one bad entry must not hide the good ones."""
    for pair in pairs if isinstance(pairs, list) else ():
        match pair:
            case [str(host), int(port)] if 0 < port < 65536:
                yield Endpoint(host, port)
            case _:
                continue
