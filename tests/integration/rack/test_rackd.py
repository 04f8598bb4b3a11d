"""The rack controller as it is put together in production, before regions on real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.application.service import IService
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from maasha.config import RackdSettings
from maasha.daemon import rackd
from maasha.model.dhcp import DhcpReport
from maasha.model.network import Interface
from maasha.model.stamp import Stamp
from maasha.rack.memory import Memory
from maasha.rpc.ground import Ground
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.tls import secure
from tests.asynchronous import asynchronous
from tests.unit.rpc.parts import REGION_FACTS, SECRET, WELCOME, Counter, Door

reactor: Any = global_reactor  # its type depends on the platform
WITHIN = 10.0
EPOCH = Stamp(1, 5)


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


class Surroundings:
    """Two regions' workers, their listing, and a rack."""

    def __init__(self, folder: Path) -> None:
        self.doors = [Door(), Door()]
        self.memory = Memory(folder, folder / "secret")
        self.memory.register(SECRET, "first")
        self.ports: list[Any] = [
            self._listen(
                secure(RegionFactory(Ground(reactor), REGION_FACTS, door, Counter()), reactor)
            )
            for door in self.doors
        ]
        listing = Listing(*(port.getHost().port for port in self.ports))
        self.ports.append(self._listen(Site(listing)))
        url = f"http://127.0.0.1:{self.ports[-1].getHost().port}/MAAS/"
        settings = RackdSettings(maas_url=(url,), data_dir=folder)
        self.rack: IService = rackd.build(reactor, settings, self.memory)

    @property
    def heard(self) -> list[object]:
        """What both workers were told; they are one worker by name, so either may be the owner."""
        return [word for door in self.doors for word in door.desk.heard]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Look again and again until it is so, or the time is over."""
        end = reactor.seconds() + WITHIN
        while not condition():
            assert reactor.seconds() < end, "it does not come to pass"
            await deferLater(reactor, 0.01)

    async def end(self) -> None:
        """Stop everything."""
        if self.rack.running:
            await maybeDeferred(self.rack.stopService)
        for port in self.ports:
            await maybeDeferred(port.stopListening)

    def _listen(self, factory: object) -> Any:
        return reactor.listenTCP(0, factory, interface="127.0.0.1")


@pytest_twisted.async_yield_fixture
async def site(tmp_path: Path) -> AsyncIterator[Surroundings]:
    """Give a rack that has both its links."""
    made = Surroundings(tmp_path)
    made.rack.startService()
    await made.until(lambda: all(door.racks for door in made.doors))
    yield made
    await made.end()


@asynchronous
async def test_a_rack_finds_its_regions_and_links_to_them(site: Surroundings) -> None:
    """By the listing of one URL, with its interfaces and under the name it got first."""
    introductions = [introduction for door in site.doors for introduction, _ in door.seen]
    assert {one.system_id for one in introductions} == {None, WELCOME.system_id}
    assert all(isinstance(one, Interface) for one in introductions[0].interfaces)
    assert site.memory.instance == WELCOME.instance
    assert len(site.memory.regions) == 2


@asynchronous
async def test_a_rack_obeys_and_reports(site: Surroundings) -> None:
    """Its owner hears what runs, at once and by itself."""
    report = await site.doors[0].racks[0].own(EPOCH)
    assert not report.serving
    await site.until(lambda: any(isinstance(word, DhcpReport) for word in site.heard))
    assert site.memory.epoch == EPOCH


@asynchronous
async def test_a_retired_rack_remembers_it(site: Surroundings) -> None:
    """The answer comes when nothing is served any more."""
    await site.doors[0].racks[0].retire(EPOCH)
    assert site.memory.retired


@asynchronous
async def test_a_rack_that_stops_says_goodbye(site: Surroundings) -> None:
    """Both workers know at once, not after a time-out."""
    await maybeDeferred(site.rack.stopService)
    await site.until(lambda: all(door.desk.ended for door in site.doors))
