"""The least that asks for a page: what a caller spends on its client is not the region's."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from maasha.rack.discovery import Reply


class Page(Protocol):
    """One request of HTTP/1.0, and its reply."""

    def __init__(self, question: bytes) -> None:
        self.reply: Deferred[Reply] = Deferred()
        self._question = question
        self._heard = b""

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(self._question)

    def dataReceived(self, data: bytes) -> None:
        """Listen to the end."""
        self._heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give what was said, all or nothing."""
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if self.reply.called:
            return
        if found and reason.check(ConnectionDone):
            self.reply.callback(Reply(int(head.split()[1]), body))
        else:
            self.reply.errback(reason)


def page(
    endpoint: IStreamClientEndpoint, host: str, path: str, headers: Mapping[str, str] | None = None
) -> Deferred[Reply]:
    """GET a path; fails with what the connection fails with."""
    lines = [f"GET {path} HTTP/1.0", f"Host: {host}"]
    lines += [f"{name}: {text}" for name, text in (headers or {}).items()]
    asking = Page("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    connecting: Deferred[Page] = connectProtocol(endpoint, asking)
    return connecting.addCallback(lambda _: asking.reply)
