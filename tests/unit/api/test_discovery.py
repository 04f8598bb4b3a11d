"""Racks find the workers by MAAS's listing, which tells their loads besides."""

from __future__ import annotations

from maasha.api.discovery import event_loops_json
from maasha.model.cluster import Endpoint, EventLoop


def test_event_loops() -> None:
    """Workers are listed by name with MAAS's pairs of address and port."""
    found = (
        EventLoop("b:pid=2", (Endpoint("::1", 5251),), 2 / 3),
        EventLoop("a:pid=1", (Endpoint("10.0.0.1", 5250),)),
    )
    assert event_loops_json(found) == {
        "eventloops": {"a:pid=1": [["10.0.0.1", 5250]], "b:pid=2": [["::1", 5251]]},
        "loads": {"a:pid=1": 0.0, "b:pid=2": 0.667},
    }
    assert event_loops_json(()) == {"eventloops": {}, "loads": {}}


def test_a_shared_address_stays() -> None:
    """An address behind which two regions hide is dropped from neither."""
    shared = (Endpoint("192.0.2.1", 5250),)
    listed = event_loops_json((EventLoop("a:pid=1", shared), EventLoop("b:pid=1", shared)))
    assert listed["eventloops"] == {
        "a:pid=1": [["192.0.2.1", 5250]],
        "b:pid=1": [["192.0.2.1", 5250]],
    }
