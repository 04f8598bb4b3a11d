"""A rack's end of a link: connect, prove, register, then take the region's orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.protocols import amp

from maasha.model.cluster import Introduction, Move, SystemId, Welcome, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.probe import Probe
from maasha.model.sighting import Watch
from maasha.model.stamp import Stamp
from maasha.rpc import commands, handshake
from maasha.rpc.alive import Alive
from maasha.rpc.binding import Binding, bound
from maasha.rpc.credentials import unseal
from maasha.rpc.deadline import within
from maasha.rpc.errors import BadArgument, OutOfOrder, Unreachable
from maasha.rpc.extension import Extension, at_rack, extended
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.nonce import fresh_nonce
from maasha.rpc.peer import Peer
from maasha.rpc.protocol import Link
from maasha.rpc.remote import RemoteDoor, RemoteRegion
from maasha.rpc.tls import SecureEndpoint

JOIN_DEADLINE = 10.0
"""Seconds from the first packet to the welcome."""

Answer = dict[str, Any]


class RackDuties(Protocol):
    """What a rack does for the regions; `worker` tells on whose link the order came."""

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Obey this worker from `epoch` on; raises StaleEpoch."""

    async def configure_dhcp(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Run a plan; raises StaleEpoch and DhcpRefused."""

    async def change_hosts(
        self, worker: WorkerId, epoch: Stamp, generation: Stamp, hosts: str
    ) -> DhcpReport:
        """Know these fixed hosts without a restart; raises StaleEpoch and DhcpRefused."""

    async def settle_dhcp6(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:
        """Say what the DHCPv6 server runs when all orders are done; raises StaleEpoch."""

    async def configure_dhcp6(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Run a plan of DHCPv6; raises StaleEpoch and DhcpRefused."""

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Stop serving, for this rack was deleted; raises StaleEpoch."""

    async def migrate(self, link: Session, move: Move) -> WorkerId | None:
        """Move the link that the order came over; gives the new one's worker when it stands.

        A link that goes nowhere is given up. Raises NotMoved.
        """

    async def resume_dhcp(
        self, worker: WorkerId, epoch: Stamp, orders: tuple[int, ...], by: str
    ) -> DhcpReport:
        """End orders that people gave on the spot; raises StaleEpoch and DhcpRefused."""

    async def look_out(self, worker: WorkerId, epoch: Stamp, watches: tuple[Watch, ...]) -> None:
        """Watch these VLANs for other racks, and no others; raises StaleEpoch."""

    async def probe_networks(
        self, worker: WorkerId, epoch: Stamp, probes: tuple[Probe, ...]
    ) -> None:
        """Probe these VLANs for servers, and no others; raises StaleEpoch."""


class Session:
    """A registered link of this rack.

    `key` is the rack's own key, to be kept and proved from then on; None where it was proved with.
    `remote` calls the region, `peer` with commands that are not maasha's.
    """

    def __init__(
        self, link: Link, clock: IReactorTime, welcome: Welcome, key: bytes | None
    ) -> None:
        self._link = link
        self.remote = RemoteRegion(link)
        self.peer = Peer(
            SystemId(welcome.region), welcome.instance, welcome.worker, clock, link, link
        )
        self.welcome = welcome
        self.key = key

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look; it fires with the reason once the link has ended."""
        return self._link.closed

    @property
    def idle(self) -> bool:
        """Whether no call is under way on the link, either way."""
        return self._link.idle

    async def farewell(self, deadline: float) -> bool:
        """Have no more calls made, either way; those of the rack that are under way go on.

        Gives whether it is so: not before the region has none under way. Raises as `Link.call`.
        """
        agreed = not await self.remote.farewell(deadline)
        if agreed:
            self._link.part()
        return agreed

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
    nonce: Callable[[], bytes] = fresh_nonce,
    binding: Binding = bound,
    deadline: float = JOIN_DEADLINE,
    *,
    tls: bool = True,
    extensions: Iterable[Extension] = (),
    met: Callable[[Link], None] = lambda _: None,
) -> Session:
    """Make a registered link, or leave nothing behind.

    `nonce` gives 32 fresh random bytes; `introduction` is asked when the region has proved itself.
    Without `tls` the channel is plain TCP, and the region must offer that. `extensions` have their
    commands on the link once it is registered. `met` hears of the link when there is a connection,
    before anything is said on it.
    Raises Unreachable, TurnedAway, ChannelMismatch, WrongSecret, WrongVersion, WrongInstance,
    whatever `commands.Register` declares, LinkLost, DeadlineExceeded and whatever else `Link.call`
    raises.
    """

    async def attempt() -> Session:
        await _connect(link, endpoint)
        try:
            met(link)
            await link.opened
            offer = handshake.offer(identity, nonce(), binding(link.channel))
            welcome, key = await _enter(link, *offer, introduction)
        except BaseException as error:  # cancelled too: nothing half-joined stays
            link.abort(f"not joined: {error}")
            raise
        session = Session(link, ground.clock, welcome, key)
        orders = Orders(duties, session)  # in this turn: the first may follow the welcome
        link.locator = extended(orders, at_rack(extensions), session.peer)
        return session

    # a region to which a thousand racks come back takes its time, and who begins anew waits again
    link = Link(ground, lambda _: amp.CommandLocator(), patience=deadline)
    if tls:
        endpoint = SecureEndpoint(endpoint, ground.clock)
    return await within(deadline, ground.clock, "join", ensureDeferred(attempt()))


