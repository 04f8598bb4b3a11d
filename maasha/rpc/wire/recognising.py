"""Who serves a request: found in its bytes, and sooner where they resemble the request before."""

from __future__ import annotations

import re
from typing import Any

from maasha.rpc.wire.answering import Answering
from maasha.rpc.wire.codecs import Codec, Serve

LONGEST_TIME = 15
"""Digits of either number of a deadline."""
CONTEXT = re.compile(
    rb"\0\x08_command\0([^\0]+)"
    rb"(?:\0\x09_deadline\0([^\0 ][0-9]{1,15}) ([0-9]{1,15})(?:\0\x06_trace\0([^\0]+))?)?"
)
"""The command and what travels with it, each with its length byte in front: that is looked at
afterwards, for a value that holds the bytes of the next key would end too early here."""
Likeness = tuple[Any, bytes, bytes, int, int, bytes, Serve | None, Any, Any]
"""How a request looked: the locator of that time, the bytes from its command to its deadline, those
from behind its time up to its first value and how many of them belong to the deadline, patience,
trace, the function that serves it, the part of the locator that it asks, and the codec."""
UNLIKE: Likeness = (object(), b"", b"", 0, 0, b"", None, None, None)
"""No request looks so."""


class Recognising(Answering):
    """AMP that knows a request by its first bytes."""

    _likeness = UNLIKE

    def _meet(self, buf: bytes, at: int, now: float) -> tuple[Any, Any, int]:
        """Look up who serves the request whose command is at `at`.

        Gives that function (None for a miss), the locator that it is to ask, and how many bytes
        lead up to its first value. Where only the time differs from the request that was looked up
        before, two comparisons do.
        """
        locator, head, tail, cut, patience, trace, serve, owner, codec = self._likeness
        start = at + len(head)
        if locator is not self._locator or buf[at:start] != head or start >= len(buf):
            return self._meet_anew(buf, at, now)
        time = start + 1 + buf[start] - cut
        stop = time + len(tail)
        digits = buf[start + 1 : time]
        if buf[time:stop] != tail or not digits.isdigit() or len(digits) > LONGEST_TIME:
            return self._meet_anew(buf, at, now)
        left = self._ages.left(int(digits), patience, now)
        self._asked = trace, left
        if left <= 0:
            return None, None, 0
        if codec is not self._requests.codec:
            self._begin_row(codec, now)
        return serve, owner, stop - at

    def _meet_anew(self, buf: bytes, at: int, now: float) -> tuple[Any, Any, int]:
        """Take what leads up to the first value apart, and remember how it looks."""
        match = CONTEXT.match(buf, at)
        if match is None:
            return None, None, 0
        name, sent, patience, trace = match.groups()
        entry = self._table.get(name)
        if entry is None:
            return None, None, 0
        serve, first, codec, place = entry
        self._asked = None
        if sent is not None:
            trace = trace or b"\0"
            as_long_as_said = sent[0] == len(sent) + len(patience) and trace[0] == len(trace) - 1
            if not as_long_as_said:
                return None, None, 0
            if not self._is_wanted(int(sent[1:]), int(patience), trace[1:], now):
                return None, None, 0
        pos = match.end()
        stop = pos + len(first)
        if buf[pos:stop] != first:
            return None, None, 0
        locator = self._locator
        owner = locator if place is None else locator.parts[place]
        if sent is not None:
            head, tail = codec.head, buf[match.end(2) : stop]
            cut, waits, name = 1 + len(patience), int(patience), trace[1:]
            self._likeness = locator, head, tail, cut, waits, name, serve, owner, codec
        self._begin_row(codec, now)
        return serve, owner, stop - at

    def _begin_row(self, codec: Codec, now: float) -> None:
        requests = self._requests
        if requests.count:
            requests.end(self._now() - now)
        requests.begin(codec)
