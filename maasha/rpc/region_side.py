"""A region's end of the links: a stranger proves a credential, registers, only then reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.logger import Logger
from twisted.protocols import amp
from zope.interface import implementer

from maasha.model.cluster import InstanceId, Introduction, Ownership, SystemId, Welcome
from maasha.model.dhcp import DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.orders import Act
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding
from maasha.model.sighting import Sighting
from maasha.rpc import commands, handshake
from maasha.rpc.alive import Alive
from maasha.rpc.binding import Binding, bound
from maasha.rpc.credentials import Credential, Kind, rack_key, seal
from maasha.rpc.deadline import within
from maasha.rpc.errors import (
    BadArgument,
    DeadlineExceeded,
    Deleted,
    OutOfOrder,
    RegistrationRefused,
    RpcError,
    TokenExpired,
    TokenUsed,
    TooManyLinks,
    Unavailable,
)
from maasha.rpc.extension import Extension, at_region, extended
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RegionFacts
from maasha.rpc.nonce import fresh_nonce
from maasha.rpc.peer import Peer
from maasha.rpc.porter import Porter
from maasha.rpc.protocol import Link
from maasha.rpc.remote import RemoteRack
from maasha.rpc.versions import Versions

log = Logger()

LOOKUP_DEADLINE = 3.0
"""Seconds to find a join token's secret; the proof as a whole has five."""
LOOKUPS = 4
"""Tokens looked up at the same time, so that strangers do not hold all database connections."""
RETRY_AFTER = 2.0
"""Seconds after which a rack may try again whose token could not be looked up."""
TOLD = (TokenExpired, TokenUsed, RegistrationRefused, Deleted, TooManyLinks)
"""Refusals after the proof that the region's people are to hear of, besides the rack's."""

Answer = dict[str, Any]
FindToken = Callable[[str], Awaitable[bytes | None]]
"""Gives the secret of a join token by its public id, None for an unknown one.

May raise Unavailable.
"""


class RegionDuties(Protocol):
    """What a region does for one registered link; each may raise NotOwner and Unavailable."""

    async def report_dhcp(self, report: DhcpReport) -> None:
        """Take what the rack's dhcpd does now."""

    async def report_dhcp6(self, report: DhcpReport) -> None:
        """Take what the rack's DHCPv6 server does now."""

    async def report_leases(self, report: LeaseReport) -> int:
        """Commit leases and give the cursor up to which they are committed."""

    async def report_interfaces(self, interfaces: tuple[Interface, ...]) -> None:
        """Take the rack's interfaces, all of them."""

    async def report_sightings(self, sightings: tuple[Sighting, ...]) -> None:
        """Take what the rack knows of others on the VLANs that it watches."""

    async def report_acts(self, acts: tuple[Act, ...]) -> None:
        """Write down what people did on the rack's host, each act once."""

    async def report_pools(self, pools: tuple[PoolCount, ...]) -> None:
        """Take how many addresses the rack can still hand out."""

    async def report_findings(self, findings: tuple[Finding, ...]) -> None:
        """Take which DHCP and name servers the rack knows of on the VLANs that it probes."""

    async def claim(self, lost: Ownership) -> None:
        """Take the rack over from an owner that it lost."""

    async def lost(self, reason: str) -> None:
        """Note that the link has ended; called exactly once for each successful registration."""


class Admission(Protocol):
    """Who decides which racks come in."""

    async def register(
        self, introduction: Introduction, rack: RemoteRack, remote: str, credential: Credential
    ) -> tuple[Welcome, RegionDuties]:
        """Take a rack that has proved its credential; calls to it wait until it has its welcome.

        With Kind.KEY the rack is who it says; one that is not on record is Forgotten. A join token
        is used up here. Raises what `commands.Register` declares.
        """


def unheard(remote: str, error: RpcError) -> None:
    """Tell nobody of a refused rack."""


async def no_tokens(_: str) -> bytes | None:
    """Know no join token."""
    return None


