"""The failover port goes from the lookout to dhcpd, which never finds it taken."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import maybeDeferred

from maasha.dhcp.failover import FAILOVER_PORT
from maasha.host.ether import Station
from maasha.model.cluster import Move, WorkerId
from maasha.model.dhcp import Duty
from maasha.model.sighting import Peer, Watch
from maasha.model.stamp import Stamp
from maasha.rack.duties import Duties
from maasha.rack.lookout.calling import reaches
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.lookout.proof import NONCE_LENGTH
from maasha.rack.lookout.scene import Scene
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rpc.rack_side import Session
from tests.asynchronous import block_on
from tests.integration.dhcp.rack import Bare, Rack, until
from tests.integration.dhcp.wire import ADDRESSES, HERE, THERE, VLAN, paired, plan_for
from tests.unit.dhcp.real import asynchronous

pytestmark = pytest.mark.root

OWNER, EPOCH = WorkerId(1), Stamp(1, 5)
ADDRESS = ADDRESSES[HERE]
LISTENS = Watch(VLAN, HERE, "eth0", ADDRESS, (Peer(THERE, ADDRESS),), "5e" * 32)
CALLS = evolve(LISTENS, rack=THERE, peers=(Peer(HERE, ADDRESS),))
"""The other rack's watch, from this host: who calls is known by address and proof."""


def no_station(*_: object) -> Station:
    """Send no frames here."""
    raise OSError


async def stay(_: Session, __: Move) -> WorkerId:
    """Move no link."""
    raise NotImplementedError


@frozen
class Site:
    """A rack that looks out and has a real dhcpd."""

    rack: Rack
    scene: Scene
    lookout: Lookout
    duties: Duties

    async def look_out(self) -> None:
        """Let its owner order it."""
        await self.duties.look_out(OWNER, EPOCH, (LISTENS,))

    async def serve(self, duty: Duty) -> None:
        """Let its owner have it serve in a pair."""
        report = await self.duties.configure_dhcp(OWNER, EPOCH, plan_for(paired(duty, HERE)))
        assert report.serving
        for log in self.rack.directory.glob("dhcpd-*.log"):
            assert "in use" not in log.read_text()

    async def is_reached(self) -> bool:
        """Call its port."""
        return await reaches(self.scene, CALLS, CALLS.peers[0])


@pytest.fixture
def site(here: Rack, tmp_path: Path) -> Iterator[Site]:
    """Give one."""
    reactor: Any = global_reactor
    nonce = partial(secrets.token_bytes, NONCE_LENGTH)
    scene = Scene(reactor, no_station, lambda: 0.0, nonce, lambda: 0.0)
    lookout = Lookout(scene, lambda: duties.paired, lambda: None)
    memory = Memory(tmp_path, tmp_path / "secret")
    duties = Duties(
        memory, Obedience(memory), here.server, lookout, lambda: None, stay, lambda _: None
    )
    lookout.startService()
    yield Site(here, scene, lookout, duties)
    block_on(_end(lookout))


async def _end(lookout: Lookout) -> None:
    await maybeDeferred(lookout.stopService)


def holders(state: str) -> list[str]:
    """Give the lines of ss(8) about our side of TCP 647 in a state."""
    argv = ["ss", "-Htnp", "state", state, f"src {ADDRESS} and sport = :{FAILOVER_PORT}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("duty", [Duty.PRIMARY, Duty.SECONDARY])
@asynchronous
async def test_dhcpd_has_the_port_at_once(site: Site, there: Bare, duty: Duty) -> None:
    """Also when others were just connected to the listener, or still are."""
    there.start(plan_for(paired(Duty.SECONDARY, THERE), THERE))
    await until(lambda: there.said("Server starting service"))
    await site.look_out()
    await until(lambda: bool(holders("listening")))
    assert await site.is_reached()
    with socket.create_connection((str(ADDRESS), FAILOVER_PORT)):
        assert await site.is_reached()
        await site.serve(duty)
    (line,) = holders("listening")
    (pid,) = site.rack.pids()
    assert f"pid={pid}," in line
    assert site.lookout.posts == ()


@asynchronous
async def test_a_lookout_never_takes_the_port_from_dhcpd(site: Site) -> None:
    """It does not even try, and a call to dhcpd from another lookout disturbs nobody."""
    await site.serve(Duty.SECONDARY)
    before = site.rack.pids()
    await site.look_out()
    assert not await site.is_reached()
    (post,) = site.lookout.posts
    assert not post.listens
    assert not any("listener" in problem for problem in post.problems)
    assert site.rack.pids() == before
    assert site.rack.server.report.serving
