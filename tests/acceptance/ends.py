"""Ends of links without the rest of maasha: `python -m tests.acceptance.ends ROLE ARGUMENTS`.

region NUMBER PORT JOURNAL               takes every rack that has the secret
rack NUMBER HOST JOURNAL NUMBER:PORT ... keeps a link to each of these regions
load NUMBER HOST JOURNAL NUMBER:PORT ... the same, calling as fast as it is answered

Racks with an odd number talk to their regions, and those to them, twice a second; the others only
when they think ill of each other. What they notice is written into the journal at once. SIGUSR1 has
a rack ask so much of its regions that these stop reading.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable
from uuid import UUID

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.task import deferLater, react
from twisted.logger import globalLogBeginner

from maasha.dhcp.hosts import fingerprint
from maasha.host.clock import steady
from maasha.model.cluster import (
    InstanceId,
    Introduction,
    Move,
    Ownership,
    SystemId,
    Welcome,
    WorkerId,
)
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.orders import Act
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding, Probe
from maasha.model.sighting import Sighting, Watch
from maasha.model.stamp import Stamp
from maasha.rpc.credentials import Credential
from maasha.rpc.errors import NotMoved, RpcError
from maasha.rpc.ground import LIMITS, Ground
from maasha.rpc.handshake import RackFacts, RegionFacts
from maasha.rpc.rack_side import Session, join
from maasha.rpc.region_side import RegionDuties, RegionFactory
from maasha.rpc.remote import RemoteRack
from maasha.rpc.tls import secure
from tests.acceptance.conversation import Conversation, Room
from tests.acceptance.journal import Journal, What
from tests.acceptance.stranger import nonce

SECRET = bytes(range(16))
INSTANCE = InstanceId(UUID("6f1c2a4e-3b5d-4c7f-8a90-b1c2d3e4f506"))
REGION, RACK = SystemId("4y3h7n"), SystemId("acdefg")
REPORT = DhcpReport(serving=False)
REST = 0.2
"""Seconds of a rack between two tries to link."""
DIAL = 1.0
"""Seconds that a connection may take."""
FEW = evolve(LIMITS, in_flight=16, queued=16)
"""What a region takes on before it reads no more of a link."""
FLOOD = 100
"""Calls of a rack that floods."""
OUTSTANDING = 8
"""Calls of a loading rack that are under way on each link."""
COUNTED = 1000
"""After so many answers a loading rack makes a note of them."""


def talks(rack: str) -> bool:
    """Whether this rack talks; `rack7` does."""
    return rack.startswith("rack") and int(rack[4:]) % 2 == 1


@define(eq=False)
class Desk:
    """A region's duties for one link."""

    conversation: Conversation

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Note a call that has a number."""
        if report.generation.counter:
            self.conversation.note(What.SERVED, report.generation.counter)

    async def report_dhcp6(self, report: DhcpReport) -> None:
        """Let it pass."""

    async def report_leases(self, report: LeaseReport) -> int:
        """Commit nothing."""
        return report.cursor

    async def report_interfaces(self, interfaces: tuple[Interface, ...]) -> None:  # noqa: ARG002
        """Never come to an end."""
        await Deferred()

    async def report_sightings(self, sightings: tuple[Sighting, ...]) -> None:
        """Let them pass."""

    async def report_acts(self, acts: tuple[Act, ...]) -> None:
        """Let them pass."""

    async def report_pools(self, pools: tuple[PoolCount, ...]) -> None:
        """Let them pass."""

    async def report_findings(self, findings: tuple[Finding, ...]) -> None:
        """Let them pass."""

    async def claim(self, lost: Ownership) -> None:
        """Own nobody."""

    async def lost(self, reason: str) -> None:
        """Note the end."""
        self.conversation.end(reason)


@define(eq=False)
class Reception:
    """Takes every rack."""

    room: Room
    number: int

    async def register(
        self,
        introduction: Introduction,
        rack: RemoteRack,
        remote: str,
        credential: Credential,  # noqa: ARG002  Admission's arguments
    ) -> tuple[Welcome, RegionDuties]:
        """Begin a conversation."""
        name = introduction.hostname
        conversation = self.room.open(name, remote, rack.own, link=remote, talkative=talks(name))
        welcome = Welcome(RACK, INSTANCE, REGION, WorkerId(self.number), "b21hcGk=")
        return welcome, Desk(conversation)


@define(eq=False)
class Duties:
    """A rack's duties towards all its regions."""

    room: Room
    links: dict[WorkerId, Conversation] = field(factory=dict)

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Note the call."""
        self.links[worker].note(What.SERVED, epoch.counter)
        return REPORT

    async def configure_dhcp(
        self,
        worker: WorkerId,  # noqa: ARG002  RackDuties' arguments
        epoch: Stamp,  # noqa: ARG002
        plan: DhcpPlan,
    ) -> DhcpReport:
        """Claim to run it."""
        return evolve(REPORT, generation=plan.generation)

    async def change_hosts(
        self,
        worker: WorkerId,  # noqa: ARG002  RackDuties' arguments
        epoch: Stamp,  # noqa: ARG002
        generation: Stamp,
        hosts: str,
    ) -> DhcpReport:
        """Claim to know them."""
        return evolve(REPORT, generation=generation, hosts=fingerprint(hosts))

    async def settle_dhcp6(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Run nothing."""
        return await self.own(worker, epoch)

    async def configure_dhcp6(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Claim to run it."""
        return await self.configure_dhcp(worker, epoch, plan)

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Serve nothing."""

    async def migrate(self, link: Session, move: Move) -> WorkerId:  # noqa: ARG002
        """Stay."""
        raise NotMoved("it stays")

    async def resume_dhcp(self, *_: object) -> DhcpReport:
        """Have no orders."""
        return REPORT

    async def look_out(self, worker: WorkerId, epoch: Stamp, watches: tuple[Watch, ...]) -> None:
        """See nobody."""

    async def probe_networks(
        self, worker: WorkerId, epoch: Stamp, probes: tuple[Probe, ...]
    ) -> None:
        """Find nothing."""


@define(eq=False)
class Rack:
    """Keeps links to regions; `load` is what it does over each new one."""

    ground: Ground
    host: str
    duties: Duties
    load: Callable[[Session, Conversation], None] = lambda *_: None
    sessions: dict[int, Session] = field(factory=dict)

    def flood(self) -> None:
        """Ask of all regions more than they take on."""
        for session in self.sessions.values():
            for _ in range(FLOOD):
                asked = ensureDeferred(session.remote.report_interfaces(()))
                asked.addErrback(lambda failure: failure.trap(RpcError) and None)

    async def keep(self, number: int, port: int) -> None:
        """Link to a region, again whenever that link has ended."""
        room = self.duties.room
        while True:
            try:
                session = await self._join(port)
            except RpcError:
                await deferLater(room.reactor, REST)
                continue
            who, where = f"region{number}", f"{self.host}:{port}"
            ask = reporting(session)
            conversation = room.open(who, where, ask, talkative=talks(room.journal.who))
            self.duties.links[session.welcome.worker] = conversation
            self.sessions[number] = session
            self.load(session, conversation)
            conversation.end(await session.closed)

    async def _join(self, port: int) -> Session:
        room, facts = self.duties.room, RackFacts("0.1.0", SECRET)
        introduction = Introduction(room.journal.who, "0.1.0", serving=False)
        endpoint = TCP4ClientEndpoint(room.reactor, self.host, port, DIAL)
        return await join(self.ground, endpoint, facts, lambda: introduction, self.duties, nonce)


def reporting(session: Session) -> Callable[[Stamp], Deferred[None]]:
    """Give a rack's way to call its region."""
    remote = session.remote
    return lambda stamp: Deferred.fromCoroutine(
        remote.report_dhcp(evolve(REPORT, generation=stamp))
    )


def load(session: Session, conversation: Conversation) -> None:
    """Call as fast as the region answers, from the link's beginning to its end."""
    answered = 0

    async def call() -> None:
        nonlocal answered
        try:
            while True:
                await session.remote.report_dhcp(REPORT)
                answered += 1
                if answered % COUNTED == 0:
                    conversation.note(What.ANSWERED, COUNTED)
        except RpcError as error:
            conversation.note(What.FAILED, why=str(error))

    for _ in range(OUTSTANDING):
        ensureDeferred(call())


def region(reactor: EPollReactor, room: Room, number: str, port: str) -> None:
    """Take racks from now on."""
    facts = RegionFacts(INSTANCE, REGION, "0.1.0", (SECRET,), nonce())
    factory = RegionFactory(Ground(reactor, limits=FEW), facts, Reception(room, int(number)), nonce)
    reactor.listenTCP(int(port), secure(factory, reactor), backlog=1024)


def rack(reactor: EPollReactor, room: Room, host: str, *regions: str) -> None:
    """Keep the links from now on."""
    made = Rack(Ground(reactor), host, Duties(room))
    if room.journal.who.startswith("load"):
        made.load = load
    signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(made.flood))
    for region in regions:
        number, port = map(int, region.split(":"))
        ensureDeferred(made.keep(number, port))


def main(reactor: EPollReactor, role: str, number: str, *arguments: str) -> Deferred[None]:
    """Play a role until killed."""
    steady(reactor)
    where, journal, *rest = arguments
    room = Room(Journal(journal, f"{role}{number}"), reactor)
    globalLogBeginner.beginLoggingTo([room], redirectStandardIO=False)
    if role == "region":
        region(reactor, room, number, where)
    else:
        rack(reactor, room, where, *rest)
    gc.collect()
    gc.freeze()
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
