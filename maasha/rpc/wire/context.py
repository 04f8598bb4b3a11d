"""What travels with a request besides its arguments: a deadline and a trace.

Two optional keys, which peers that do not know them ignore: `_deadline` holds two numbers in
milliseconds, when the request was sent by the sender's own clock and how long its caller waits;
`_trace` names what the request belongs to. A trace that ends in a dot begins with this very
request, and its full name ends in the request's `_ask` token.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

from maasha.rpc.wire.boxes import Pairs, pair

NEVER = float("inf")
DEADLINE = b"_deadline"
TRACE = b"_trace"
DEADLINE_KEY = b"\0\x09" + DEADLINE + b"\0"
"""All before the low length byte of the two numbers."""
WINDOW = 60.0
"""Seconds after which the least delay is learned anew: two clocks may drift 30 ms in that time."""
LONGEST_DEADLINE = 30
"""Bytes of the two numbers."""
LONGEST_TRACE = 200
"""Bytes; a longer trace is not passed on."""


class Origin(NamedTuple):
    """The request that is being worked on."""

    trace_key: bytes
    """As it came."""
    token: bytes
    """The request's `_ask`."""
    expires: float
    """When its caller stops waiting, in seconds of the connection's clock; may be infinite."""

    @property
    def wire_trace(self) -> bytes:
        """Name the work that all requests with the same trace belong to, for the next one."""
        name = self.trace_key + self.token if self.trace_key.endswith(b".") else self.trace_key
        return name[:LONGEST_TRACE]

    @property
    def trace(self) -> str:
        """Give the same name for a log."""
        return self.wire_trace.decode("ascii", "replace")


ORIGIN: ContextVar[Origin | None] = ContextVar("maasha_rpc_origin", default=None)
"""The request that the running coroutine answers; calls made in it carry on its trace."""


def header(stamp: bytes, timeout: float, trace: bytes) -> bytes:
    """Write both keys of a request; `stamp` is in milliseconds, `timeout` in seconds."""
    before, after = around(len(stamp), timeout, trace)
    return before + stamp + after


def around(length: int, timeout: float, trace: bytes) -> tuple[bytes, bytes]:
    """Write what is before and behind the time in a header, which hardly ever changes.

    `length` is that of the time in digits; without a trace its key is absent.
    """
    number = b" %d" % (timeout * 1000)
    before = b"%b%c" % (DEADLINE_KEY, length + len(number))
    return before, number + (pair(TRACE, trace) if trace else b"")


class Ages:
    """How old requests are when they come, though the two clocks have nothing in common.

    The fastest request seen tells the difference of the clocks; whatever took longer than that
    one has waited somewhere, be it in the kernel while this process was frozen.
    """

    def __init__(self, now: float) -> None:
        self._least = self._previous = NEVER
        self._since = now

    def left(self, sent: int, patience: int, now: float) -> float:
        """Give the seconds until the caller stops waiting: not above 0 if it waits no more.

        `sent` and `patience` are the two numbers of the request, in milliseconds.
        """
        offset = now - sent / 1000
        if now - self._since > WINDOW:
            self._previous, self._least, self._since = self._least, offset, now
        elif offset < self._least:
            self._least = offset
        least = self._least if self._least < self._previous else self._previous
        return patience / 1000 - (offset - least)


def deadline_of(box: Pairs) -> tuple[int, int] | None:
    """Read the two numbers of a request; one without them, or with nonsense, has no deadline."""
    sent, _, patience = box.get(DEADLINE, b"").partition(b" ")
    plain = sent.isdigit() and patience.isdigit()
    return (int(sent), int(patience)) if plain and len(sent + patience) < LONGEST_DEADLINE else None
