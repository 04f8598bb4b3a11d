"""What the wire counts: calls and requests per command, their durations, and detours."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.protocols import amp

BUCKETS = 32
"""Bucket n counts durations from 2**(n-1) up to 2**n microseconds; the last has 36 minutes."""
MICRO = 1e6

Command = type[amp.Command]


@define
class Series:
    """How long one thing took, and how often."""

    counts: list[int] = field(factory=lambda: [0] * BUCKETS)
    seconds: float = 0.0

    def add(self, duration: float, times: int = 1) -> None:
        """Count `times` events of `duration` seconds each."""
        bucket = int(duration * MICRO).bit_length()
        self.counts[bucket if bucket < BUCKETS else -1] += times
        self.seconds += duration * times

    @property
    def count(self) -> int:
        """How many events were counted."""
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """Give an upper bound in seconds of the fastest `share` (0 to 1) of the events."""
        rest = share * self.count
        for bucket, count in enumerate(self.counts):
            rest -= count
            if rest <= 0:
                return float(2**bucket) / MICRO
        return float(2**BUCKETS) / MICRO


@define(slots=True)
class Metrics:
    """Counters of one connection or of many; share one object to sum them up.

    A *detour* is a message that the general code dealt with because the fast path could not.
    """

    answered: dict[Command, Series] = field(factory=dict)
    """Calls with a good answer, from the call to the answer."""
    served: dict[Command, Series] = field(factory=dict)
    """Requests with a good answer, from reading them to handing over the answer."""
    failed: int = 0
    """Calls that ended with an error of whatever kind."""
    refused: int = 0
    """Requests that were answered with an error."""
    expired: int = 0
    """Calls that met their deadline."""
    unstarted: int = 0
    """Requests that were not started because nobody waits for them."""
    late: int = 0
    """Answers that came when nobody waited any more."""
    busy: int = 0
    """Calls that were refused for want of a place."""
    queued: int = 0
    """Calls that had to wait for a place."""
    held: int = 0
    """Requests that had to wait for their start."""
    call_detours: int = 0
    answer_detours: int = 0
    request_detours: int = 0

    @property
    def detours(self) -> int:
        """Messages of whatever kind that missed the fast path."""
        return self.call_detours + self.answer_detours + self.request_detours


METRICS = Metrics()
"""What all connections of this process count in that have no object of their own."""


class Run:
    """Counts what comes in rows of the same, so that one look-up does for many messages."""

    __slots__ = ("_series", "_table", "codec", "count", "moment")

    def __init__(self, table: dict[Command, Series]) -> None:
        self._table = table
        self._series: Series | None = None
        self.codec: Any = None
        self.moment: Any = None
        self.count = 0

    def begin(self, codec: Any) -> None:
        """Count messages of another command from now on."""
        self.codec = codec
        self._series = None

    def end(self, duration: float) -> None:
        """Count the row: `count` messages of `codec` that took `duration` seconds each."""
        series = self._series
        if series is None:  # it is made with its first row, so that a table has no empty ones
            series = self._series = series_of(self._table, self.codec.command)
        count, self.count = self.count, 0
        bucket = int(duration * MICRO).bit_length()
        series.counts[bucket if bucket < BUCKETS else -1] += count
        series.seconds += duration * count


def series_of(table: dict[Command, Series], command: Command) -> Series:
    """Give a command's series, made when it is first looked for."""
    try:
        return table[command]
    except KeyError:
        return table.setdefault(command, Series())
