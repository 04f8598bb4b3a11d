"""Two regions' workers on real sockets, and the listing by which a rack finds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from maasha.model.cluster import WorkerId
from maasha.rack.memory import Memory
from maasha.rpc.ground import Ground
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.tls import secure
from tests.unit.rpc.parts import REGION_FACTS, SECRET, WORKER, Counter, Door

reactor: Any = global_reactor  # its type depends on the platform
WITHIN = 20.0
"""Seconds that anything here may take."""


class Listing(Resource):
    """Answers /MAAS/rpc/ with a region's workers."""

    isLeaf = True

    def __init__(self, *ports: int) -> None:
        super().__init__()
        self._places = {
            f"region{number}:pid=1": [["127.0.0.1", port]] for number, port in enumerate(ports)
        }

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        assert request.path == b"/MAAS/rpc/"
        return json.dumps({"eventloops": self._places}).encode()


class Regions:
    """Two workers, each with a door, what they know, and the URL that names them."""

    def __init__(self) -> None:
        self.doors = [Door(), Door(worker=WorkerId(WORKER + 1))]
        self.ports: list[Any] = [
            self._listen(
                secure(RegionFactory(Ground(reactor), REGION_FACTS, door, Counter()), reactor)
            )
            for door in self.doors
        ]
        listing = Listing(*(port.getHost().port for port in self.ports))
        self.ports.append(self._listen(Site(listing)))
        self.url = f"http://127.0.0.1:{self.ports[-1].getHost().port}/MAAS/"

    @property
    def heard(self) -> list[object]:
        """What both workers were told; they are one worker by name, so either may be the owner."""
        return [word for door in self.doors for word in door.desk.heard]

    async def end(self) -> None:
        """Listen no more."""
        for port in self.ports:
            await maybeDeferred(port.stopListening)

    def _listen(self, factory: object) -> Any:
        return reactor.listenTCP(0, factory, interface="127.0.0.1")


def registered(folder: Path) -> Memory:
    """Give the memory of a rack that was registered just now."""
    memory = Memory(folder, folder / "secret")
    memory.register(SECRET, "first")
    return memory


async def until(condition: Callable[[], object]) -> None:
    """Look again and again until it is so, or the time is over."""
    end = reactor.seconds() + WITHIN
    while not condition():
        assert reactor.seconds() < end, "it does not come to pass"
        await deferLater(reactor, 0.01)
