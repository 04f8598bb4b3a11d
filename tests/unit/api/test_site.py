from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from treq.client import HTTPClient
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from maasha.api.services import ApiServices
from maasha.api.site import make_resource
from maasha.db.notices import Notices
from maasha.db.pool import Pool
from maasha.model.cluster import InstanceId

KEY = {"Authorization": 'OAuth oauth_consumer_key="c", oauth_token="t", oauth_signature="%26s"'}


class Faulty:
    """A pool that fails in a way that nobody foresaw."""

    async def run(self, *_: object, **__: object) -> None:
        """Fail."""
        raise ZeroDivisionError("the secret is s")


def make_site() -> Resource:
    """Make the API over a pool that always fails."""
    pool, notices = cast(Pool, Faulty()), cast(Notices, None)
    services = ApiServices(pool, notices, Clock(), "0.1", InstanceId(UUID(int=1)))
    root = Resource()
    root.putChild(b"MAAS", make_resource(services))
    return root


class SiteTests(SynchronousTestCase):
    """The resource by itself, in memory."""

    def setUp(self) -> None:
        """Make a client."""
        self.client = HTTPClient(RequestTraversalAgent(make_site()))

    def get(self, path: str, **more: Any) -> tuple[int, str]:
        """GET a path; gives status and text."""
        response = self.successResultOf(self.client.get(f"http://region:5240{path}", **more))
        text: Deferred[str] = response.text()
        return response.code, self.successResultOf(text)

    def test_unforeseen(self) -> None:
        """A fault of ours is a 500 that tells an id, and the log has the rest under that id."""
        status, text = self.get("/MAAS/api/2.0/fabrics/", headers=KEY)
        assert (status, "secret" in text) == (500, False)
        (failure,) = self.flushLoggedErrors(ZeroDivisionError)
        assert "0.000000" in text
        assert "the secret" in str(failure.value)

    def test_root(self) -> None:
        """The root points to the API, with and without its slash."""
        assert self.get("/MAAS/") == self.get("/MAAS")
        assert "/MAAS/api/2.0/" in self.get("/MAAS/")[1]

    def test_unknown_paths(self) -> None:
        """What is not the API is unknown; a missing slash is explained."""
        assert self.get("/MAAS/nope/")[0] == 404
        assert "try /MAAS/api/2.0/describe/" in self.get("/MAAS/api/2.0/describe")[1]
        assert self.get("/MAAS/api/2.0")[0] == 404

    def test_describe(self) -> None:
        """What needs no database works without one."""
        assert self.get("/MAAS/api/2.0/describe/")[0] == 200
        assert self.get("/MAAS/api/2.0/version/")[0] == 200
