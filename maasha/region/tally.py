"""How many racks came in and how many did not, since this worker began."""

from __future__ import annotations

from collections import Counter

from attrs import define, field


@define
class Tally:
    """Counted by `Refusals`, read by the metrics."""

    registered: int = 0
    """Links that were taken in."""
    put_off: int = 0
    """Racks that were told to come again: no database, no room, or the worker is drained."""
    refused: Counter[str] = field(factory=Counter)
    """Strangers that failed the proof and racks that were refused for good, by the error's name."""
