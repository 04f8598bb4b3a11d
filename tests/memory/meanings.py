"""The list of statements that the database in memory knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import asdict

from tests.memory.rows import Tables

Rows = Sequence[Mapping[str, Any]]
"""By the names of the columns."""
Meaning = Callable[..., Rows | int]
"""Does a statement to the tables, given its parameters; gives its rows, or how many it touched."""
M = TypeVar("M", bound=Meaning)

MEANINGS: dict[str, Meaning] = {}
NOTHING: Mapping[str, Any] = {}
"""A row without columns: that there is one says it all."""


def means(*statements: str) -> Callable[[M], M]:
    """Note what statements mean; each of them has one meaning."""

    def noted(meaning: M) -> M:
        for text in statements:
            if text in MEANINGS:
                raise ValueError(f"a second meaning of {text}")
            MEANINGS[text] = meaning
        return meaning

    return noted


def columns(row: Any) -> dict[str, Any]:
    """Give a row's columns: `select *`."""
    return asdict(row, recurse=False)


def there(found: object) -> Rows:
    """Answer whether there is such a row."""
    return [NOTHING] if found else []


def several(rows: Sequence[Any]) -> Rows:
    """Give rows with all their columns."""
    return [columns(row) for row in rows]


def silent(statement: str) -> None:
    """Note a statement that nobody else is there to see: a lock, a note to another table."""

    @means(statement)
    def _(_tables: Tables, *_parameters: object, **_named: object) -> Rows:
        return []
