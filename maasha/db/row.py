"""Rows of an answer, read by column name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import frozen

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Row:
    """One row: `row.name` or `row[0]`; an unknown name is an AttributeError that lists the known.

    Values have Python's own types: int, str, bool, None, aware datetime, UUID, and ipaddress types
    for inet (an address, or an interface if it has a prefix) and cidr (a network).
    """

    __slots__ = ("_columns", "_values")

    def __init__(self, columns: Sequence[str], values: Sequence[Any]) -> None:
        self._columns = columns
        self._values = values

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[self._columns.index(name)]
        except ValueError:
            raise AttributeError(f"no column {name!r} among {', '.join(self._columns)}") from None

    def __getitem__(self, index: int) -> Any:
        return self._values[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __repr__(self) -> str:
        pairs = zip(self._columns, self._values, strict=True)
        return f"Row({', '.join(f'{name}={value!r}' for name, value in pairs)})"


@frozen
class Answer:
    """What a statement gave: its rows, and how many it touched."""

    rows: tuple[Row, ...]
    count: int


def grouped(pairs: Iterable[tuple[K, T]]) -> Mapping[K, tuple[T, ...]]:
    """Gather what belongs to each key, in its order; a key without anything has ()."""
    groups: defaultdict[K, tuple[T, ...]] = defaultdict(tuple)
    for key, value in pairs:
        groups[key] += (value,)
    return groups
