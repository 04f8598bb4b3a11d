"""The log's brake lets one line per source and interval through."""

from __future__ import annotations

from maasha.rpc.seldom import Seldom


def test_one_line_per_source_and_interval() -> None:
    """A source is spoken of again when the interval has passed, others are not held back."""
    seldom = Seldom(interval=60)
    assert [seldom.allows("a", now) for now in (0, 59.9, 60, 60.1)] == [True, False, True, False]
    assert seldom.allows("b", 0.1)


def test_a_flood_of_sources_costs_no_memory() -> None:
    """Only the newest sources are remembered."""
    seldom = Seldom(interval=60, remembered=2)
    assert all(seldom.allows(source, 0) for source in "abc")
    assert not seldom.allows("c", 1)
    assert seldom.allows("a", 1)
