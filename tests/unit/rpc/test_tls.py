"""TLS ties the proofs to the channel: nobody opens it unseen, and nobody takes it away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from OpenSSL import SSL
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from maasha.rpc.binding import bound
from maasha.rpc.errors import (
    ChannelMismatch,
    DeadlineExceeded,
    LinkLost,
    RpcError,
    TurnedAway,
    WrongSecret,
)
from maasha.rpc.ground import Ground
from maasha.rpc.protocol import STRANGER_BYTES
from maasha.rpc.rack_side import JOIN_DEADLINE, Session, join
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.tls import (
    ALERT,
    PLAIN_WORD,
    STRANGER_RAW_BYTES,
    Connections,
    SecureEndpoint,
    SecureFactory,
    secure,
)
from tests.unit.rpc.parts import (
    INTRODUCTION,
    RACK_FACTS,
    REGION_FACTS,
    REGION_PEER,
    REPORT,
    Counter,
    Door,
    Hands,
    House,
    Listener,
    Peer,
    Shut,
    error_of,
    house,
    value_of,
    waits,
)

reactor: Any = global_reactor  # its type depends on the platform
HUGE_HELLO = b"\x16\3\1\x40\0\1\0\xff\xff"
"""A record of 16 KiB that opens a ClientHello of 64 KiB (RFC 8446, 4 and 5.1)."""


# in memory


def settle(home: House) -> None:
    """Let the handshake's flights cross; TLS writes a turn later."""
    for _ in range(20):
        home.clock.advance(0)
        home.line.pump.flush()


def joined(home: House) -> Deferred[Session]:
    """Let a rack join."""
    joining = home.join()
    settle(home)
    return joining


def knocking(home: House, *words: bytes) -> Peer:
    """Send raw bytes to a region with TLS."""
    peer = Peer()
    home.line.attach(peer)
    for word in words:
        home.line.near.write(word)
        settle(home)
    return peer


class Client(Peer):
    """Takes TLS and whatever comes."""

    trusted = True


def test_both_ends_have_the_same_binding_and_no_other_link_has_it() -> None:
    """32 bytes of TLS 1.3's exporter; plain TCP has none."""
    bindings = []
    for home in (house(tls=True), house(tls=True)):
        session = value_of(joined(home))
        ends = session._link.channel, home.door.racks[0]._link.channel
        here, there = (bound(end) for end in ends)
        assert here == there
        assert len(here) == 32
        assert ends[0].getHandle().get_protocol_version() == SSL.TLS1_3_VERSION  # type: ignore[attr-defined]
        bindings.append(here)
    assert bindings[0] != bindings[1]
    assert bound(value_of(house().join())._link.channel) == b""


def test_a_region_that_never_answers_the_hello_of_tls_costs_a_rack_its_deadline() -> None:
    """The channel is part of joining; a rack is more patient than a region is with strangers."""
    home = house(tls=True)
    home.line.far = Peer()
    joining = joined(home)
    home.line.advance(JOIN_DEADLINE - 0.1)
    assert waits(joining)
    home.line.advance(0.2)
    assert isinstance(error_of(joining), DeadlineExceeded)


def test_a_region_that_hangs_up_before_tls_has_turned_the_rack_away() -> None:
    """So does one whose gate is shut: it closes before it spends anything."""
    home = house(tls=True)
    home.line.far = Shut()
    assert isinstance(error_of(joined(home)), TurnedAway)


def test_who_asks_too_late_for_a_channel_hears_why_there_is_none() -> None:
    """`opened` may be looked at before, after and instead of success."""
    home = house(tls=True)
    session = value_of(joined(home))
    assert value_of(session._link.opened) is None
    session.abort("enough")
    settle(home)
    assert isinstance(error_of(session._link.opened), LinkLost)


def test_a_rack_with_tls_names_a_region_without() -> None:
    """And the region names it too; neither falls back."""
    home = house(tls=True)
    home.line.far = home.factory
    error = error_of(joined(home))
    assert isinstance(error, ChannelMismatch)
    assert (error.ours, error.theirs) == ("TLS", "plain TCP")
    assert "rpc_tls" in str(error)


def test_a_rack_without_tls_names_a_region_with_it() -> None:
    """Not a word of the handshake has been said."""
    home = house(tls=True)
    home.tls = False
    error = error_of(joined(home))
    assert isinstance(error, ChannelMismatch)
    assert (error.ours, error.theirs) == ("plain TCP", "TLS")
    assert home.refused == []


