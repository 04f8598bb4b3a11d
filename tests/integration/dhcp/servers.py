"""Puts a `DhcpServer` for real dhcpd together, as rackd does."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from twisted.python.threadpool import ThreadPool

from maasha.dhcp.daemon import PROGRAM, Dhcpd
from maasha.dhcp.family import IPV4, Family
from maasha.dhcp.folder import Folder
from maasha.dhcp.reactor import IReactorDhcp
from maasha.dhcp.server import DhcpServer
from maasha.model.dhcp import DhcpReport


def make_server(
    reactor: IReactorDhcp,
    directory: Path,
    changed: Callable[[DhcpReport], None],
    pool: ThreadPool,
    program: Path = PROGRAM,
    family: Family = IPV4,
) -> DhcpServer:
    """Give a server whose files live in `directory`."""
    folder = Folder(directory, lambda: str(uuid4()))
    daemon = Dhcpd(reactor, pool, folder, program, family)
    return DhcpServer(reactor, folder, daemon, changed, random.random)
