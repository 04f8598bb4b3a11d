"""The log's brake lets one line per source and interval through."""

from __future__ import annotations

from maasha.rpc.seldom import Seldom


def test_one_line_per_source_and_interval() -> None:
    """A source is spoken of again when the interval has passed, others are not held back."""
    seldom = Seldom(interval=60)
    assert [seldom.allows("a", now) for now in (0, 59.9, 60, 60.1)] == [True, False, True, False]
    assert seldom.allows("b", 60.2)


def test_a_flood_of_sources_costs_neither_memory_nor_the_log() -> None:
    """Of more sources than are remembered nobody speaks, until the oldest are over."""
    seldom = Seldom(interval=60, remembered=2)
    assert [seldom.allows(source, 0) for source in "abcd"] == [True, True, False, False]
    assert not seldom.allows("a", 59)
    assert [seldom.allows(source, 60) for source in "cde"] == [True, True, False]