async def _connect(link: Link, endpoint: IStreamClientEndpoint) -> None:
    try:
        await connectProtocol(endpoint, link)
    except (ConnectError, DNSLookupError) as error:
        raise Unreachable(str(error)) from error


async def _enter(
    link: Link,
    offered: handshake.Offered,
    hello: handshake.Hello,
    introduction: Callable[[], Introduction],
) -> tuple[Welcome, bytes | None]:
    """Give the welcome, and the rack's own key if it had none before."""
    door = RemoteDoor(link)
    proved = await _prove(door, offered, hello)
    link.trust(Alive())
    welcome, sealed = await door.register(introduction())
    return welcome, _own_key(sealed, proved)


async def _prove(
    door: RemoteDoor, offered: handshake.Offered, hello: handshake.Hello
) -> handshake.Trusting:
    proving, proof = _proof(offered, await door.hello(hello))
    match handshake.step(proving, await door.prove(proof)):
        case handshake.Trusting() as trusting, _:
            return trusting
        case handshake.Refusing(error), _:
            raise error
    raise OutOfOrder("Proof")


def _proof(
    offered: handshake.Offered, greeting: handshake.Greeting
) -> tuple[handshake.State, handshake.Proof]:
    match handshake.step(offered, greeting):
        case state, (handshake.Proof() as proof,):
            return state, proof
        case handshake.Refusing(error), _:
            raise error
    raise OutOfOrder("Greeting")


def _own_key(sealed: bytes | None, proved: handshake.Trusting) -> bytes | None:
    if sealed is None:
        return None
    key = unseal(proved.secret, proved.transcript, sealed)
    if key is None:
        raise BadArgument("key", "it does not fit its seal: it was changed on the way; join again")
    return key


class Orders(Alive):
    """What a region may call on a registered rack."""

    def __init__(self, duties: RackDuties, link: Session) -> None:
        self._duties = duties
        self._link = link
        self._worker = link.welcome.worker

    @commands.Own.responder
    async def own(self, epoch: Stamp) -> Answer:
        """Pass it on."""
        return {"report": await self._duties.own(self._worker, epoch)}

    @commands.ConfigureDHCP.responder
    async def configure_dhcp(self, epoch: Stamp, plan: DhcpPlan) -> Answer:
        """Pass it on."""
        return {"report": await self._duties.configure_dhcp(self._worker, epoch, plan)}

    @commands.ResumeDHCP.responder
    async def resume_dhcp(self, epoch: Stamp, orders: tuple[int, ...], by: str) -> Answer:
        """Pass it on."""
        return {"report": await self._duties.resume_dhcp(self._worker, epoch, orders, by)}

    @commands.ChangeHosts.responder
    async def change_hosts(self, epoch: Stamp, generation: Stamp, hosts: str) -> Answer:
        """Pass it on."""
        report = await self._duties.change_hosts(self._worker, epoch, generation, hosts)
        return {"report": report}

    @commands.SettleDHCP6.responder
    async def settle_dhcp6(self, epoch: Stamp) -> Answer:
        """Pass it on."""
        return {"report": await self._duties.settle_dhcp6(self._worker, epoch)}

    @commands.ConfigureDHCP6.responder
    async def configure_dhcp6(self, epoch: Stamp, plan: DhcpPlan) -> Answer:
        """Pass it on."""
        return {"report": await self._duties.configure_dhcp6(self._worker, epoch, plan)}

    @commands.Retire.responder
    async def retire(self, epoch: Stamp) -> Answer:
        """Pass it on."""
        await self._duties.retire(self._worker, epoch)
        return {}

    @commands.Migrate.responder
    async def migrate(self, move: Move) -> Answer:
        """Pass it on."""
        return {"worker": await self._duties.migrate(self._link, move)}

    @commands.LookOut.responder
    async def look_out(self, epoch: Stamp, watches: tuple[Watch, ...]) -> Answer:
        """Pass it on."""
        await self._duties.look_out(self._worker, epoch, watches)
        return {}

    @commands.ProbeNetworks.responder
    async def probe_networks(self, epoch: Stamp, probes: tuple[Probe, ...]) -> Answer:
        """Pass it on."""
        await self._duties.probe_networks(self._worker, epoch, probes)
        return {}
