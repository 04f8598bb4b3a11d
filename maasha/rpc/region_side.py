"""A region's end of the links: a stranger proves the secret, registers, and only then reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attrs import asdict
from twisted.internet.defer import ensureDeferred
from twisted.internet.interfaces import IAddress, IProtocolFactory, IReactorTime
from twisted.logger import Logger
from twisted.protocols import amp
from zope.interface import implementer

from maasha.model.cluster import InstanceId, Introduction, Ownership, SystemId, Welcome
from maasha.model.dhcp import DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.rpc import commands, handshake
from maasha.rpc.alive import Alive
from maasha.rpc.binding import Binding, bound
from maasha.rpc.errors import OutOfOrder, RegistrationRefused, RpcError
from maasha.rpc.handshake import RegionFacts
from maasha.rpc.porter import Porter
from maasha.rpc.protocol import TIMING, Link, Timing
from maasha.rpc.remote import RemoteRack
from maasha.rpc.versions import Versions

log = Logger()

Answer = dict[str, Any]


class RegionDuties(Protocol):
    """What a region does for one registered link; each may raise NotOwner and Unavailable."""

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Take what the rack's dhcpd does now."""

    async def report_leases(self, report: LeaseReport) -> int:
        """Commit leases and give the cursor up to which they are committed."""

    async def report_interfaces(self, interfaces: tuple[Interface, ...]) -> None:
        """Take the rack's interfaces, all of them."""

    async def claim(self, lost: Ownership) -> None:
        """Take the rack over from an owner that it lost."""

    async def lost(self, reason: str) -> None:
        """Note that the link has ended; called exactly once for each successful registration."""


class Admission(Protocol):
    """Who decides which racks come in."""

    async def register(
        self, introduction: Introduction, rack: RemoteRack, remote: str
    ) -> tuple[Welcome, RegionDuties]:
        """Take a rack that has proved the secret; calls to it wait until it has its welcome.

        Raises Deleted, RegistrationRefused and Unavailable.
        """


def unheard(remote: str, error: RpcError) -> None:
    """Tell nobody of a refused rack."""


@implementer(IProtocolFactory)
class RegionFactory:
    """Makes a link for every connection that `porter` admits (left out: one with usual limits).

    The links are as secure as the channel below: `maasha.rpc.tls.secure(factory, clock)` is the
    same over TLS. `nonce` gives 32 fresh random bytes; `refused` hears (remote, error) of every
    rack that failed the proof. `facts` may be replaced while running: it counts from the next
    connection on.
    """

    def __init__(
        self,
        clock: IReactorTime,
        facts: RegionFacts,
        admission: Admission,
        nonce: Callable[[], bytes],
        refused: Callable[[str, RpcError], None] = unheard,
        binding: Binding = bound,
        timing: Timing = TIMING,
        porter: Porter | None = None,
    ) -> None:
        self.clock = clock
        self.facts = facts
        self.admission = admission
        self.nonce = nonce
        self.refused = refused
        self.binding = binding
        self.timing = timing
        self.porter = porter or Porter(clock)

    def doStart(self) -> None:
        """Do nothing when a port begins to listen."""

    def doStop(self) -> None:
        """Do nothing when a port ends; the links live on."""

    def buildProtocol(self, addr: IAddress) -> Link | None:
        """Open the door to a stranger; None closes the connection at once."""
        if not self.porter.admits(addr):
            return None
        link = Link(self.clock, lambda link: Doorstep(link, self), self.timing)
        self.porter.take(link, addr)
        return link


