"""Figures that the acceptance tests measure and print at the end of their run."""

from __future__ import annotations

from collections.abc import Iterable


class Figures:
    """Named seconds and counts, in the order in which they were noted."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def seconds(self, what: str, value: float) -> None:
        """Note a duration."""
        self.lines.append(f"{what}: {value:.2f} s")

    def milliseconds(self, what: str, seconds: float) -> None:
        """Note a short duration."""
        self.lines.append(f"{what}: {seconds * 1000:.1f} ms")

    def count(self, what: str, value: int) -> None:
        """Note a number."""
        self.lines.append(f"{what}: {value}")

    def distribution(self, what: str, values: Iterable[float]) -> None:
        """Note median, 95th percentile and longest of many durations, and how many they are."""
        ordered = sorted(values)
        median, p95 = (ordered[len(ordered) * part // 100] for part in (50, 95))
        self.lines.append(
            f"{what}: median {median:.3f} s, p95 {p95:.3f} s, max {ordered[-1]:.3f} s"
            f" ({len(ordered)} runs)"
        )
