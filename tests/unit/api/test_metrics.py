"""Prometheus is answered without a login, and many who ask cost no more than one."""

from __future__ import annotations

from treq.client import HTTPClient
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from maasha.api.metrics import FRESH, MetricsPage

TYPE = "text/plain; version=1.0.0; charset=utf-8"
URL = "http://region:5240/metrics"


class MetricsTests(SynchronousTestCase):
    """The page over figures that come when the test says so."""

    def setUp(self) -> None:
        """Make it."""
        self.clock = Clock()
        self.looks: list[Deferred[bytes]] = []
        self.root = Resource()
        self.root.putChild(b"metrics", MetricsPage(self.clock, self.look, TYPE))
        self.agent = RequestTraversalAgent(self.root)
        self.client = HTTPClient(self.agent)

    async def look(self) -> bytes:
        """Wait for the figures."""
        self.looks.append(Deferred())
        return await self.looks[-1]

    def found(self, figures: bytes | Exception) -> None:
        """Let the last look have come to its end."""
        looking = self.looks[-1]
        if isinstance(figures, Exception):
            looking.errback(figures)
        else:
            looking.callback(figures)
        self.agent.flush()

    def test_answer(self) -> None:
        """The text has its content type, and nobody keeps it."""
        asking = self.client.get(URL)
        self.found(b"maasha_links 2\n")
        response = self.successResultOf(asking)
        assert self.successResultOf(response.text()) == "maasha_links 2\n"
        assert response.headers.getRawHeaders("content-type") == [TYPE]
        assert response.headers.getRawHeaders("cache-control") == ["no-store"]

    def test_shared(self) -> None:
        """Who asks meanwhile, or within half a second, is told the same."""
        asking = [self.client.get(URL) for _ in range(3)]
        assert len(self.looks) == 1
        self.found(b"1\n")
        assert [self.successResultOf(each).code for each in asking] == [200] * 3
        self.successResultOf(self.client.get(URL))
        self.clock.advance(FRESH)
        self.client.get(URL)
        assert len(self.looks) == 2

    def test_failed(self) -> None:
        """A fault of ours is a 500, and the log has the rest."""
        asking = self.client.get(URL)
        self.found(ZeroDivisionError("the secret is s"))
        response = self.successResultOf(asking)
        text = self.successResultOf(response.text())
        assert (response.code, "secret" in text) == (500, False)
        assert len(self.flushLoggedErrors(ZeroDivisionError)) == 1

    def test_methods_and_paths(self) -> None:
        """It is read, and has nothing below."""
        assert self.successResultOf(self.client.post(URL)).code == 405
        assert self.successResultOf(self.client.get(URL + "/x")).code == 404

    def test_gone(self) -> None:
        """Who went away stops nothing, and nothing is written to him."""
        protocol, transport = Site(self.root).buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /metrics HTTP/1.0\r\n\r\n")
        protocol.connectionLost(Failure(ConnectionDone()))
        self.found(b"1\n")
        assert transport.value() == b""
