"""The protocol numbers that two ends speak, and the one they agree on."""

from __future__ import annotations

from attrs import frozen


@frozen
class Versions:
    """Protocol numbers from `lowest` to `highest`, both included."""

    lowest: int
    highest: int

    def __str__(self) -> str:
        return f"{self.lowest}..{self.highest}"


SPOKEN = Versions(1, 1)
"""What this code speaks; docs/protocol.md describes it."""


def agree(ours: Versions, theirs: Versions) -> int | None:
    """Give the highest number that both speak, None where there is none."""
    highest = min(ours.highest, theirs.highest)
    return highest if highest >= max(ours.lowest, theirs.lowest) else None
