"""Many racks: `python -m tests.acceptance.storm_racks URLS SECRET FIRST COUNT [LINKS [RATE]]`.

Each has an address, a key and a memory of its own and keeps one link, or so many, with rackd's own
code for all that leads to them: search over HTTP, choice of a worker, rests with jitter, handshake,
registration, heartbeats, moves. It obeys its newest owner as rackd does, looks for another when
that is gone, reports to it, and serves nothing. URLS are those of the regions, with commas between
them; RATE is how many calls of `traffic.py` they make in a second, all together, from the line "go"
to the line "halt".

Prints a line of JSON, {"event": "linked" or "owned", "last": SECONDS, "errors": COUNTS}, each time
that all racks have all their links, or are owned. The seconds are the machine's monotonic clock's;
a link stands when the rack has its welcome, so its registration is committed by then. For each line
that it reads it prints {"event": "state", "linked": SECONDS, "owned": SECONDS, "begun": COUNT,
"calls": SECONDS OF EACH, "failed": COUNTS}: since when it is so (null: it is not so), and since the
line before how many calls were begun and what became of those that came to an end.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Interface
from typing import Any, cast
from urllib.parse import urlsplit

from attrs import define, evolve, field
from twisted.application.internet import backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall, react
from twisted.logger import globalLogBeginner
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from maasha import __version__
from maasha.daemon.rackd import FIRST_REST, LONGEST_REST
from maasha.dhcp.hosts import fingerprint
from maasha.host.clock import steady
from maasha.host.rests import Rests
from maasha.model.cluster import (
    EventLoop,
    InstanceId,
    Introduction,
    Move,
    Ownership,
    SystemId,
    WorkerId,
)
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.network import Interface
from maasha.model.probe import Probe
from maasha.model.sighting import Watch
from maasha.model.stamp import NEVER, Stamp
from maasha.rack.choice import lighter_of_two
from maasha.rack.dialling import CONNECT_TIMEOUT
from maasha.rack.discovery import Reply
from maasha.rack.links import Links
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rack.search import Search
from maasha.rack.succession import Succession
from maasha.rpc.credentials import OWN_KEY, SHARED
from maasha.rpc.errors import RpcError, StaleEpoch
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.rack_side import Session, join
from tests.acceptance.traffic import TRAFFIC, Traffic
from tests.acceptance.web import page

FIRST_ADDRESS = IPv4Address("10.101.0.1")
"""Of the first rack on the management network; the others follow."""
FIRST_LAN = IPv4Address("172.16.0.1")
"""Of the first rack on a network that it has alone."""
BEGIN_AT_ONCE = 8
"""Racks that join for the first time at the same time: people set them up one after the other."""
REPORT_REST = 5.0
"""Seconds until a report that was not taken is sent again, as rackd's."""
SHOWN = 60
"""Characters of an error, when errors are counted."""
DELAY = backoffPolicy(FIRST_REST, LONGEST_REST, jitter=random.random)


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

    def obey(self, epoch: Stamp) -> None:
        """Remember an epoch."""
        self.epoch = epoch


@define(eq=False)
class Field:
    """All racks of this process and how they are."""

    reactor: Any
    ground: Ground
    tell: Callable[[object], None]
    """Prints what is so, as JSON."""
    urls: list[str]
    secret: bytes
    count: int
    links: int = 1
    those: dict[str, set[str]] = field(factory=lambda: {"linked": set(), "owned": set()})
    since: dict[str, float | None] = field(factory=lambda: {"linked": None, "owned": None})
    """When the last rack became so, None as long as one is not."""
    errors: Counter[str] = field(factory=Counter)

    def now(self, state: str, rack: str) -> None:
        """Note that a rack is linked, or owned, and tell when all are."""
        those = self.those[state]
        those.add(rack)
        if len(those) == self.count and self.since[state] is None:
            self.since[state] = last = time.monotonic()
            self.tell({"event": state, "last": last, "errors": dict(self.errors)})

    def no_more(self, state: str, rack: str) -> None:
        """Note that a rack is so no more; the first of all begins another storm."""
        if len(self.those["linked"]) == self.count:
            self.errors.clear()
        self.those[state].discard(rack)
        self.since[state] = None

    def failed(self, what: object) -> None:
        """Count an error."""
        self.errors[str(what)[:SHOWN]] += 1

    def begin(self, racks: Iterator[Rack], begun: set[Rack]) -> None:
        """Have some more join for the first time."""
        joined = sum(rack.joined for rack in begun)
        while len(begun) < min(self.count, joined + BEGIN_AT_ONCE):
            rack = next(racks)
            begun.add(rack)
            rack.start()