@implementer(IProtocolFactory)
class RegionFactory:
    """Makes a link for every connection that `porter` admits (left out: one with usual limits).

    The links are as secure as the channel below: `maasha.rpc.tls.secure(factory, clock)` is the
    same over TLS. `nonce` gives 32 fresh random bytes; `refused` hears (remote, error) of every
    rack that failed the proof or was refused for good. `facts` may be replaced while running: it
    counts from the next connection on. `extensions` have their commands on registered links.
    """

    def __init__(
        self,
        ground: Ground,
        facts: RegionFacts,
        admission: Admission,
        nonce: Callable[[], bytes] = fresh_nonce,
        refused: Callable[[str, RpcError], None] = unheard,
        binding: Binding = bound,
        porter: Porter | None = None,
        tokens: FindToken = no_tokens,
        extensions: Iterable[Extension] = (),
    ) -> None:
        self.clock = ground.clock
        self.facts = facts
        self.admission = admission
        self.nonce = nonce
        self.refused = refused
        self.binding = binding
        self.sides = at_region(extensions)
        self._ground = ground
        self._tokens = tokens
        self._lookups = 0
        self.porter = porter or Porter(ground.clock)

    async def token_secret(self, token: str) -> bytes:
        """Find a token's secret; an unknown one has a secret that nobody knows, as a wrong one.

        Raises Unavailable.
        """
        if self._lookups >= LOOKUPS:
            raise Unavailable("too many join tokens are being looked up", RETRY_AFTER)
        self._lookups += 1
        try:
            return await self._tokens(token) or self.nonce()
        finally:
            self._lookups -= 1

    def doStart(self) -> None:
        """Do nothing when a port begins to listen."""

    def doStop(self) -> None:
        """Do nothing when a port ends; the links live on."""

    def buildProtocol(self, addr: IAddress) -> Link | None:
        """Open the door to a stranger; None closes the connection at once."""
        if not self.porter.admits(addr):
            return None
        link = Link(self._ground, lambda link: Doorstep(link, self))
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
        credential: str,
        token: str,
        nonce: bytes,
    ) -> Answer:
        """Greet a rack whose versions and instance fit."""
        spoken, claimed = Versions(lowest, highest), _credential(credential, token)
        known_as = SystemId(system_id) if system_id else None
        match self._take(handshake.Hello(spoken, version, known_as, instance, claimed, nonce)):
            case (handshake.Greeting() as greeting,):
                return _greeting(greeting)
        raise OutOfOrder("Hello")

    @commands.Prove.responder
    async def prove(self, proof: bytes) -> Answer:
        """Answer a right proof with the region's own, and let the rack in."""
        self._link.locator = amp.CommandLocator()  # one proof: nothing is taken while it is judged
        try:
            evidence = handshake.Evidence(handshake.Proof(proof), await self._secrets())
        except Exception:
            self._end("the credential could not be looked up")
            raise
        match self._take(evidence), self._state:
            case (handshake.Proof(value),), handshake.Trusting(handshake.Hello() as hello) as said:
                self._link.trust(Lobby(self._link, self._region, hello, said))
                self._region.porter.proved(self._link)
                return {"proof": value}
        raise OutOfOrder("Prove")

    async def _secrets(self) -> tuple[bytes, ...]:
        """Give the secrets that the rack may have proved with; raises Unavailable."""
        match self._state:
            case handshake.Challenged(facts, hello):
                if hello.credential.kind is Kind.TOKEN:
                    return (await self._token_secret(hello.credential.token),)
                return handshake.candidates(facts, hello)
        return ()

    async def _token_secret(self, token: str) -> bytes:
        looking = ensureDeferred(self._region.token_secret(token))
        self._link.closed.addCallback(lambda _: looking.cancel())
        try:
            return await within(LOOKUP_DEADLINE, self._region.clock, "token", looking)
        except (DeadlineExceeded, CancelledError) as error:
            reason = "the join token could not be looked up in time"
            raise Unavailable(reason, RETRY_AFTER) from error

    def _take(self, event: handshake.Event) -> tuple[handshake.Message, ...]:
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
        self._end(str(error))
        self._region.porter.refused(self._link)
        self._region.refused(self._link.remote, error)

    def _end(self, reason: str) -> None:
        self._region.clock.callLater(0, self._link.leave, reason)


def _credential(kind: str, token: str) -> Credential:
    try:
        return Credential(Kind(kind), token)
    except ValueError:
        raise BadArgument("credential", f"{kind[:40]!r} is none of secret, token, key") from None


