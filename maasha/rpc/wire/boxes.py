"""AMP boxes as bytes: find where one ends, whatever is cut off."""

from __future__ import annotations

from enum import Enum

Pairs = dict[bytes, bytes]

OVERHEAD = 96
"""Bytes of memory that a pair costs besides its own, counted so that tiny pairs are no loophole."""


class Verdict(Enum):
    """How a reading ended."""

    COMPLETE = "the box has ended"
    PARTIAL = "bytes are missing"
    GARBAGE = "a key is longer than 255 bytes, so this is not AMP"


def pairs(buf: bytes, pos: int, box: Pairs) -> tuple[Verdict, int, int]:
    """Move the complete pairs at `pos` into `box`.

    Gives the verdict, the position after the last byte taken, and how many bytes are missing at
    least for the next step (0 unless PARTIAL).
    """
    end = len(buf)
    while pos + 2 <= end:
        if buf[pos]:
            return Verdict.GARBAGE, pos, 0
        key = pos + 2 + buf[pos + 1]
        if key == pos + 2:
            return Verdict.COMPLETE, key, 0
        if key + 2 > end:
            return Verdict.PARTIAL, pos, key + 2 - end
        value = key + 2 + (buf[key] << 8 | buf[key + 1])
        if value > end:
            return Verdict.PARTIAL, pos, value - end
        box[buf[pos + 2 : key]] = buf[key + 2 : value]
        pos = value
    return Verdict.PARTIAL, pos, pos + 2 - end


def pair(key: bytes, value: bytes) -> bytes:
    """Write one pair; the key has 1 to 255 bytes, the value at most 65,535."""
    return b"%b%b%b%b" % (len(key).to_bytes(2, "big"), key, len(value).to_bytes(2, "big"), value)


def box_of(box: Pairs) -> bytes:
    """Write a whole box, in the order of its keys."""
    return b"".join([pair(key, value) for key, value in box.items()]) + b"\0\0"