@pytest.mark.parametrize("tls", [True, False])
def test_a_region_names_the_other_channel_in_its_log(tls: bool, logged: Listener) -> None:
    """What it was offered and which key has to be changed."""
    home = house(tls=tls)
    peer = knocking(home, b"\0\4_ask\0\0011" if tls else b"\x16\3\1\0\5hello")
    assert peer.heard == (ALERT if tls else PLAIN_WORD)
    [line] = logged.lines
    assert "write the same rpc_tls in regiond.conf and rackd.conf" in line
    assert ("speaks TLS and the other plain TCP" in line) == tls


def test_what_comes_after_the_wrong_channel_is_not_read(logged: Listener) -> None:
    """The first byte is enough."""
    home = house()
    knocking(home, b"\x16\3\1\0\5hello")
    home.line.distant.protocol.dataReceived(b"\xff" * 100)
    assert len(logged.lines) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((b"GET / HTTP/1.1\r\n\r\n",), "garbage: neither TLS nor AMP"),
        ((HUGE_HELLO, *(b"x" * 4000,) * 5), "garbage: more than 16384 raw bytes"),
        ((b"\x16\3\1\0\5hello",), "TLS failed: "),
    ],
)
def test_garbage_ends_before_it_costs_anything(
    words: tuple[bytes, ...], reason: str, logged: Listener
) -> None:
    """No traceback and no answer but a TLS alert."""
    home = house(tls=True)
    peer = knocking(home, *words)
    assert home.line.near.disconnected or home.line.distant.disconnected
    assert len(peer.heard) <= len(ALERT)
    [line] = logged.lines
    assert reason in line
    assert logged.failures == []


def test_a_stranger_under_tls_may_send_as_little_as_without() -> None:
    """What is counted is what was said, and what was sent too."""
    assert STRANGER_BYTES < STRANGER_RAW_BYTES
    home = house(tls=True)
    client = SecureFactory(Connections(), Factory.forProtocol(Client), home.clock)
    layer = client.buildProtocol(REGION_PEER)
    assert layer is not None
    home.line.attach(layer)
    settle(home)
    layer.write(b"\0\1x\xff\xff" + b"x" * STRANGER_BYTES)
    settle(home)
    assert home.line.distant.disconnected


def test_what_a_stranger_sends_is_decrypted_when_its_turn_comes() -> None:
    """All that came until then at once; nothing where the connection has ended meanwhile."""
    home = house(tls=True)
    peer = Peer()
    home.line.attach(peer)
    hello = client_hello()
    for start in range(0, len(hello), 100):
        home.line.distant.protocol.dataReceived(hello[start : start + 100])
    assert home.line.distant.stream == []
    settle(home)
    assert peer.heard[:1] == b"\x16"
    gone = house(tls=True)
    gone.line.attach(Peer())
    gone.line.distant.protocol.dataReceived(hello)
    gone.line.distant.abortConnection()
    gone.line.pump.flush()
    gone.clock.advance(0)


def test_what_waits_for_its_turn_is_bounded_too(logged: Listener) -> None:
    """Before a byte of it has been looked at."""
    home = house(tls=True)
    home.line.attach(Peer())
    for _ in range(5):
        home.line.distant.protocol.dataReceived(HUGE_HELLO + b"x" * 4000)
    settle(home)
    assert "garbage: more than 16384 raw bytes" in logged.lines[0]


