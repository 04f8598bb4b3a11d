"""Many racks in one process: `python -m benchmarks.storm_racks URL SECRET FIRST COUNT`.

Each has an address, a key and a memory of its own and keeps one link, with rackd's own code for all
that leads to it: search over HTTP, choice of a worker, rests with jitter, handshake, registration,
heartbeats. It obeys its owner and reports to it, and serves nothing.

Prints a line of JSON, {"event": "linked" or "owned", "last": SECONDS, "errors": COUNTS}, each time
that all racks are linked, or owned; the seconds are the machine's monotonic clock's.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections import Counter
from ipaddress import IPv4Address, IPv4Interface
from typing import Any, cast
from urllib.parse import urlsplit

from attrs import define, evolve, field
from twisted.application.internet import backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall, react
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from maasha import __version__
from maasha.daemon.rackd import FIRST_REST, LONGEST_REST
from maasha.host.clock import steady
from maasha.host.rests import Rests
from maasha.model.cluster import InstanceId, Introduction, Ownership, SystemId, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.network import Interface
from maasha.model.stamp import NEVER, Stamp
from maasha.rack.controller import CALM
from maasha.rack.dialling import CONNECT_TIMEOUT
from maasha.rack.discovery import EventLoop, Reply
from maasha.rack.links import Links
from maasha.rack.memory import Memory
from maasha.rack.search import Search
from maasha.rpc.credentials import OWN_KEY, SHARED
from maasha.rpc.errors import RpcError, StaleEpoch
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.rack_side import Session, join

FIRST_ADDRESS = IPv4Address("10.101.0.1")
"""Of the first rack; the others follow."""
FIRST_LAN = IPv4Interface("172.16.0.1/24")
BEGIN_AT_ONCE = 16
"""Racks that join for the first time at the same time."""
REPORT_REST = 5.0
"""Seconds until a report that was not taken is sent again, as rackd's."""
DELAY = backoffPolicy(FIRST_REST, LONGEST_REST, jitter=random.random)


