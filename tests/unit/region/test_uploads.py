"""A body that is too large is refused on a real socket, before it has been sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_twisted
from twisted.internet import reactor as installed
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, DeferredQueue, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IHalfCloseableProtocol, IListeningPort, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock, LoopingCall
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from maasha.region.uploads import PATIENCE, BoundedSite
from tests.asynchronous import asynchronous

LARGEST = 200_000
"""Bytes; above 100,000 Twisted writes a body to the disk."""
TIMEOUT = 5.0
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
CHUNK = b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000)


class Counting(Resource):
    """Answers with the length of the body."""

    isLeaf = True

    def render_POST(self, request: Request) -> bytes:
        """Answer."""
        assert request.content is not None
        return b"%d bytes" % len(request.content.read())


class Slow(Resource):
    """Answers when a test does."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: DeferredQueue[None] = DeferredQueue()
        self.requests: list[Request] = []
        self.lost: Deferred[None] = Deferred()

    def render_GET(self, request: Request) -> int:
        """Wait."""
        self.requests.append(request)
        request.notifyFinish().addErrback(lambda _: self.lost.callback(None))
        self.asked.put(None)
        return NOT_DONE_YET


@implementer(IHalfCloseableProtocol)
class Client(Protocol):
    """Collects what it is told; goes on to send when the other side has nothing more to say."""

    transport: ITCPTransport

    def __init__(self) -> None:
        self.heard = b""
        self.answered: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Collect."""
        self.heard += data

    def readConnectionLost(self) -> None:
        """Note that the answer is complete."""
        self.answered.callback(None)

    def writeConnectionLost(self) -> None:
        """Never happens: the client does not close its half."""

    def connectionLost(self, _reason: Failure) -> None:  # type: ignore[override]
        """Note the end."""
        if not self.answered.called:
            self.answered.callback(None)
        self.ended.callback(None)


@pytest.fixture
def clock() -> Clock:
    """Give the clock by which the site's patience ends."""
    return Clock()


@pytest.fixture
def reactor() -> EPollReactor:
    """Give the real one."""
    assert isinstance(installed, EPollReactor)
    return installed


@pytest.fixture
def port(reactor: EPollReactor, clock: Clock) -> Iterator[IListeningPort]:
    """Listen on the loopback."""
    site = BoundedSite(Counting(), clock, LARGEST)
    listening = reactor.listenTCP(0, site, interface="127.0.0.1")
    yield listening
    pytest_twisted.blockon(listening.stopListening())


async def talk(reactor: EPollReactor, port: IListeningPort, *pieces: bytes) -> Client:
    """Send the pieces; gives the client when it has the whole answer."""
    where = port.getHost()
    assert isinstance(where, IPv4Address)
    client: Client = await connectProtocol(
        TCP4ClientEndpoint(reactor, where.host, where.port), Client()
    )
    for piece in pieces:
        client.transport.write(piece)
    await client.answered.addTimeout(TIMEOUT, reactor)
    return client


async def leave(reactor: EPollReactor, client: Client) -> None:
    """Close the client's side as well."""
    client.transport.abortConnection()
    await client.ended.addTimeout(TIMEOUT, reactor)


@asynchronous
async def test_a_length_beyond_the_limit_is_refused_at_once(
    reactor: EPollReactor, port: IListeningPort
) -> None:
    """The answer comes although not a byte of the body was sent, and nobody asks for one."""
    expecting = b"Expect: 100-continue\r\nContent-Length: 9000000000\r\n\r\n"
    client = await talk(reactor, port, HEAD + expecting)
    assert client.heard.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 200000 bytes" in client.heard
    assert b"100 Continue" not in client.heard
    await leave(reactor, client)


@asynchronous
async def test_a_site_knows_how_many_answers_it_owes(reactor: EPollReactor, clock: Clock) -> None:
    """A request counts from when it has come whole until its answer, or its client's end."""
    slow = Slow()
    site = BoundedSite(slow, clock, LARGEST)
    port = reactor.listenTCP(0, site, interface="127.0.0.1")
    where = port.getHost()
    assert isinstance(where, IPv4Address)
    endpoint = TCP4ClientEndpoint(reactor, where.host, where.port)
    one, other = [await connectProtocol(endpoint, Client()) for _ in range(2)]
    assert site.answering == 0
    for client in (one, other):
        client.transport.write(b"GET / HTTP/1.0\r\n\r\n")
        await slow.asked.get()
    assert site.answering == 2
    slow.requests[0].finish()
    await one.answered.addTimeout(TIMEOUT, reactor)
    assert site.answering == 1
    for client in (one, other):
        await leave(reactor, client)
    await slow.lost.addTimeout(TIMEOUT, reactor)
    assert site.answering == 0
    await maybeDeferred(port.stopListening)


@asynchronous
async def test_chunks_beyond_the_limit_are_refused(
    reactor: EPollReactor, port: IListeningPort
) -> None:
    """With the chunk that is too much, whatever may follow."""
    chunks = (CHUNK,) * 5
    client = await talk(reactor, port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *chunks)
    assert client.heard.startswith(b"HTTP/1.1 413 ")
    await leave(reactor, client)


@asynchronous
async def test_a_client_that_goes_on_is_cut_off(
    reactor: EPollReactor, port: IListeningPort, clock: Clock
) -> None:
    """It has time to read the answer, and no more; what it sends meanwhile has no answer."""
    rest = b"x" * (LARGEST + 1)
    client = await talk(reactor, port, HEAD + b"Content-Length: 200001\r\n\r\n", rest)
    assert client.heard.count(b"HTTP/1.1") == 1
    assert not client.ended.called
    clock.advance(PATIENCE)
    going_on = LoopingCall(client.transport.write, b"x")  # only who writes sees a reset
    going_on.clock = reactor
    going_on.start(0.01)
    await client.ended.addTimeout(TIMEOUT, reactor)
    going_on.stop()


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 200000\r\n\r\n", b"x" * LARGEST),
        (b"Transfer-Encoding: chunked\r\n\r\n", CHUNK * 4 + b"0\r\n\r\n"),
    ],
)
@asynchronous
async def test_the_largest_body_is_taken(
    reactor: EPollReactor, port: IListeningPort, framing: bytes, body: bytes
) -> None:
    """Nobody who keeps to the limit sees any of this."""
    client = await talk(reactor, port, HEAD + framing, body)
    assert client.heard.endswith(b"200000 bytes")
    await leave(reactor, client)
