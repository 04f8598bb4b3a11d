"""The rack controller as it is put together in production, before regions on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.application.service import IService
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import maybeDeferred

from maasha.config import RackdSettings
from maasha.daemon import rackd
from maasha.model.dhcp import DhcpReport
from maasha.model.network import Interface
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.rack.regions import Regions, registered, until
from tests.unit.rpc.parts import WELCOME

reactor: Any = global_reactor  # its type depends on the platform
EPOCH = Stamp(1, 5)


class Surroundings(Regions):
    """Regions, and a rack in this process."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.memory = registered(folder)
        settings = RackdSettings(maas_url=(self.url,), data_dir=folder)
        self.rack: IService = rackd.build(reactor, settings, self.memory)

    async def end(self) -> None:
        """Stop everything."""
        if self.rack.running:
            await maybeDeferred(self.rack.stopService)
        await super().end()


@pytest_twisted.async_yield_fixture
async def site(tmp_path: Path) -> AsyncIterator[Surroundings]:
    """Give a rack that has both its links."""
    made = Surroundings(tmp_path)
    made.rack.startService()
    await until(lambda: all(door.racks for door in made.doors))
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
    await until(lambda: any(isinstance(word, DhcpReport) for word in site.heard))
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
    await until(lambda: all(door.desk.ended for door in site.doors))