class Page(Protocol):
    """Asks for one page by HTTP; what a rack spends on its client is not the region's."""

    def __init__(self, path: str, host: str) -> None:
        self.reply: Deferred[Reply] = Deferred()
        self._question = f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()
        self._heard = b""

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(self._question)

    def dataReceived(self, data: bytes) -> None:
        """Listen to the end."""
        self._heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give what was said."""
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if found:
            self.reply.callback(Reply(int(head.split()[1]), body))
        else:
            self.reply.errback(reason)


@define
class Book:
    """What a rack remembers; rackd keeps it in files."""

    system_id: SystemId | None = None
    instance: InstanceId | None = None
    key: bytes | None = None
    epoch: Stamp = NEVER
    regions: tuple[EventLoop, ...] = ()

    def meet(self, loops: tuple[EventLoop, ...]) -> None:
        """Remember the published workers."""
        self.regions = loops


@define(eq=False)
class Field:
    """All racks of this process and how they are."""

    reactor: Any
    ground: Ground
    url: str
    secret: bytes
    count: int
    linked: set[str] = field(factory=set)
    owned: set[str] = field(factory=set)
    errors: Counter[str] = field(factory=Counter)

    def change(self, event: str, where: set[str], rack: str, there: bool) -> None:
        """Note what became of a rack, and tell when that is true of all."""
        if not there:
            where.discard(rack)
            return
        where.add(rack)
        if len(where) == self.count:
            told = {"event": event, "last": time.monotonic(), "errors": dict(self.errors)}
            print(json.dumps(told), flush=True)
            self.errors.clear()


class Rack:
    """One rack."""

    def __init__(self, site: Field, number: int) -> None:
        self._site = site
        self._clock = site.reactor
        self._address = FIRST_ADDRESS + number
        self.hostname = f"storm{number:04}"
        self._book = Book()
        self._owner: Ownership | None = None
        self._report = DhcpReport(serving=False, lease_store=f"store of {self.hostname}")
        self._interfaces = (
            Interface("eth0", f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
                      (IPv4Interface(f"{self._address}/16"),)),
            Interface("eth1", f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}",
                      (IPv4Interface((FIRST_LAN.ip + 256 * number, 24)),)),
        )
        search = Search(self._clock, self._fetch, [site.url], cast(Memory, self._book))
        self.links = Links(
            self._clock,
            lambda: 1,
            search.find,
            self._dial,
            random.choice,
            Rests(DELAY),
            DELAY(CALM),
            self._opened,
            self._closed,
            lambda _: False,
        )

    async def _fetch(self, url: str) -> Reply:
        parts = urlsplit(url)
        page = Page(parts.path, parts.netloc)
        await connectProtocol(self._client(str(parts.hostname), parts.port or 80), page)
        return await page.reply

    def _client(self, host: str, port: int) -> TCP4ClientEndpoint:
        source = str(self._address), 0
        return TCP4ClientEndpoint(self._clock, host, port, CONNECT_TIMEOUT, source)

    async def _dial(self, loop: EventLoop) -> Session:
        book, place = self._book, loop.endpoints[0]
        secret, credential = (self._site.secret, SHARED) if book.key is None else (book.key, OWN_KEY)
        facts = RackFacts(
            __version__, secret, book.system_id, book.instance, credential=credential
        )
        try:
            client = self._client(place.host, place.port)
            session = await join(self._site.ground, client, facts, self._introduce, self)
        except RpcError as error:
            self._site.errors[f"{type(error).__name__}: {error}"[:60]] += 1
            raise
        book.system_id, book.instance = session.welcome.system_id, session.welcome.instance
        book.key = session.key or book.key
        return session

    def _introduce(self) -> Introduction:
        return Introduction(
            self.hostname,
            __version__,
            self._book.system_id,
            self._site.url,
            self._interfaces,
            self._book.epoch,
            lease_store=self._report.lease_store,
            serving=False,
        )

    def _opened(self, _: Session) -> None:
        self._site.change("linked", self._site.linked, self.hostname, True)

    def _closed(self, session: Session, reason: str) -> None:
        self._site.errors[f"closed: {reason}"[:60]] += 1
        self._site.change("linked", self._site.linked, self.hostname, False)
        if self._owner is not None and self._owner.worker == session.welcome.worker:
            self._owner = None
            self._site.change("owned", self._site.owned, self.hostname, False)

    # what the region may ask

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Obey the newest owner only, and report to it."""
        known, taken = self._book.epoch, self._owner
        if epoch < known or (epoch == known and taken is not None and taken.worker != worker):
            raise StaleEpoch(epoch, known)
        self._book.epoch, self._owner = epoch, Ownership(worker, epoch)
        self._site.change("owned", self._site.owned, self.hostname, True)
        self._clock.callLater(0, self._tell, self._owner)
        return self._report

    async def configure_dhcp(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Claim to run it."""
        await self.own(worker, epoch)
        self._report = evolve(self._report, generation=plan.generation)
        return self._report

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Serve nothing."""

    def _tell(self, owner: Ownership) -> None:
        for session in self.links.sessions:
            if session.welcome.worker == owner.worker and self._owner == owner:
                telling = Deferred.fromCoroutine(session.remote.report_dhcp(self._report))
                telling.addErrback(self._untold, owner)

    def _untold(self, failure: Failure, owner: Ownership) -> None:
        failure.trap(RpcError)
        self._site.errors[f"report: {failure.getErrorMessage()}"[:60]] += 1
        self._clock.callLater(REPORT_REST, self._tell, owner)


def main(reactor: Any, url: str, secret: str, first: str, count: str) -> Deferred[None]:
    """Be the racks until killed."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)
    steady(reactor)
    site = Field(reactor, Ground(reactor), url, bytes.fromhex(secret), int(count))
    racks = [Rack(site, int(first) + number) for number in range(int(count))]
    beginning = iter(racks)

    def begin() -> None:
        """Have some join for the first time: racks are set up one after the other."""
        while begun[0] - len(site.linked) < BEGIN_AT_ONCE and begun[0] < len(racks):
            begun[0] += 1
            next(beginning).links.startService()

    begun = [0]
    LoopingCall(begin).start(0.02)
    gc.collect()
    gc.freeze()
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
