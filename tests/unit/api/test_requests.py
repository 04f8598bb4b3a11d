from __future__ import annotations

import pytest
from twisted.web.server import Request
from twisted.web.test.requesthelper import DummyChannel

from maasha.api.errors import BadRequest
from maasha.api.requests import read_request


def request(uri: bytes, method: bytes = b"GET") -> Request:
    """Make a request as Twisted does when its head was read."""
    made = Request(DummyChannel(), False)
    made.method, made.uri = method, uri
    return made


def test_path_and_query() -> None:
    """The path below /MAAS/ is decoded segment by segment, after it was parted at its slashes."""
    asked = read_request(request(b"/MAAS/api/2.0/subnets/10.0.0.0%2F24/?op=x&a=1&a="))
    assert asked.segments == ("api", "2.0", "subnets", "10.0.0.0/24", "")
    assert asked.query == {"op": ["x"], "a": ["1", ""]}
    assert asked.submitted() == {}


def test_origin() -> None:
    """The origin is the one that the client called."""
    made = request(b"/MAAS/")
    assert read_request(made).origin == "http://localhost"
    made.requestHeaders.setRawHeaders("host", ["region:5240"])
    assert read_request(made).origin == "http://region:5240"


def test_head() -> None:
    """HEAD is answered like GET."""
    assert read_request(request(b"/MAAS/", b"HEAD")).method == "GET"


@pytest.mark.parametrize("uri", [b"/MAAS/\xff/", b"/MAAS/?a=%ff", b"/MAAS/%ff/"])
def test_bytes_that_are_no_text(uri: bytes) -> None:
    """A request line that is no text is refused."""
    with pytest.raises(BadRequest):
        read_request(request(uri))
