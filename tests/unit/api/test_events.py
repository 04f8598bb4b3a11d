from __future__ import annotations

from maasha.api.events import page_json
from maasha.model.event import Event, EventId
from tests.unit.api.samples import NOON

EVENT = Event(EventId(8), NOON, "user:ann", "vlan:7", "vlan.changed", "info", "mtu 1 -> 2")


def test_page() -> None:
    """A page that is not full is the last."""
    assert page_json((EVENT,), 2, None) == {
        "count": 1,
        "events": [
            {
                "id": 8,
                "created": "2026-01-02T12:00:00+00:00",
                "username": "user:ann",
                "subject": "vlan:7",
                "type": "vlan.changed",
                "level": "INFO",
                "description": "mtu 1 -> 2",
                "clears": None,
            }
        ],
        "next_uri": None,
    }


def test_next_page() -> None:
    """A full page leads to the older events, of the same subject."""
    uri = "/MAAS/api/2.0/events/?limit=1&before=8"
    assert page_json((EVENT,), 1, None)["next_uri"] == uri
    assert page_json((EVENT,), 1, "vlan:7")["next_uri"] == f"{uri}&subject=vlan%3A7"
