"""The answer of /MAAS/rpc/ is read with care: a bad entry hides no good one."""

from __future__ import annotations

import json

import pytest

from maasha.model.cluster import Endpoint, EventLoop
from maasha.rack.discovery import BadAnswer, Reply, listing, merged, parse, rpc_url

URL = "http://region:5240/MAAS/rpc/"


def test_event_loops_and_their_endpoints_are_read() -> None:
    """Each worker has a name and a list of [address, port]."""
    body = {"eventloops": {"region:pid=7": [["10.0.0.9", 5250], ["fd00::9", 5250]]}}
    (found,) = parse(URL, json.dumps(body).encode())
    assert found.region == "region"
    assert found.endpoints == (Endpoint("10.0.0.9", 5250), Endpoint("fd00::9", 5250))


@pytest.mark.parametrize("body", [b'{"eventloops": null}', b'{"eventloops": {}}'])
def test_no_workers_is_an_answer(body: bytes) -> None:
    """Null and empty both mean: nobody to link to now."""
    assert parse(URL, body) == ()


@pytest.mark.parametrize("status", [502, 503])
def test_a_region_that_starts_names_no_workers(status: int) -> None:
    """A region without its database says 503 in plain text: that is no wrong address."""
    assert listing(URL, Reply(status, b"try again")) == ()


def test_another_status_is_named() -> None:
    """A web server that is no region answers 404."""
    with pytest.raises(BadAnswer, match="404"):
        listing(URL, Reply(404, b"{}"))


def test_a_listing_is_read() -> None:
    """200 carries the endpoints."""
    assert listing(URL, Reply(200, b'{"eventloops": null}')) == ()


def test_a_bad_endpoint_is_skipped() -> None:
    """Entries that are no pairs, and workers that are left without one, are left out."""
    pairs = [["10.0.0.9", 5250], ["10.0.0.9"], 7, ["10.0.0.9", 0], [5250, "10.0.0.9"]]
    body = {"eventloops": {"a:pid=1": pairs, "b:pid=2": [], "c:pid=3": "x"}}
    (found,) = parse(URL, json.dumps(body).encode())
    assert found.endpoints == (Endpoint("10.0.0.9", 5250),)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"eventloops": 5}', b"\xff"])
def test_what_is_no_region_is_named(body: bytes) -> None:
    """A URL that leads elsewhere is refused by name, with the key to mend."""
    with pytest.raises(BadAnswer, match=r"maas_url in rackd\.conf"):
        parse(URL, body)


def test_answers_of_several_regions_are_united() -> None:
    """The same worker told by two regions keeps every endpoint, once."""
    first, second = Endpoint("10.0.0.9", 5250), Endpoint("10.1.0.9", 5250)
    united = merged([(EventLoop("a:pid=1", (first,)),), (EventLoop("a:pid=1", (second, first)),)])
    assert united == (EventLoop("a:pid=1", (first, second)),)


def test_the_listing_is_under_the_region_url() -> None:
    """The URL may end in a slash or not."""
    assert rpc_url("http://region:5240/MAAS") == rpc_url("http://region:5240/MAAS/") == URL


def test_the_loads_are_read() -> None:
    """Where a region tells them; what is no load counts as none."""
    published = {
        name: [["10.0.0.9", 5250]] for name in ("a:pid=1", "b:pid=2", "c:pid=3", "d:pid=4")
    }
    loads: dict[str, object] = {"a:pid=1": 2, "b:pid=2": 0.5, "c:pid=3": -1, "d:pid=4": "much"}
    for told, expected in ((loads, [2.0, 0.5, 0.0, 0.0]), ([], [0.0] * 4)):
        body = json.dumps({"eventloops": published, "loads": told}).encode()
        assert [loop.load for loop in parse(URL, body)] == expected
