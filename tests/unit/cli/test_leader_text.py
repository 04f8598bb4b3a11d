"""What people read of the leader, of what waits, and of how even it was."""

from __future__ import annotations

import pytest
from hypothesis import given

from maasha.cli.leader_text import (
    COLUMNS,
    MOST,
    history_text,
    instant,
    leader_text,
    stops_text,
    waiting_text,
    wrapped,
)
from tests.unit.cli.test_shape import json_values

SINCE = "2026-01-02T12:00:00.123456+00:00"
LEADER = {
    "worker": "region-1/0",
    "since": SINCE,
    "state": "is ready",
    "settled": True,
    "evening": {"links": False, "owners": False},
}


def test_instants() -> None:
    """As people write them, in UTC; what is none stays."""
    assert instant(SINCE) == "2026-01-02 12:00:00 UTC"
    assert instant("2026-01-02T12:00:00+02:00") == "2026-01-02 10:00:00 UTC"
    assert [instant(word) for word in ("", "16:00", "2026-01-02")] == ["", "16:00", "2026-01-02"]


def test_long_sentences_are_broken() -> None:
    """For 80 columns; one sees where the next one begins."""
    first, *more = wrapped("word " * 40).split("\n")
    assert len(first) <= COLUMNS
    assert more
    assert all(line.startswith("  word") and len(line) <= COLUMNS for line in more)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, "is ready"),
        ({"state": "holds still"}, "holds still"),
        (
            {"state": "evens", "evening": {"links": True, "owners": True}},
            "evens links and owners",
        ),
        ({"state": "evens", "evening": {"owners": True}}, "evens owners"),
    ],
)
def test_the_leader(change: dict[str, object], shown: str) -> None:
    """Who it is, since when, and what it is about."""
    placement = {"leader": LEADER | change}
    assert leader_text(placement) == f"Leader: region-1/0 since 2026-01-02 12:00:00 UTC, {shown}"


def test_nobody_leads() -> None:
    """Then nothing is begun; a region of an older version does not say who does."""
    assert leader_text({"leader": None}).startswith("Leader: none that has looked yet; nothing is")
    assert leader_text({}) == ""


def test_what_stops_it() -> None:
    """Each reason in a sentence; that members come and go is one."""
    unsettled = LEADER | {"settled": False, "unsettled_since": SINCE}
    shown = stops_text({"stops": ["paused", "the leader is new"], "leader": unsettled})
    assert shown == (
        "Nothing but drains is begun now:\n"
        "- paused\n"
        "- the leader is new\n"
        "- racks or workers come and go since 2026-01-02 12:00:00 UTC"
    )
    assert stops_text({"leader": LEADER}) == ""


def test_racks_that_wait() -> None:
    """The first ones one by one, and how many more."""
    waiting = [{"reason": f"rack {number} stays"} for number in range(MOST + 2)]
    two = "Left as they are for now:\n- rack 0 stays\n- rack 1 stays"
    assert waiting_text({"waiting": waiting[:2]}) == two
    last = waiting_text({"waiting": waiting}).split("\n")[-1]
    assert last.startswith("- 2 more racks, see: ")
    assert waiting_text({}) == ""


def test_the_history() -> None:
    """The newest first, and where older notes are."""
    noted = {"at": SINCE, "ratio": 1.25, "links": 10, "workers": 4}
    page = {"history": [noted], "next_uri": None}
    assert history_text(page) == (
        "FROM                     FULLEST TO MEAN  LINKS  WORKERS\n"
        "2026-01-02 12:00:00 UTC  1.25             10     4"
    )
    assert history_text(page | {"next_uri": "/MAAS/..."}).endswith(f"history before={SINCE}")
    assert history_text({"history": []}) == "Nothing was noted yet"


@given(json_values)
def test_any_answer_is_shown(value: object) -> None:
    """An answer of another shape never makes the command fail."""
    for key in ("leader", "stops", "waiting", "history", "next_uri"):
        for what in ({key: value}, {key: [value, {}]}, {key: {"since": value, "evening": value}}):
            assert isinstance(leader_text(what) + stops_text(what) + waiting_text(what), str)
            assert history_text(what)
