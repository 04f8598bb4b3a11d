"""GET /MAAS/metrics: what Prometheus reads, of all workers of the region.

Everybody is answered, as Prometheus expects: nothing in it names a rack, an address or a secret,
and `rpc/` tells everybody already where the workers are. Many who ask cost no more than one does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import pages
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

from maasha.api.answers import TEXT
from maasha.api.shared import Shared

FRESH = 0.5
"""Seconds for which the same figures may be told again; two Prometheus servers ask within them."""


class MetricsPage(Resource):
    """Gives the text that `look` gives, whose content type is `content_type`."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, look: Callable[[], Awaitable[bytes]], content_type: str
    ) -> None:
        super().__init__()
        self._shared = Shared(clock, look, FRESH)
        self._content_type = content_type

    def getChild(self, _path: bytes, _request: Request) -> IResource:
        """Answer 404: nothing is below."""
        return pages.notFound()

    def render_GET(self, request: Request) -> int:
        """Begin to answer; who went away meanwhile stops nothing that was begun."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def write(found: bytes | Failure) -> None:
            if not gone:
                self._write(request, found)

        answering = Deferred.fromCoroutine(self._shared.get())
        answering.addBoth(write)
        answering.addErrback(lambda failure: self.log.failure("writing failed", failure))
        return NOT_DONE_YET

    def _write(self, request: Request, found: bytes | Failure) -> None:
        content_type, body = self._content_type, found
        if isinstance(body, Failure):
            self.log.failure("no metrics", body)
            request.setResponseCode(500)
            content_type, body = TEXT, b"No metrics; regiond's log says why.\n"
        request.setHeader("Content-Type", content_type)
        request.setHeader("Content-Length", str(len(body)))
        request.setHeader("Cache-Control", "no-store")
        request.write(body)
        request.finish()
