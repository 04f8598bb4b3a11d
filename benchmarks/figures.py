"""Figures of any benchmark over its rounds: which bars they meet, for people and for machines."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.bars import Bar

Row = Sequence[str]
DECIMALS = ((100, 0), (10, 1), (1, 2))
"""From which number on so many are enough."""


@frozen
class Figure:
    """One figure, with a value for each round that gave one."""

    name: str
    values: tuple[float, ...] = ()

    @property
    def median(self) -> float | None:
        """The middle of the rounds, None if there was none."""
        return statistics.median(self.values) if self.values else None

    @property
    def spread(self) -> tuple[float | None, float | None]:
        """The least and the greatest."""
        return (min(self.values), max(self.values)) if self.values else (None, None)


Figures = Mapping[str, Figure]
"""By their names."""


def owed(bars: Iterable[Bar], quick: bool) -> tuple[Bar, ...]:
    """Give the bars that this run has to show."""
    return tuple(bar for bar in bars if bar.quick or not quick)


def short(found: Figures, bars: Iterable[Bar]) -> list[Bar]:
    """Give the bars that are not met; one whose figure is missing is not."""
    return [bar for bar in bars if not bar.met_by(_deciding(found, bar))]


def report(found: Figures, bars: Iterable[Bar]) -> list[dict[str, Any]]:
    """Give one row for each bar for machines to read, in the form that all benchmarks have."""
    return [_reported(bar, _deciding(found, bar)) for bar in bars]


def _deciding(found: Figures, bar: Bar) -> float | None:
    return bar.deciding(found[bar.figure].values) if bar.figure in found else None


def _reported(bar: Bar, value: float | None) -> dict[str, Any]:
    return {
        "name": bar.figure,
        "value": value,
        "unit": bar.unit,
        "peer": bar.peer,
        "ratio": value if bar.unit == "x" else None,
        "bar": str(bar),
        "holds": bar.met_by(value),
    }


def conclude(found: Figures, bars: Sequence[Bar], path: Path | None) -> int:
    """Print the table, write the rows for machines to `path` if given; gives the exit code."""
    if path is not None:
        path.write_text(json.dumps(report(found, bars), indent=1) + "\n")
    missed = short(found, bars)
    sys.stdout.write(f"{table(found, bars)}\n\n{len(bars) - len(missed)} of {len(bars)} bars met\n")
    return 1 if missed else 0


def table(found: Figures, bars: Iterable[Bar]) -> str:
    """Write the figures as a Markdown table that is also easy to read as it is.

    Those with a bar come first, in the order of the bars, also where they were not measured.
    """
    barred = {bar.figure: bar for bar in bars}
    others = [name for name, figure in found.items() if name not in barred and figure.values]
    rows = [_row(found.get(name, Figure(name)), barred.get(name)) for name in [*barred, *others]]
    return columns(("figure", "median", "min", "max", "bar", ""), rows)


def _row(figure: Figure, bar: Bar | None) -> Row:
    spread = [shown(value) for value in (figure.median, *figure.spread)]
    if bar is None:
        return [figure.name, *spread, "", ""]
    met = bar.met_by(bar.deciding(figure.values))
    return [figure.name, *spread, str(bar), "met" if met else "SHORT"]


def columns(head: Row, rows: Iterable[Row]) -> str:
    """Align cells to a Markdown table: the first column to the left, the others to the right."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(_cells(line, widths)) + " |" for line in (head, rule, *rows))


def _cells(line: Row, widths: Sequence[int]) -> list[str]:
    first, *others = zip(line, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]


def shown(value: float | None) -> str:
    """Write a number with three digits that count, or as many as it has before the point."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        return f"{value:.0e}"
    decimals = next((n for least, n in DECIMALS if abs(value) >= least), 3)
    return f"{value:,.{decimals}f}"
