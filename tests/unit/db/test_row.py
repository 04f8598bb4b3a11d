"""Rows by column name."""

from __future__ import annotations

import pytest

from maasha.db.row import Row


def test_access() -> None:
    """A row is read by name, by position and in order."""
    row = Row(("id", "name"), (7, "rack1"))
    assert (row.id, row.name, row[0], list(row)) == (7, "rack1", 7, [7, "rack1"])
    assert repr(row) == "Row(id=7, name='rack1')"


def test_unknown() -> None:
    """An unknown name is an error that lists the known ones."""
    with pytest.raises(AttributeError, match="no column 'nam' among id, name"):
        _ = Row(("id", "name"), (7, "rack1")).nam


def test_same_name_twice() -> None:
    """Of two columns of one name the first is meant."""
    assert Row(("id", "id"), (1, 2)).id == 1