class Rack:
    """One rack, and its duties."""

    def __init__(self, site: Field, number: int) -> None:
        self._site = site
        self._clock = site.reactor
        self._address = FIRST_ADDRESS + number
        self.hostname = f"storm{number:04}"
        self._book = Book()
        self._obedience = Obedience(cast(Memory, self._book))
        self._report = DhcpReport(serving=False, lease_store=f"leases of {self.hostname}")
        lan = IPv4Interface((FIRST_LAN + 256 * number, 24))
        self._interfaces = (
            Interface("eth0", _mac(0, number), (IPv4Interface((self._address, 16)),)),
            Interface("eth1", _mac(1, number), (lan,)),
        )
        self._links = self._keep_links()
        self._succession = Succession(self._clock, self._obedience, lambda: self.sessions)

    def start(self) -> None:
        """Begin to dial."""
        self._links.startService()
        if self._site.links > 1:
            self._succession.startService()

    @property
    def joined(self) -> bool:
        """Whether it has ever had a link."""
        return self._book.system_id is not None

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Give its links."""
        return self._links.sessions

    def _keep_links(self) -> Links:
        search = Search(self._clock, self._fetch, self._site.urls, cast(Memory, self._book))
        return Links(
            self._clock,
            lambda: self._site.links if self.joined else 1,
            search.find,
            self._dial,
            lighter_of_two(random.choice),
            Rests(DELAY),
            self._opened,
            self._closed,
            self._owns,
            self._hand_over,
        )

    # what leads to a link

    async def _fetch(self, url: str) -> Reply:
        parts = urlsplit(url)
        return await page(
            self._client(str(parts.hostname), parts.port or 80), parts.netloc, parts.path
        )

    def _client(self, host: str, port: int) -> TCP4ClientEndpoint:
        source = str(self._address), 0
        return TCP4ClientEndpoint(self._clock, host, port, CONNECT_TIMEOUT, source)

    async def _dial(self, loop: EventLoop) -> Session:
        site, book, place = self._site, self._book, loop.endpoints[0]
        client, facts, known = self._client(place.host, place.port), self._facts(), (TRAFFIC,)
        try:
            session = await join(
                site.ground, client, facts, self._introduce, self, extensions=known
            )
        except RpcError as error:
            site.failed(error)
            raise
        book.system_id, book.instance = session.welcome.system_id, session.welcome.instance
        book.key = session.key or book.key
        return session

    def _facts(self) -> RackFacts:
        book, site = self._book, self._site
        secret, credential = (book.key, OWN_KEY) if book.key else (site.secret, SHARED)
        return RackFacts(__version__, secret, book.system_id, book.instance, credential=credential)

    def _introduce(self) -> Introduction:
        return Introduction(
            self.hostname,
            __version__,
            self._book.system_id,
            self._site.urls[0],
            self._interfaces,
            self._book.epoch,
            lease_store=self._report.lease_store,
            serving=False,
        )

    def _opened(self, _: Session) -> None:
        if len(self.sessions) >= self._site.links:
            self._site.now("linked", self.hostname)

    def _closed(self, session: Session, reason: str) -> None:
        self._site.failed(f"closed: {reason}")
        if len(self.sessions) < self._site.links:
            self._site.no_more("linked", self.hostname)
        lost = self._obedience.lose(session.welcome.worker)
        if lost is not None:
            self._site.no_more("owned", self.hostname)
            self._succession.lost(lost)

    def _owns(self, session: Session) -> bool:
        owner = self._obedience.owner
        return owner is not None and owner.worker == session.welcome.worker

    async def _hand_over(self, _: Session, new: Session) -> None:
        if self._obedience.owner is not None:
            try:
                await new.remote.claim(self._obedience.owner)
            except RpcError as error:
                self._site.failed(error)

    # what the region may ask

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Obey the newest owner only, and report to it."""
        try:
            self._obedience.accept(worker, epoch)
        except StaleEpoch:
            self._site.failed(f"stale epoch of worker {worker}")
            raise
        self._site.now("owned", self.hostname)
        self._clock.callLater(0, self._tell, self._obedience.owner)
        return self._report

    async def configure_dhcp(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Claim to run it."""
        await self.own(worker, epoch)
        self._report = evolve(self._report, generation=plan.generation)
        return self._report

    async def change_hosts(
        self, worker: WorkerId, epoch: Stamp, generation: Stamp, hosts: str
    ) -> DhcpReport:
        """Claim to know them."""
        await self.own(worker, epoch)
        self._report = evolve(self._report, generation=generation, hosts=fingerprint(hosts))
        return self._report

    async def settle_dhcp6(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Run nothing."""
        return await self.own(worker, epoch)

    async def configure_dhcp6(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Claim to run it."""
        return await self.configure_dhcp(worker, epoch, plan)

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Serve nothing."""

    async def migrate(self, link: Session, move: Move) -> WorkerId | None:
        """Move a link."""
        return await self._links.migrate(link, move)

    async def resume_dhcp(self, *_: object) -> DhcpReport:
        """Have no orders."""
        return self._report

    async def look_out(self, worker: WorkerId, epoch: Stamp, watches: tuple[Watch, ...]) -> None:
        """See nobody."""

    async def probe_networks(
        self, worker: WorkerId, epoch: Stamp, probes: tuple[Probe, ...]
    ) -> None:
        """Find nothing."""

    def _tell(self, owner: Ownership) -> None:
        for session in self.sessions:
            if session.welcome.worker == owner.worker and self._obedience.owner == owner:
                telling = Deferred.fromCoroutine(session.remote.report_dhcp(self._report))
                telling.addErrback(self._untold, owner)

    def _untold(self, failure: Failure, owner: Ownership) -> None:
        failure.trap(RpcError)
        self._site.failed(f"report: {failure.getErrorMessage()}")
        self._clock.callLater(REPORT_REST, self._tell, owner)


class Voice(LineOnlyReceiver):
    """Prints lines of JSON, and answers each line that it reads."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self.answer: Callable[[str], object] = str

    def lineReceived(self, line: bytes) -> None:
        """Answer."""
        self.tell(self.answer(line.decode()))

    def tell(self, told: object) -> None:
        """Print a line."""
        self.sendLine(json.dumps(told).encode())


def _mac(card: int, number: int) -> str:
    return f"02:00:00:{card:02x}:{number >> 8:02x}:{number & 255:02x}"


def main(
    reactor: Any,
    urls: str,
    secret: str,
    first: str,
    count: str,
    links: str = "1",
    rate: str = "0",
) -> Deferred[None]:
    """Be the racks until killed."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)
    steady(reactor)
    voice = Voice()
    StandardIO(voice)
    known, proof = urls.split(","), bytes.fromhex(secret)
    site = Field(reactor, Ground(reactor), voice.tell, known, proof, int(count), int(links))
    racks = [Rack(site, int(first) + number) for number in range(site.count)]
    traffic = Traffic(reactor, racks, float(rate))

    def answer(word: str) -> object:
        traffic.obey(word)
        return {"event": "state", **site.since, **traffic.report()}

    voice.answer = answer
    LoopingCall(site.begin, iter(racks), set()).start(0.02)
    gc.collect()
    gc.freeze()  # its own pauses are not the region's
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