class Doorstep(amp.CommandLocator):
    """What a stranger may call: Hello and Prove, once each and in this order."""

    def __init__(self, link: Link, region: RegionFactory) -> None:
        self._link = link
        self._region = region
        self._state: handshake.State | None = None

    @commands.Hello.responder
    def hello(
        self,
        lowest: int,
        highest: int,
        version: str,
        system_id: str,
        instance: InstanceId | None,
        nonce: bytes,
    ) -> Answer:
        """Greet a rack whose versions and instance fit."""
        spoken = Versions(lowest, highest)
        known_as = SystemId(system_id) if system_id else None
        match self._take(handshake.Hello(spoken, version, known_as, instance, nonce)):
            case (handshake.Greeting() as greeting,):
                return asdict(greeting)
        raise OutOfOrder("Hello")

    @commands.Prove.responder
    def prove(self, proof: bytes) -> Answer:
        """Answer a right proof with the region's own, and let the rack in."""
        match self._take(handshake.Proof(proof)), self._state:
            case (handshake.Proof(value),), handshake.Trusting(handshake.Hello() as hello):
                self._link.trust(Lobby(self._link, self._region, hello))
                self._region.porter.proved(self._link)
                return {"proof": value}
        raise OutOfOrder("Prove")

    def _take(self, event: handshake.Message) -> tuple[handshake.Message, ...]:
        self._state, said = handshake.step(self._state or self._waiting(), event)
        if isinstance(self._state, handshake.Refusing):
            self._refuse(self._state.error)
            raise self._state.error
        return said

    def _waiting(self) -> handshake.Waiting:
        region = self._region
        binding = region.binding(self._link.channel)
        return handshake.Waiting(region.facts, region.nonce(), binding)

    def _refuse(self, error: RpcError) -> None:
        """Tell the region, and end the link when the error is on its way."""
        self._link.locator = amp.CommandLocator()
        self._region.clock.callLater(0, self._link.leave, str(error))
        self._region.porter.refused(self._link)
        self._region.refused(self._link.remote, error)


class Lobby(Alive):
    """What a rack may call that has proved the secret: Register, once."""

    def __init__(self, link: Link, region: RegionFactory, hello: handshake.Hello) -> None:
        self._link = link
        self._region = region
        self._hello = hello

    @commands.Register.responder
    async def register(self, introduction: Introduction) -> Answer:
        """Take the rack in; a refusal goes out before the link ends."""
        link, clock = self._link, self._region.clock
        link.locator = Alive()
        rack = RemoteRack(link, clock)
        try:
            welcome, duties = await self._admit(introduction, rack)
        except Exception:
            clock.callLater(0, link.leave, "the registration was refused")
            raise
        link.closed.addCallback(_part, duties, link.remote)
        link.locator = Desk(duties)
        clock.callLater(0, rack.open)  # after the answer, which is written in this turn
        return {"welcome": welcome}

    async def _admit(
        self, introduction: Introduction, rack: RemoteRack
    ) -> tuple[Welcome, RegionDuties]:
        if introduction.system_id != self._hello.system_id:
            raise RegistrationRefused("the system_id differs from the one in Hello; join again")
        return await self._region.admission.register(introduction, rack, self._link.remote)


class Desk(Alive):
    """What a registered rack may call."""

    def __init__(self, duties: RegionDuties) -> None:
        self._duties = duties

    @commands.ReportDHCP.responder
    async def report_dhcp(self, report: DhcpReport) -> Answer:
        """Pass it on."""
        await self._duties.report_dhcp(report)
        return {}

    @commands.ReportLeases.responder
    async def report_leases(self, report: LeaseReport) -> Answer:
        """Pass them on and answer what is committed."""
        return {"cursor": await self._duties.report_leases(report)}

    @commands.ReportInterfaces.responder
    async def report_interfaces(self, interfaces: tuple[Interface, ...]) -> Answer:
        """Pass them on."""
        await self._duties.report_interfaces(interfaces)
        return {}

    @commands.Claim.responder
    async def claim(self, lost: Ownership) -> Answer:
        """Pass it on."""
        await self._duties.claim(lost)
        return {}


def _part(reason: str, duties: RegionDuties, remote: str) -> None:
    done = ensureDeferred(duties.lost(reason))
    done.addErrback(
        lambda failure: log.failure("the end of {remote} was not noted", failure, remote=remote)
    )
