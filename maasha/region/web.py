"""What a worker answers on the API's port before and after it knows its instance."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.web import pages
from twisted.web.http import combinedLogFormatter, datetimeToLogString
from twisted.web.iweb import IAccessLogFormatter
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request
from twisted.web.util import Redirect
from zope.interface import provider

from maasha.region.uploads import BoundedSite

PREFIX, METRICS = b"MAAS", b"metrics"
RETRY_AFTER = b"2"
"""Seconds."""


@provider(IAccessLogFormatter)
def dated(_: str, request: Request) -> str:
    """Write a line of the access log; the reactor's time, which Twisted gives, is not the date."""
    line: str = combinedLogFormatter(datetimeToLogString(), request)
    return line


class NotReady(Resource):
    """Answers 503 to everything."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """Say when to come again."""
        request.setResponseCode(503)
        request.setHeader(b"Retry-After", RETRY_AFTER)
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return b"The region has no database yet; try again in 2 seconds.\n"


class Root(Resource):
    """Knows nothing but its children."""

    def getChild(self, _path: bytes, _request: Request) -> IResource:
        """Answer 404."""
        return pages.notFound()


class Prefix(Resource):
    """Everything under /MAAS/: what is always there, and `rest` for all other paths."""

    def __init__(self, rest: IResource) -> None:
        super().__init__()
        self.rest = rest

    def getChild(self, path: bytes, request: Request) -> IResource:
        """Leave the path to the rest as it was."""
        request.prepath = (request.prepath or [])[:-1]
        request.postpath = [path, *(request.postpath or ())]
        return self.rest

    def render(self, request: Request) -> bytes | int:
        """Leave the prefix itself to the rest too."""
        answer: bytes | int = self.rest.render(request)
        return answer


class Entrance:
    """The site on port 5240: `/MAAS/` leads to the API as soon as `open` was called.

    `largest` is how many bytes a request's body may have; `metrics` is there before, for it needs
    no database.
    """

    def __init__(self, reactor: IReactorTime, largest: int, metrics: IResource) -> None:
        self._prefix = Prefix(NotReady())
        self._prefix.putChild(METRICS, metrics)
        root = Root()
        root.putChild(b"", Redirect(b"/MAAS/"))
        root.putChild(PREFIX, self._prefix)
        self.site = BoundedSite(root, reactor, largest, dated)

    def open(self, api: IResource) -> None:
        """Put the API in place."""
        self._prefix.rest = api
