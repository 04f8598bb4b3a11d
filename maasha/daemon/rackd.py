"""`twistd maasha-rackd`: the rack controller, put together from rackd.conf."""

from __future__ import annotations

import random
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from twisted.application.internet import backoffPolicy
from twisted.application.service import IService
from twisted.internet.base import ReactorBase
from twisted.internet.error import ReactorNotRunning
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThreadPool
from twisted.python import usage
from twisted.web.client import Agent, readBody

from maasha import __version__
from maasha.config import RackdSettings, parse_rackd
from maasha.dhcp.acts import ActSpool
from maasha.dhcp.daemon import Dhcpd
from maasha.dhcp.family import IPV4, IPV6
from maasha.dhcp.feed import LeaseFeed, Six
from maasha.dhcp.folder import Folder
from maasha.dhcp.following import LeasesFile, LogFiles
from maasha.dhcp.server import DhcpServer
from maasha.dhcp.spool import Spool
from maasha.dhcp.systemd import Launcher, Spawner, Unit, systemctl
from maasha.host import descriptors, interfaces
from maasha.host.clock import steady
from maasha.host.daemons import load, refuse
from maasha.host.ether import PacketStation
from maasha.model.dhcp import DhcpReport
from maasha.rack.acting import Acting
from maasha.rack.choice import lighter_of_two
from maasha.rack.commands import DEFAULT_CONFIG, config_path
from maasha.rack.control import Control
from maasha.rack.control_lines import socket_in
from maasha.rack.controller import Controller, Surroundings
from maasha.rack.discovery import TIMEOUT, Reply
from maasha.rack.inspection import Inspection
from maasha.rack.lookout.proof import NONCE_LENGTH
from maasha.rack.lookout.scene import Scene
from maasha.rack.memory import Memory, SecretMalformed, SecretMissing
from maasha.rack.probing.discover import OFFERS_ONLY
from maasha.rack.probing.instruments import Instruments
from maasha.rack.probing.question import answers
from maasha.rack.roster import Roster
from maasha.rack.search import Search
from maasha.rack.wiretap import Wiretap
from maasha.rpc.extension import Extension
from maasha.rpc.ground import limits_for
from maasha.rpc.plugins import installed

FIRST_REST, LONGEST_REST = 0.2, 10.0
"""Seconds to leave an unreachable worker alone: after one failure, and at most."""


class Options(usage.Options):
    """Command line of the plugin."""

    synopsis = "[--config FILE]"
    optParameters = [["config", "c", None, f"path of rackd.conf [default: {DEFAULT_CONFIG}]", Path]]


def makeService(options: dict[str, Any]) -> IService:
    """Build the rack controller; ends with status 78 where the configuration cannot work."""
    from twisted.internet import reactor  # noqa: PLC0415  the composition root, and only it

    descriptors.allow_all()
    steady(cast(ReactorBase, reactor))
    Factory.noisy = False  # a line for each connection tried says nothing
    settings = load((options["config"] or config_path()).absolute(), parse_rackd)
    memory = Memory(settings.data_dir, settings.secret_file)
    try:
        memory.identity  # noqa: B018  read here to end now, not at the first link
    except (SecretMissing, SecretMalformed) as error:
        refuse(str(error))
    return build(cast(ReactorBase, reactor), settings, memory, installed())


def launcher(reactor: Any, folder: Folder, unit: str) -> Launcher:
    """Choose how dhcpd is started: as a unit where systemd has one for it."""
    program = systemctl(unit)
    if program is None:
        return Spawner(reactor)
    return Unit(reactor, program, folder.environment, lambda: next(folder.servers(), None), unit)


def now() -> datetime:
    """Give the time for people."""
    return datetime.now(UTC)


def build(
    reactor: Any, settings: RackdSettings, memory: Memory, extensions: Sequence[Extension] = ()
) -> IService:
    """Put the parts together on a reactor."""
    folder, folder6 = (
        Folder(settings.data_dir / family.folder, lambda: str(uuid4())) for family in (IPV4, IPV6)
    )
    chance = random.SystemRandom()

    def dhcp(changed: Callable[[DhcpReport], None]) -> DhcpServer:
        pool = reactor.getThreadPool()
        by = launcher(reactor, folder, IPV4.unit)
        daemon = Dhcpd(reactor, pool, folder, settings.dhcpd, IPV4, by)
        return DhcpServer(reactor, folder, daemon, changed, chance.random)

    def dhcp6(changed: Callable[[DhcpReport], None]) -> DhcpServer:
        pool = reactor.getThreadPool()
        by = launcher(reactor, folder6, IPV6.unit)
        daemon = Dhcpd(reactor, pool, folder6, settings.dhcpd, IPV6, by)
        return DhcpServer(reactor, folder6, daemon, changed, chance.random)

    web = Agent(reactor, connectTimeout=TIMEOUT)

    async def fetch(url: str) -> Reply:
        answer = await web.request(b"GET", url.encode())
        return Reply(answer.code, await readBody(answer))

    def begin_anew() -> None:
        """Stop; several links may find out at once that there is reason to."""
        with suppress(ReactorNotRunning):
            reactor.stop()

    roster = Roster(now)
    around = Surroundings(
        hostname=socket.gethostname(),
        version=__version__,
        connections=settings.connections,
        url=settings.maas_url[0],
        interfaces=lambda: interfaces.read(reactor),
        pick=lighter_of_two(chance.choice),
        delay=backoffPolicy(FIRST_REST, LONGEST_REST, jitter=chance.random),
        begin_anew=begin_anew,
        now=now,
        scene=Scene(
            reactor,
            partial(PacketStation, reactor),
            time.time,
            partial(secrets.token_bytes, NONCE_LENGTH),
            chance.random,
        ),
        instruments=Instruments(
            reactor,
            partial(PacketStation, reactor, only=OFFERS_ONLY),
            partial(answers, reactor, partial(chance.getrandbits, 16)),
            chance.random,
            partial(chance.getrandbits, 32),
        ),
        tls=settings.rpc_tls,
        extensions=extensions,
        limits=limits_for(settings.rpc_message_limit),
        met=roster.meet,
    )
    search = Search(reactor, fetch, settings.maas_url, memory)

    def feed(notify: Callable[[], None]) -> LeaseFeed:
        return LeaseFeed(
            reactor,
            LeasesFile(folder.leases),
            LogFiles(folder.logs),
            Spool(folder.spool),
            partial(deferToThreadPool, reactor, reactor.getThreadPool()),
            notify,
            now,
            Six(LeasesFile(folder6.leases), LogFiles(folder6.logs)),
        )

    made = Controller(reactor, memory, search, dhcp, feed, dhcp6, around)
    inspection = Inspection(roster, Wiretap(roster, reactor, now), made.lookout)
    acting = Acting(reactor, now, uuid4, ActSpool(folder.acts), made.dhcp, lambda: made.region)
    acting.setServiceParent(made)
    questions = {**inspection.questions, **acting.questions}
    Control(reactor, socket_in(settings.data_dir), questions).setServiceParent(made)
    return made
