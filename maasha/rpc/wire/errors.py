"""What can go wrong with a call on this side of the wire."""

from __future__ import annotations

from attrs import frozen

EXPIRED = b"EXPIRED"
"""Code of the error box for a request that came after its deadline."""
TOO_LONG = b"TOO_LONG"
"""Code of the error box for a message over the limit."""


@frozen
class WireError(Exception):
    """Whatever a call can fail with before the peer's word counts."""


@frozen
class CallExpired(WireError):
    """No answer in time: whether the call was carried out is unknown."""

    command: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.command} had no answer within {self.seconds:g} s; ask again"


@frozen
class Busy(WireError):
    """As many calls wait for the peer as are allowed."""

    waiting: int

    def __str__(self) -> str:
        return f"{self.waiting} calls wait already; the peer is slow, ask again later"


@frozen
class MessageTooLong(WireError):
    """A message is longer than this side sends or takes."""

    command: str
    length: int
    limit: int

    def __str__(self) -> str:
        return (
            f"{self.command} takes {self.length} bytes or more, the limit is {self.limit}; "
            "split it into several calls"
        )


@frozen
class BadValue(WireError, ValueError):
    """A value does not fit its argument, or a box does not carry it."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"argument {self.name}: {self.reason}"
