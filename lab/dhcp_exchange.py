"""The client's half of RFC 2131 for many simulated clients behind one interface.

Frames go out by a callable and come in by `Segment.received`; time comes from a clock.  The clients
answer ARP and ping for the addresses they hold, as a kernel would: a server that pings before it
offers must hear them, and a unicast ACK must find them.
"""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import attrs
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from lab.dhcp_wire import EVERYWHERE, MAC, NOWHERE, Kind, Message, Option, encode, parse
from lab.frames import BROADCAST, Datagram, answer, asked_for, encode_datagram, parse_datagram
from lab.lease import Errand, Lease, NoLease, Wish, utc

CLIENT_PORT, SERVER_PORT = 68, 67

WANTED = bytes((1, 3, 6, 12, 15, 28, 42, 51, 54, 58, 59, 60, 66, 67))
"""The options a client asks for, RFC 2132 section 9.8."""


@attrs.frozen
class Reply:
    """A server's message, the station it came from, and when."""

    message: Message
    station: MAC
    monotonic: float
    wall: float


@attrs.define(eq=False)
class Segment:
    """The Ethernet the clients are on, and what they hold there.

    `clock` waits, `monotonic` measures, `wall` says the time of day in seconds since 1970.
    """

    _send: Callable[[bytes], None]
    clock: IReactorTime
    monotonic: Callable[[], float]
    _wall: Callable[[], float]
    _waiting: dict[tuple[int, MAC], Deferred[Reply]] = attrs.field(factory=dict)
    _held: dict[IPv4Address, tuple[MAC, float]] = attrs.field(factory=dict)

    def send(self, datagram: Datagram) -> None:
        """Put a datagram on the wire."""
        self._send(encode_datagram(datagram))

    def reply(self, xid: int, chaddr: MAC, timeout: float) -> Deferred[Reply]:
        """Fire with the next server's message of an exchange, or fail with TimeoutError."""
        waiting = self._waiting[xid, chaddr] = Deferred()

        def forget(result: Reply | Failure) -> Reply | Failure:
            del self._waiting[xid, chaddr]
            return result

        return waiting.addTimeout(timeout, self.clock).addBoth(forget)

    def received(self, frame: bytes) -> None:
        """Take a frame from the wire; whatever concerns no client is ignored."""
        probed = asked_for(frame)
        if probed is not None:
            self._probe(frame, probed)
            return
        datagram = parse_datagram(frame)
        if datagram is None or datagram.target_port != CLIENT_PORT:
            return
        message = parse(datagram.payload)
        if message is None or not message.kind.from_server:
            return
        waiting = self._waiting.get((message.xid, message.chaddr))
        if waiting is not None:
            times = (self.monotonic(), self._wall())
            waiting.callback(Reply(message, datagram.source_mac, *times))

    def hold(self, lease: Lease) -> None:
        """Answer for a lease's address until it ends."""
        self._held[lease.ip] = (lease.chaddr, self.monotonic() + lease.seconds)

    def drop(self, chaddr: MAC) -> None:
        """Answer for no address of this client any more."""
        self._held = {ip: held for ip, held in self._held.items() if held[0] != chaddr}

    def _probe(self, frame: bytes, probed: IPv4Address) -> None:
        holder, until = self._held.get(probed, (None, 0.0))
        if holder is not None and self.monotonic() < until:
            self._send(answer(frame, holder))


