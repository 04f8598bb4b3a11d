"""A rack's end of a link: connect, prove, register, then take the region's orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.protocols import amp

from maasha.model.cluster import Introduction, Welcome, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.stamp import Stamp
from maasha.rpc import commands, handshake
from maasha.rpc.alive import Alive
from maasha.rpc.binding import Binding, bound
from maasha.rpc.credentials import unseal
from maasha.rpc.deadline import within
from maasha.rpc.errors import BadArgument, OutOfOrder, Unreachable
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.protocol import Link
from maasha.rpc.remote import RemoteRegion
from maasha.rpc.tls import SecureEndpoint
from maasha.rpc.versions import Versions

JOIN_DEADLINE = 10.0
"""Seconds from the first packet to the welcome."""

Answer = dict[str, Any]


class RackDuties(Protocol):
    """What a rack does for the regions; `worker` tells on whose link the order came."""

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Obey this worker from `epoch` on; raises StaleEpoch."""

    async def configure_dhcp(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Run a plan; raises StaleEpoch and DhcpRefused."""

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Stop serving, for this rack was deleted; raises StaleEpoch."""


class Session:
    """A registered link of this rack.

    `key` is the rack's own key, to be kept and proved from then on; None where it was proved with.
    """

    def __init__(self, link: Link, welcome: Welcome, key: bytes | None) -> None:
        self._link = link
        self.remote = RemoteRegion(link)
        self.welcome = welcome
        self.key = key

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look; it fires with the reason once the link has ended."""
        return self._link.closed

    def leave(self, reason: str = "the rack left") -> Deferred[str]:
        """End the link politely, in bounded time; fires when it has ended."""
        return self._link.leave(reason)

    def abort(self, reason: str = "the rack hung up") -> None:
        """End the link at once."""
        self._link.abort(reason)


async def join(
    ground: Ground,
    endpoint: IStreamClientEndpoint,
    identity: RackFacts,
    introduction: Callable[[], Introduction],
    duties: RackDuties,
    nonce: Callable[[], bytes],
    binding: Binding = bound,
    deadline: float = JOIN_DEADLINE,
    *,
    tls: bool = True,
) -> Session:
    """Make a registered link, or leave nothing behind.

    `nonce` gives 32 fresh random bytes; `introduction` is asked when the region has proved itself.
    Without `tls` the channel is plain TCP, and the region must offer that.
    Raises Unreachable, TurnedAway, ChannelMismatch, WrongSecret, WrongVersion, WrongInstance,
    whatever `commands.Register` declares, LinkLost, DeadlineExceeded and whatever else `Link.call`
    raises.
    """
    link = Link(ground, lambda _: amp.CommandLocator())
    if tls:
        endpoint = SecureEndpoint(endpoint, ground.clock)
    attempt = _join(link, endpoint, identity, introduction, duties, nonce, binding)
    return await within(deadline, ground.clock, "join", ensureDeferred(attempt))


async def _join(
    link: Link,
    endpoint: IStreamClientEndpoint,
    identity: RackFacts,
    introduction: Callable[[], Introduction],
    duties: RackDuties,
    nonce: Callable[[], bytes],
    binding: Binding,
) -> Session:
    try:
        await connectProtocol(endpoint, link)
    except (ConnectError, DNSLookupError) as error:
        raise Unreachable(str(error)) from error
    try:
        await link.opened
        proved = await _prove(link, identity, nonce(), binding)
        link.trust(Alive())
        welcome, key = await _register(link, introduction(), proved)
    except BaseException as error:  # cancelled too: nothing half-joined stays
        link.abort(f"not joined: {error}")
        raise
    link.locator = Orders(duties, welcome.worker)
    return Session(link, welcome, key)


async def _prove(
    link: Link, identity: RackFacts, nonce: bytes, binding: Binding
) -> handshake.Trusting:
    offered, hello = handshake.offer(identity, nonce, binding(link.channel))
    greeting = await _greeted(link, hello)
    proving, proof = _proof(offered, greeting)
    answer = await link.call(commands.Prove, proof=proof)
    match handshake.step(proving, handshake.Proof(answer["proof"])):
        case handshake.Trusting() as trusting, _:
            return trusting
        case handshake.Refusing(error), _:
            raise error
    raise OutOfOrder("Proof")


async def _greeted(link: Link, hello: handshake.Hello) -> handshake.Greeting:
    answer = await link.call(
        commands.Hello,
        lowest=hello.spoken.lowest,
        highest=hello.spoken.highest,
        version=hello.version,
        system_id=hello.system_id or "",
        instance=hello.instance,
        credential=hello.credential.kind.value,
        token=hello.credential.token,
        nonce=hello.nonce,
    )
    spoken = Versions(answer.pop("lowest"), answer.pop("highest"))
    return handshake.Greeting(spoken=spoken, **answer)


def _proof(
    offered: handshake.Offered, greeting: handshake.Greeting
) -> tuple[handshake.State, bytes]:
    match handshake.step(offered, greeting):
        case state, (handshake.Proof(value),):
            return state, value
        case handshake.Refusing(error), _:
            raise error
    raise OutOfOrder("Greeting")


async def _register(
    link: Link, introduction: Introduction, proved: handshake.Trusting
) -> tuple[Welcome, bytes | None]:
    answer = await link.call(commands.Register, introduction=introduction)
    sealed: bytes | None = answer["key"]
    key = unseal(proved.secret, proved.transcript, sealed) if sealed is not None else None
    if sealed is not None and key is None:
        raise BadArgument("key", "it does not fit its seal: it was changed on the way; join again")
    return answer["welcome"], key


class Orders(Alive):
    """What a region may call on a registered rack."""

    def __init__(self, duties: RackDuties, worker: WorkerId) -> None:
        self._duties = duties
        self._worker = worker

    @commands.Own.responder
    async def own(self, epoch: Stamp) -> Answer:
        """Pass it on."""
        return {"report": await self._duties.own(self._worker, epoch)}

    @commands.ConfigureDHCP.responder
    async def configure_dhcp(self, epoch: Stamp, plan: DhcpPlan) -> Answer:
        """Pass it on."""
        return {"report": await self._duties.configure_dhcp(self._worker, epoch, plan)}

    @commands.Retire.responder
    async def retire(self, epoch: Stamp) -> Answer:
        """Pass it on."""
        await self._duties.retire(self._worker, epoch)
        return {}
