"""How much one connection may hold, so that no peer costs unbounded memory."""

from __future__ import annotations

from attrs import frozen


@frozen
class Limits:
    """Bounds of one connection, each way."""

    in_flight: int = 256
    """Calls that wait for an answer, and requests that are worked on, at the same time."""
    queued: int = 1024
    """Calls that wait for a place in flight; one more fails with Busy."""
    queued_bytes: int = 32 * 1024 * 1024
    """Bytes of those calls; as many of unstarted requests are held before reading stops."""
    message: int = 16 * 1024 * 1024
    """Bytes of one message, sent or received."""
    unsent: int = 64 * 1024
    """Bytes written between two looks at whether the transport is full."""


LIMITS = Limits()
