"""From what rounds have measured to figures: medians of same-round ratios, with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from benchmarks.bars import Bar

Round = dict[str, Any]
"""What each system has measured in one round, by the system's name."""


@frozen
class Figure:
    """One figure over all rounds."""

    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float | None:
        """The middle of the rounds, None if there was none."""
        return statistics.median(self.values) if self.values else None


def figures(rounds: list[Round]) -> dict[str, Figure]:
    """Compute every figure that the rounds allow, by name."""
    found = {}
    for name, compute in FORMULAS.items():
        values = tuple(_values(rounds, compute))
        found[name] = Figure(name, values)
    return found


def _values(rounds: list[Round], compute: Callable[[Round], float]) -> Iterator[float]:
    for each in rounds:
        try:
            yield compute(each)
        except KeyError:  # this round did not measure it
            continue


def _faster(phase: str, ours: str, theirs: str) -> Callable[[Round], float]:
    def ratio(each: Round) -> float:
        return float(each[ours][phase]["cps"] / each[theirs][phase]["cps"])

    return ratio


def _cheaper(phase: str, ours: str, theirs: str) -> Callable[[Round], float]:
    def ratio(each: Round) -> float:
        return float(each[theirs][phase]["cpu_us"] / each[ours][phase]["cpu_us"])

    return ratio


def _off_the_fast_path(each: Round) -> float:
    detours = messages = 0
    for name in ("maasha", "maasha fan64", "maasha tls", "maasha tls fan64"):
        path = each.get(name, {}).get("path")
        if path:
            detours += path["detours"]
            messages += path["answered"] + path["served"] + path["detours"]
            calls = sum(found["calls"] for found in each[name].values() if "calls" in found)
            messages_owed = 2 * calls
            detours += max(0, messages_owed - path["answered"] - path["served"])
    return detours / messages if messages else 1.0


SHAPES = {"64 outstanding": "s64", "1 outstanding": "s1", "40 KiB x 1": "b1", "40 KiB x 64": "b64"}

FORMULAS: dict[str, Callable[[Round], float]] = {
    **{f"{shape}, calls/s": _faster(key, "maasha", "stock") for shape, key in SHAPES.items()},
    **{f"{shape}, CPU": _cheaper(key, "maasha", "stock") for shape, key in SHAPES.items()},
    "64 connections x 1, calls/s": _faster("fan", "maasha fan64", "stock fan64"),
    "64 connections x 1, CPU": _cheaper("fan", "maasha fan64", "stock fan64"),
    **{
        f"TLS: {shape}, calls/s": _faster(key, "maasha tls", "stock tls")
        for shape, key in SHAPES.items()
    },
    **{
        f"TLS: {shape}, CPU": _cheaper(key, "maasha tls", "stock tls")
        for shape, key in SHAPES.items()
    },
    "TLS: 64 connections x 1, calls/s": _faster("fan", "maasha tls fan64", "stock tls fan64"),
    "TLS: 64 connections x 1, CPU": _cheaper("fan", "maasha tls fan64", "stock tls fan64"),
    "behind a slow call, p99 ms": lambda each: each["maasha slow"]["slow"]["p99_us"] / 1000,
    "5,000 connections, CPU of stock's": lambda each: (
        each["maasha crowd"]["us_per_beat"] / each["stock crowd"]["us_per_beat"]
    ),
    "5,000 connections, KiB each": lambda each: each["maasha crowd"]["kib"],
    "TLS: 5,000 connections, KiB each": lambda each: each["maasha tls crowd"]["kib"],
    "gRPC aio: 1 outstanding, calls/s": _faster("s1", "maasha", "grpc"),
    "gRPC aio: 64 outstanding, calls/s": _faster("s64", "maasha", "grpc"),
    "asyncio with msgpack: 1 outstanding, calls/s": _faster("s1", "maasha", "msgpack"),
    "asyncio with msgpack: 64 outstanding, calls/s": _faster("s64", "maasha", "msgpack"),
    "messages off the fast path, share": _off_the_fast_path,
}


def table(found: dict[str, Figure], bars: tuple[Bar, ...]) -> str:
    """Write all figures as Markdown, those with a bar first."""
    by_name = {bar.figure: bar for bar in bars}
    lines = ["| figure | median | minimum | maximum | bar | |", "|---|---|---|---|---|---|"]
    for name in [*by_name, *(name for name in found if name not in by_name)]:
        figure, bar = found.get(name, Figure(name, ())), by_name.get(name)
        if figure.median is None and bar is None:
            continue
        verdict = "" if bar is None else "met" if bar.met_by(figure.median) else "SHORT"
        cells = [_shown(figure.median), *_spread(figure), str(bar or ""), verdict]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(figure: Figure) -> list[str]:
    values = figure.values
    return [_shown(min(values)), _shown(max(values))] if values else ["-", "-"]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1 else f"{value:.2f}"
