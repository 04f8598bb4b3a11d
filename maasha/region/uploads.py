"""Ends an upload that is larger than any form, before it takes up memory or disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

PATIENCE = 2.0
"""Seconds in which a client may go on to send, and nothing of it is kept, until the answer has
reached it: closing on unread bytes resets the connection, and many clients then see no answer."""


class BoundedSite(Site):
    """A site whose requests have bodies of at most `largest` bytes."""

    def __init__(
        self,
        root: IResource,
        reactor: IReactorTime,
        largest: int,
        logFormatter: Callable[[str, Request], str] | None = None,
    ) -> None:
        super().__init__(
            root,
            requestFactory=BoundedRequest,
            logFormatter=logFormatter,
            reactor=reactor,
            parsePOSTFormSubmission=False,  # the API reads them: Twisted hangs up on an empty one
        )
        self.clock = reactor
        self.largest = largest
        self.answering = 0
        """Requests that have come whole and have no answer yet."""


class BoundedRequest(Request):
    """A request of a `BoundedSite`: answered with 413 as soon as its body is known to be too large.

    That is when Content-Length says so, or with the first chunk beyond (RFC 9110, 15.5.14).
    """

    _received = 0
    _end: IDelayedCall | None = None

    def gotLength(self, length: int | None) -> None:
        """Take the body's length in bytes; None: it comes in chunks."""
        too_large = length is not None and length > self._site.largest
        super().gotLength(0 if too_large else length)
        if too_large:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, unless it is refused."""
        self._received += len(data)
        if self._end is not None:
            return
        if self._received > self._site.largest:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer a request that has come whole; a refused one has its answer."""
        if self._end is None:
            site = self._site
            site.answering += 1
            self.notifyFinish().addBoth(lambda _: _answered(site))
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Failure) -> None:
        """Forget the client."""
        if self._end is not None and self._end.active():
            self._end.cancel()
        super().connectionLost(reason)

    @property
    def _site(self) -> BoundedSite:
        channel: Any = self.channel  # twisted.web.server gives it a `site`
        site: BoundedSite = channel.site
        return site

    def _refuse(self) -> None:
        site, connection = self._site, cast(ITCPTransport, self.channel.transport)
        words = f"The body is larger than {site.largest} bytes; no form of this API is.\n"
        self.requestHeaders.removeHeader("expect")  # or the channel would ask for the body
        self.channel.write(
            "HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(words)}\r\n\r\n{words}".encode()
        )
        connection.loseWriteConnection()
        self._end = site.clock.callLater(PATIENCE, connection.abortConnection)


def _answered(site: BoundedSite) -> None:
    site.answering -= 1