def client_hello(newest: int = SSL.TLS1_3_VERSION) -> bytes:
    """Give what a client opens with."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(newest)
    client = SSL.Connection(context, None)
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65536)


def test_a_client_of_tls_1_2_is_refused(logged: Listener) -> None:
    """There is nothing older to fall back to."""
    knocking(house(tls=True), client_hello(SSL.TLS1_2_VERSION))
    [line] = logged.lines
    assert "TLS failed: unsupported protocol" in line


# over real TCP, with somebody in between


class End(Protocol):
    """One end of whoever is in the middle; keeps what it hears."""

    trusted = True  # to the TLS below

    def __init__(self, listening: Middle) -> None:
        self.middle = listening
        self.other: Deferred[End] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Pass it on in the clear."""
        self.middle.heard.append(data)
        self.other.addCallback(lambda end: end.pass_on(data))

    def pass_on(self, data: bytes) -> End:
        """Send it."""
        assert self.transport is not None
        self.transport.write(data)
        return self

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Close the other side too."""
        self.other.addCallback(End.close)

    def close(self) -> End:
        """End it."""
        assert self.transport is not None
        self.transport.loseConnection()
        return self


@define(eq=False)
class Middle(Factory):
    """Somebody in between who opens what comes and speaks `onwards` to the region."""

    onwards: Callable[[], IStreamClientEndpoint]
    heard: list[bytes] = field(factory=list)
    noisy = False

    def buildProtocol(self, _: IAddress | None) -> End:
        """Make both ends."""
        near, far = End(self), End(self)
        far.other.callback(near)
        connecting = connectProtocol(self.onwards(), far)
        connecting.addCallback(lambda _: near.other.callback(far))
        return near


@define
class Street:
    """A region, and listeners that end with the test."""

    region_tls: bool
    door: Door = field(factory=Door)
    refused: list[RpcError] = field(factory=list)
    ports: list[Any] = field(factory=list)

    def open(self) -> int:
        """Start the region."""
        factory = RegionFactory(
            Ground(reactor),
            REGION_FACTS,
            self.door,
            Counter(),
            lambda _, error: self.refused.append(error),
        )
        return self.listen(secure(factory, reactor) if self.region_tls else factory)

    def listen(self, factory: object) -> int:
        """Listen somewhere."""
        self.ports.append(reactor.listenTCP(0, factory, interface="127.0.0.1"))
        number: int = self.ports[-1].getHost().port
        return number


def to(port: int, *, tls: bool) -> IStreamClientEndpoint:
    """Lead to a port of this host."""
    plain = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    return SecureEndpoint(plain, reactor) if tls else plain


async def attempt(port: int, *, tls: bool) -> Session:
    """Join by way of whoever listens there."""
    return await join(
        Ground(reactor),
        to(port, tls=False),
        RACK_FACTS,
        lambda: INTRODUCTION,
        Hands(),
        Counter(),
        tls=tls,
    )


Build = Callable[..., Street]


@pytest_twisted.async_yield_fixture
async def build() -> AsyncIterator[Build]:
    """Build streets."""
    streets: list[Street] = []

    def building(*, region_tls: bool) -> Street:
        streets.append(Street(region_tls))
        return streets[-1]

    yield building
    for street in streets:
        for rack in street.door.racks:
            rack.abort("the test is over")
        for port in street.ports:
            await port.stopListening()


Attempt = Coroutine[Any, Any, Session]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("rack", "region"),
    [(True, True), (True, False), (False, True)],
    ids=["opens both", "strips towards the region", "strips towards the rack"],
)
async def test_who_opens_the_channel_gets_nothing(build: Build, rack: bool, region: bool) -> None:
    """Without the secret no proof fits: the bindings differ, or one side has none.

    The rack and the region are each content with the channel they see: only the proof tells.
    """
    street = build(region_tls=region)
    behind = street.open()
    middle = Middle(lambda: to(behind, tls=region))
    before = street.listen(secure(middle, reactor) if rack else middle)
    with pytest.raises(WrongSecret, match="somebody in between") as caught:
        await attempt(before, tls=rack)
    assert caught.value.prover == "rack"
    assert [type(error) for error in street.refused] == [WrongSecret]
    assert street.door.seen == []
    assert not any(RACK_FACTS.secret in word for word in middle.heard)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("rack", [True, False])
async def test_who_passes_bytes_on_is_nobody_in_between(build: Build, rack: bool) -> None:
    """A router, a NAT or a TCP proxy changes nothing."""
    street = build(region_tls=rack)
    behind = street.open()
    before = street.listen(Middle(lambda: to(behind, tls=False)))
    session = await attempt(before, tls=rack)
    await session.remote.report_dhcp(REPORT)
    assert street.door.desk.heard == [REPORT]
    await session.leave()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("rack", [True, False])
async def test_who_takes_tls_away_on_one_side_only_is_named(build: Build, rack: bool) -> None:
    """The side that has TLS meets plain TCP, says so and ends; it never falls back."""
    street = build(region_tls=not rack)
    with pytest.raises(ChannelMismatch) as caught:
        await attempt(street.open(), tls=rack)
    assert caught.value.ours == ("TLS" if rack else "plain TCP")
    assert street.refused == []
    assert street.door.seen == []
