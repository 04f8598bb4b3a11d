"""The API's port answers from the first moment: 503 until the worker has its database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.web import pages
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from maasha.region.web import Entrance
from tests.unit.rpc.parts import Listener


class Api(Resource):
    """Answers with its path."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        return b"the API at " + b"/".join(request.postpath or ())


class Metrics(Resource):
    """Needs no database, and has nothing below."""

    def getChild(self, _path: bytes, _request: Request) -> IResource:
        """Answer 404."""
        return pages.notFound()

    def render_GET(self, _: Request) -> bytes:
        """Answer."""
        return b"maasha_links 2\n"


@pytest.fixture
def entrance() -> Entrance:
    """Give an entrance that is not open yet."""
    return Entrance(Clock(), 1000, Metrics())


def get(entrance: Entrance, path: str) -> str:
    """Ask over a connection in memory; give the whole answer."""
    protocol = entrance.site.buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    answer: bytes = transport.value()
    return answer.decode()


@pytest.mark.parametrize("path", ["/MAAS/", "/MAAS/api/2.0/version/", "/MAAS/rpc/"])
def test_before_there_is_a_database_the_answer_is_503(entrance: Entrance, path: str) -> None:
    """With the time to come again, for programs and for people."""
    answer = get(entrance, path)
    assert answer.startswith("HTTP/1.0 503 ")
    assert "\r\nRetry-After: 2\r\n" in answer
    assert "try again in 2 seconds" in answer


def test_then_the_api_answers(entrance: Entrance) -> None:
    """On the same port, without a new process."""
    entrance.open(Api())
    assert get(entrance, "/MAAS/api/2.0/version/").endswith("the API at api/2.0/version/")


def test_metrics_are_there_before_and_after(entrance: Entrance) -> None:
    """They need no database; below them is nothing."""
    assert get(entrance, "/MAAS/metrics").endswith("maasha_links 2\n")
    entrance.open(Api())
    assert get(entrance, "/MAAS/metrics").endswith("maasha_links 2\n")
    assert get(entrance, "/MAAS/metrics/x").startswith("HTTP/1.0 404 ")


def test_the_prefix_alone_leads_to_the_api(entrance: Entrance) -> None:
    """With the slash and without it."""
    assert get(entrance, "/MAAS").startswith("HTTP/1.0 503 ")
    entrance.open(Api())
    assert get(entrance, "/MAAS").endswith("the API at ")
    assert get(entrance, "/MAAS/").endswith("the API at ")


def test_the_root_leads_to_the_api(entrance: Entrance) -> None:
    """A host name in a browser is enough."""
    answer = get(entrance, "/")
    assert answer.startswith("HTTP/1.0 302 ")
    assert "/MAAS/" in answer


def test_other_paths_are_not_there(entrance: Entrance) -> None:
    """Nothing else is served."""
    assert get(entrance, "/etc/passwd").startswith("HTTP/1.0 404 ")


def test_the_access_log_has_the_date(entrance: Entrance) -> None:
    """Though the reactor's own time has nothing to do with it."""
    listener = Listener()
    globalLogPublisher.addObserver(listener)
    entrance.site.doStart()
    try:
        get(entrance, "/")
    finally:
        entrance.site.doStop()
        globalLogPublisher.removeObserver(listener)
    (line,) = [line for line in listener.lines if '"GET / ' in line]
    assert datetime.now(UTC).strftime("[%d/%b/%Y:%H:") in line
