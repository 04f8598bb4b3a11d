"""A rackd as it is put together in production tells its owner, and people, which racks it sees."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import frozen
from twisted.internet import reactor as global_reactor
from twisted.internet.utils import getProcessOutputAndValue

from lab.testing import require
from maasha.model.codec import to_json
from maasha.model.sighting import Peer, Sighting, Watch
from maasha.model.stamp import Stamp
from tests.asynchronous import asynchronous
from tests.integration.dhcp.wire import ADDRESSES, HERE, THERE, VLAN, Link, link
from tests.integration.rack.regions import until
from tests.integration.rack.test_rackd import Surroundings

__all__ = ["link"]

pytestmark = pytest.mark.root
reactor: Any = global_reactor  # its type depends on the platform
EPOCH = Stamp(1, 5)
KEY = "5e" * 32


@frozen
class Site:
    """A rackd with its regions, at one end of a wire."""

    folder: Path
    around: Surroundings

    @property
    def sightings(self) -> list[Sighting]:
        """What the owner was told, one after the other."""
        return [
            sighting
            for word in self.around.heard
            if isinstance(word, tuple)
            for sighting in word
            if isinstance(sighting, Sighting)
        ]


@pytest.fixture(autouse=True)
def able() -> None:
    """Look at the machine first."""
    require()


@pytest_twisted.async_yield_fixture
async def site(link: Link, tmp_path: Path) -> AsyncIterator[Site]:
    """Give one that has both its links."""
    assert link.there
    made = Surroundings(tmp_path)
    made.rack.startService()
    await until(lambda: all(door.racks for door in made.doors))
    yield Site(tmp_path, made)
    await made.end()


@pytest.fixture
def neighbour(link: Link) -> Iterator[None]:
    """Have another rack look out at the other end."""
    there = Peer(HERE, ADDRESSES[HERE])
    watch = Watch(VLAN, THERE, "eth0", ADDRESSES[THERE], (there,), KEY)
    program = [sys.executable, "-m", "tests.integration.rack.watchman", "0"]
    process = subprocess.Popen(
        link.over_there(*program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(f"watch {to_json((watch,))}\n")
    process.stdin.flush()
    yield
    process.kill()
    process.communicate()


@pytest.mark.usefixtures("neighbour")
@asynchronous
async def test_the_owner_and_people_are_told(site: Site) -> None:
    """Until the region has no VLAN watched any more."""
    rack = site.around.doors[0].racks[0]
    await rack.own(EPOCH)
    there = Peer(THERE, ADDRESSES[THERE])
    await rack.look_out(EPOCH, (Watch(VLAN, HERE, "eth0", ADDRESSES[HERE], (there,), KEY),))
    await until(lambda: any(None not in (one.probed, one.reached) for one in site.sightings))
    assert site.sightings[-1].clock_offset == pytest.approx(0.0, abs=0.5)
    (shown,) = await listed(site)
    assert (shown["vlan"], shown["peer"], shown["problem"]) == (VLAN, THERE, "")
    await rack.look_out(EPOCH, ())
    assert await listed(site) == []


async def listed(site: Site) -> list[dict[str, Any]]:
    """Run `maasha-rack lookout --json`."""
    config = site.folder / "rackd.conf"
    config.write_text(f"data_dir: {site.folder}\n")
    program = ("-m", "maasha.rack.commands", "--config", str(config), "lookout", "--json")
    out, err, status = await getProcessOutputAndValue(
        sys.executable, program, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert status == 0, err
    assert KEY.encode() not in out
    return [json.loads(line) for line in out.splitlines()]
