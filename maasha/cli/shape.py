"""Reads JSON that others made: what is missing or of another type is empty, never a crash."""

from __future__ import annotations

from collections.abc import Mapping

Record = Mapping[str, object]


def record(value: object) -> Record:
    """Give a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def records(value: object) -> tuple[Record, ...]:
    """Give the objects of a JSON list."""
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, dict))


def text(value: object) -> str:
    """Give a text; a number as its digits, anything else as nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def texts(value: object) -> tuple[str, ...]:
    """Give the texts of a JSON list."""
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def flag(value: object) -> bool:
    """Give a truth value; anything but `true` is false."""
    return value is True