@attrs.define(eq=False)
class Client:
    """One client with one errand to run."""

    _segment: Segment
    _errand: Errand
    _xids: Iterator[int]
    _began: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start the errand's clock."""
        self._began = self._segment.monotonic()

    async def run(self) -> Lease | None:
        """Run the errand; None after RELEASE and LEAVE.  Raise `NoLease`."""
        match self._errand.wish:
            case Wish.ACQUIRE:
                return self._keep(await self._acquire())
            case Wish.REBOOT | Wish.RENEW | Wish.REBIND:
                return self._keep(await self._extend())
            case Wish.RELEASE:
                self._release()
                return None
            case Wish.LEAVE:
                self._segment.drop(self._errand.chaddr)
                return None

    async def _acquire(self) -> Reply:
        """Ask until a server has confirmed what one has offered; a NAK starts over."""
        while True:
            xid = next(self._xids)
            offer = await self._ask(xid, self._discover, Kind.OFFER, self._left())
            offered = offer.message

            def request(xid: int, offered: Message = offered) -> Datagram:
                server = offered.option(Option.SERVER_ID) or b""
                chosen = ((int(Option.SERVER_ID), server), _requested(offered.yiaddr))
                return self._broadcast(self._message(Kind.REQUEST, xid, *chosen))

            patience = self._errand.patience
            try:
                reply = await self._ask(
                    xid, request, Kind.ACK, min(self._left(), patience.resend * patience.requests)
                )
            except NoLease:
                if self._left() <= 0:
                    raise
                continue
            return reply

    async def _extend(self) -> Reply:
        """Ask for the address the client has; a NAK is final."""
        return await self._ask(next(self._xids), self._again, Kind.ACK, self._left())

    async def _ask(
        self, xid: int, question: Callable[[int], Datagram], wanted: Kind, total: float
    ) -> Reply:
        """Send a question again and again; raise `NoLease` on a NAK or when `total` is over."""
        deadline = self._segment.monotonic() + total
        while (left := deadline - self._segment.monotonic()) > 0:
            self._segment.send(question(xid))
            try:
                reply = await self._await(xid, wanted, min(left, self._errand.patience.resend))
            except TimeoutError:
                continue
            if reply.message.kind is wanted:
                return reply
            raise self._failed(refused=True, message=f"NAK from {reply.message.server_id}")
        raise self._failed(refused=False, message=f"no {wanted.name}")

    async def _await(self, xid: int, wanted: Kind, timeout: float) -> Reply:
        """Return the wanted reply or a NAK; late OFFERs of other servers are passed over."""
        deadline = self._segment.monotonic() + timeout
        while (left := deadline - self._segment.monotonic()) > 0:
            reply = await self._segment.reply(xid, self._errand.chaddr, left)
            if reply.message.kind in (wanted, Kind.NAK):
                return reply
        raise TimeoutError

    def _discover(self, xid: int) -> Datagram:
        return self._broadcast(self._message(Kind.DISCOVER, xid))

    def _again(self, xid: int) -> Datagram:
        """Make the REQUEST of a client that has an address, RFC 2131 section 4.3.2."""
        lease = self._lease()
        if self._errand.wish is Wish.REBOOT:
            return self._broadcast(self._message(Kind.REQUEST, xid, _requested(lease.ip)))
        message = attrs.evolve(self._message(Kind.REQUEST, xid), ciaddr=lease.ip)
        if self._errand.wish is Wish.RENEW:
            return self._unicast(message, lease)
        return attrs.evolve(self._broadcast(message), source=lease.ip)

    def _release(self) -> None:
        lease = self._lease()
        server = (int(Option.SERVER_ID), lease.server.packed)
        bare = Message(Kind.RELEASE, next(self._xids), lease.chaddr, options=(server,))
        self._segment.send(self._unicast(attrs.evolve(bare, ciaddr=lease.ip), lease))
        self._segment.drop(lease.chaddr)

    def _message(self, kind: Kind, xid: int, *more: tuple[int, bytes]) -> Message:
        secs = self._errand.secs
        if secs is None:
            secs = int(self._segment.monotonic() - self._began)
        options = (*more, (int(Option.WANTED), WANTED), *self._errand.options)
        return Message(kind, xid, self._errand.chaddr, secs=secs, options=options)

    def _broadcast(self, message: Message) -> Datagram:
        stations = (message.chaddr, BROADCAST, NOWHERE, EVERYWHERE)
        return Datagram(*stations, CLIENT_PORT, SERVER_PORT, encode(message))

    def _unicast(self, message: Message, lease: Lease) -> Datagram:
        stations = (lease.chaddr, lease.server_mac, lease.ip, lease.server)
        return Datagram(*stations, CLIENT_PORT, SERVER_PORT, encode(message))

    def _keep(self, reply: Reply) -> Lease:
        message = reply.message
        lease = Lease(
            wish=self._errand.wish,
            chaddr=message.chaddr,
            ip=message.yiaddr,
            server=message.server_id or NOWHERE,
            server_mac=reply.station,
            seconds=message.seconds(Option.LEASE_TIME) or 0,
            acked_at=utc(reply.wall),
            monotonic=reply.monotonic,
            latency=reply.monotonic - self._began,
            next_server=message.siaddr,
            boot_file=message.file.decode(errors="replace"),
            options=message.options,
        )
        self._segment.hold(lease)
        return lease

    def _lease(self) -> Lease:
        assert self._errand.lease is not None, f"{self._errand.wish} needs a lease"
        return self._errand.lease

    def _left(self) -> float:
        return self._began + self._errand.patience.total - self._segment.monotonic()

    def _failed(self, *, refused: bool, message: str) -> NoLease:
        waited = self._segment.monotonic() - self._began
        return NoLease(self._errand.chaddr, waited, refused, message)


def _requested(address: IPv4Address) -> tuple[int, bytes]:
    return int(Option.REQUESTED_ADDRESS), address.packed
