"""Spans of time are read as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maasha.model.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("365d", timedelta(days=365)),
    ],
)
def test_a_number_and_its_unit(text: str, span: timedelta) -> None:
    """Seconds, minutes, hours and days."""
    assert parse_duration(text) == span


@pytest.mark.parametrize("text", ["", "0s", "366d", "1", "h", "1.5h", "-1h", "1w", "1h30m"])
def test_anything_else_is_refused(text: str) -> None:
    """The reason shows how to write it."""
    with pytest.raises(ValueError, match="write it as 30m, 1h or 7d"):
        parse_duration(text)
