"""What a worker answers on the API's port before and after it knows its instance."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site
from twisted.web.util import Redirect

PREFIX = b"MAAS"
RETRY_AFTER = b"2"
"""Seconds."""


class NotReady(Resource):
    """Answers 503 to everything."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """Say when to come again."""
        request.setResponseCode(503)
        request.setHeader(b"Retry-After", RETRY_AFTER)
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return b"The region has no database yet; try again in 2 seconds.\n"


class Entrance:
    """The site on port 5240: `/MAAS/` leads to the API as soon as `open` was called."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._root = Resource()
        self._root.putChild(b"", Redirect(b"/MAAS/"))
        self._root.putChild(PREFIX, NotReady())
        # the API reads bodies itself: Twisted hangs up on an empty multipart one
        self.site = Site(self._root, reactor=reactor, parsePOSTFormSubmission=False)

    def open(self, api: IResource) -> None:
        """Put the API in place."""
        self._root.putChild(PREFIX, api)
