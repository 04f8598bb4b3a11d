"""A rack at each end of a wire: ours with a `DhcpServer`, the other one with a bare dhcpd."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.threadpool import ThreadPool

from maasha.dhcp.proc import find
from maasha.dhcp.process import watch
from maasha.dhcp.server import DhcpServer
from maasha.model.dhcp import DhcpPlan, DhcpReport, PeerState
from tests.integration.dhcp.servers import make_server
from tests.integration.dhcp.wire import Link
from tests.unit.dhcp.real import reactor

PATIENCE = 20.0
"""Seconds until a test gives up on something that takes milliseconds."""


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so, with a deadline."""
    deadline = reactor.seconds() + PATIENCE
    while not true():
        assert reactor.seconds() < deadline, "it did not come true"
        await deferLater(reactor, 0.02)


@define(eq=False)
class Rack:
    """Our own end: a server, its files, and what it reported."""

    directory: Path
    pool: ThreadPool
    server: DhcpServer
    reports: list[DhcpReport]

    @property
    def config(self) -> Path:
        """The file that dhcpd runs on."""
        return self.directory / "dhcpd.conf"

    def pids(self) -> list[int]:
        """Give every dhcpd that runs on our files."""
        return sorted(find(["-cf", str(self.config)]))

    def successor(self) -> Rack:
        """Give the server of a rackd that comes after this one, on the same files."""
        reports: list[DhcpReport] = []
        server = make_server(reactor, self.directory, reports.append, pool=self.pool)
        return Rack(self.directory, self.pool, server, reports)


@define(eq=False)
class Bare:
    """The other end: dhcpd as started by hand."""

    link: Link
    directory: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self, plan: DhcpPlan) -> None:
        """Run a plan, with the leases that are there."""
        (self.directory / "dhcpd.conf").write_text(plan.config)
        self.leases.touch()
        files = ["-cf", str(self.directory / "dhcpd.conf"), "-lf", str(self.leases)]
        argv = self.link.over_there("dhcpd", "-4", "-f", "-d", "--no-pid", *files, "eth0")
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stderr=log)

    @property
    def leases(self) -> Path:
        """The leases file."""
        return self.directory / "dhcpd.leases"

    def said(self, words: str) -> bool:
        """Say whether dhcpd has said these words."""
        return words in (self.directory / "log").read_text()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def here(link: Link, tmp_path: Path) -> Iterator[Rack]:
    """Give our own end, with nothing served yet; nothing of it is left behind."""
    assert link.there
    pool = ThreadPool(0, 2)
    pool.start()
    directory, reports = tmp_path / "here", list[DhcpReport]()
    server = make_server(reactor, directory, reports.append, pool=pool)
    rack = Rack(directory, pool, server, reports)
    pytest_twisted.blockon(Deferred.fromCoroutine(server.resume()))
    yield rack
    pytest_twisted.blockon(Deferred.fromCoroutine(clean(rack)))
    pool.stop()


async def clean(rack: Rack) -> None:
    """Leave nothing of a rack running."""
    await rack.server.release()
    for pid in rack.pids():
        process = watch(reactor, pid)
        if process is not None:
            await process.stop()


@pytest.fixture
def there(link: Link, tmp_path: Path) -> Iterator[Bare]:
    """Give the other end."""
    directory = tmp_path / "there"
    directory.mkdir()
    bare = Bare(link, directory)
    yield bare
    bare.kill()


def state_of(rack: Rack) -> PeerState:
    """Give the state of the one pair that the rack is in."""
    return rack.server.report.services[0].state