def _greeting(greeting: handshake.Greeting) -> Answer:
    return {
        "protocol": greeting.protocol,
        "lowest": greeting.spoken.lowest,
        "highest": greeting.spoken.highest,
        "version": greeting.version,
        "system_id": greeting.system_id,
        "instance": greeting.instance,
        "nonce": greeting.nonce,
    }


class Lobby(Alive):
    """What a rack may call that has proved its credential: Register, once."""

    def __init__(
        self,
        link: Link,
        region: RegionFactory,
        hello: handshake.Hello,
        proved: handshake.Trusting,
    ) -> None:
        self._link = link
        self._region = region
        self._hello = hello
        self._proved = proved

    @commands.Register.responder
    async def register(self, introduction: Introduction) -> Answer:
        """Take the rack in; a refusal goes out before the link ends."""
        link, clock = self._link, self._region.clock
        link.locator = Alive()
        rack = RemoteRack(link, clock)
        try:
            welcome, duties = await self._admit(introduction, rack)
        except Exception as error:
            clock.callLater(0, link.leave, "the registration was refused")
            if isinstance(error, TOLD):
                self._region.refused(link.remote, error)
            raise
        link.closed.addCallback(_part, duties, link.remote)
        link.locator = self._offered(welcome, duties, rack)
        clock.callLater(0, rack.open)  # after the answer, which is written in this turn
        return {"welcome": welcome, "key": self._sealed_key(welcome.system_id)}

    def _offered(
        self, welcome: Welcome, duties: RegionDuties, rack: RemoteRack
    ) -> amp.CommandLocator:
        """Give what the rack may call from now on."""
        desk, sides = Desk(duties, self._link), self._region.sides
        if not sides:
            return desk
        ours = welcome.instance, welcome.worker, self._region.clock
        return extended(desk, sides, Peer(welcome.system_id, *ours, self._link, rack))

    async def _admit(
        self, introduction: Introduction, rack: RemoteRack
    ) -> tuple[Welcome, RegionDuties]:
        if introduction.system_id != self._hello.system_id:
            raise RegistrationRefused("the system_id differs from the one in Hello; join again")
        return await self._region.admission.register(
            introduction, rack, self._link.remote, self._hello.credential
        )

    def _sealed_key(self, system_id: SystemId) -> bytes | None:
        """Give the rack's own key to one that has not proved itself with it."""
        facts, proved = self._region.facts, self._proved
        if self._hello.credential.kind is Kind.KEY:
            return None
        key = rack_key(facts.key_root, facts.instance, system_id)
        return seal(proved.secret, proved.transcript, key)


class Desk(Alive):
    """What a registered rack may call."""

    def __init__(self, duties: RegionDuties, link: Link) -> None:
        self._duties = duties
        self._link = link

    @commands.Farewell.responder
    async def farewell(self) -> Answer:
        """Agree where no call is under way from here; in the same turn, so none slips in."""
        calls = self._link.in_flight
        if not calls:
            self._link.part()
        return {"calls": calls}

    @commands.ReportDHCP.responder
    async def report_dhcp(self, report: DhcpReport) -> Answer:
        """Pass it on."""
        await self._duties.report_dhcp(report)
        return {}

    @commands.ReportDHCP6.responder
    async def report_dhcp6(self, report: DhcpReport) -> Answer:
        """Pass it on."""
        await self._duties.report_dhcp6(report)
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

    @commands.ReportSightings.responder
    async def report_sightings(self, sightings: tuple[Sighting, ...]) -> Answer:
        """Pass them on."""
        await self._duties.report_sightings(sightings)
        return {}

    @commands.ReportActs.responder
    async def report_acts(self, acts: tuple[Act, ...]) -> Answer:
        """Pass them on."""
        await self._duties.report_acts(acts)
        return {}

    @commands.ReportPools.responder
    async def report_pools(self, pools: tuple[PoolCount, ...]) -> Answer:
        """Pass them on."""
        await self._duties.report_pools(pools)
        return {}

    @commands.ReportFindings.responder
    async def report_findings(self, findings: tuple[Finding, ...]) -> Answer:
        """Pass them on."""
        await self._duties.report_findings(findings)
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
