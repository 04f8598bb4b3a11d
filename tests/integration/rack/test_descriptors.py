"""A lookout that cannot have what it wants of the host leaves no socket behind."""

from __future__ import annotations

import secrets
import time
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from twisted.internet import reactor as global_reactor

from maasha.host.ether import PacketStation
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Peer, Watch
from maasha.rack.lookout.calling import reaches
from maasha.rack.lookout.listener import Listener
from maasha.rack.lookout.prober import Prober
from maasha.rack.lookout.problems import Problems
from maasha.rack.lookout.proof import NONCE_LENGTH
from maasha.rack.lookout.scene import Scene
from tests.asynchronous import asynchronous

reactor: Any = global_reactor  # its type depends on the platform
ELSEWHERE = IPv4Address("192.0.2.1")
"""Of a network that there is nowhere (RFC 5737)."""
PEER = Peer(RackKey(2), IPv4Address("127.0.0.1"))
WATCH = Watch(VlanId(5), RackKey(1), "nowhere0", ELSEWHERE, (PEER,), "5e" * 32)
ROUNDS = 20


def sockets() -> set[str]:
    """Give those that are open; one that is opened anew has another name."""
    opened = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return {name for each in opened if (name := str(each.readlink())).startswith("socket:")}


def refused(*_: object) -> None:
    """Take no answer."""


@asynchronous
async def test_rounds_in_vain_leave_no_socket() -> None:
    """The interface is not there, or the rack may not open it, and the address is not there."""
    nonce = partial(secrets.token_bytes, NONCE_LENGTH)
    scene = Scene(reactor, partial(PacketStation, reactor), time.time, nonce, lambda: 0.0)
    problems = Problems(WATCH.vlan)
    prober = Prober(scene, lambda: WATCH, problems, refused)
    listener = Listener(scene, lambda: WATCH, problems)
    before = sockets()
    for _ in range(ROUNDS):
        prober.probe()
        listener.open()
        assert not await reaches(scene, WATCH, PEER)
    assert len(problems.open) == 2
    assert not listener.is_open
    assert sockets() - before == set()
