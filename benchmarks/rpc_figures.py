"""From what rounds of `benchmarks.rpc` have measured to figures: ratios within the same round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from benchmarks.figures import Figure, columns, shown

Round = dict[str, Any]
"""What each system has measured in one round, by the system's name."""


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
    """Give the share of messages that the fast path did not count, whether a detour did or not."""
    off = messages = 0
    for name in ("maasha", "maasha fan64", "maasha tls", "maasha tls fan64"):
        path = each.get(name, {}).get("path")
        if path:
            owed = 2 * sum(found["calls"] for found in each[name].values() if "calls" in found)
            fast = path["answered"] + path["served"]
            total = max(owed, fast + path["detours"])  # heartbeats are messages too
            off += total - fast
            messages += total
    return off / messages if messages else 1.0


PHASES = ("s1", "s64", "b1", "b64", "fan")
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
    "5,000 connections, share of a core": lambda each: each["maasha crowd"]["cpu"],
    "5,000 connections, share of a core, stock": lambda each: each["stock crowd"]["cpu"],
    "5,000 connections, KiB each": lambda each: each["maasha crowd"]["kib"],
    "TLS: 5,000 connections, KiB each": lambda each: each["maasha tls crowd"]["kib"],
    "gRPC aio: 1 outstanding, calls/s": _faster("s1", "maasha", "grpc"),
    "gRPC aio: 64 outstanding, calls/s": _faster("s64", "maasha", "grpc"),
    "asyncio with msgpack: 1 outstanding, calls/s": _faster("s1", "maasha", "msgpack"),
    "asyncio with msgpack: 64 outstanding, calls/s": _faster("s64", "maasha", "msgpack"),
    "messages off the fast path, share": _off_the_fast_path,
}


def systems(rounds: list[Round]) -> str:
    """Write what each system did in each shape: medians, and both ends of the calls/s."""
    kinds = {(name, phase): None for each in rounds for name in each for phase in each[name]}
    head = ("system", "shape", "calls/s", "min", "max", "CPU us", "p50 us", "p99 us")
    rows = [
        (name, phase, *_absolute([each[name][phase] for each in rounds if name in each]))
        for name, phase in kinds
        if phase in PHASES
    ]
    return columns(head, rows)


def _absolute(found: list[dict[str, float]]) -> list[str]:
    calls = [each["cps"] for each in found]
    rest = [median(each[key] for each in found) for key in ("cpu_us", "p50_us", "p99_us")]
    return [shown(value) for value in (median(calls), min(calls), max(calls), *rest)]
