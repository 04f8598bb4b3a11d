"""Figures that the acceptance tests measure and print at the end of their run."""

from __future__ import annotations


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
