"""The lines of a spool: a word on an address, or how far a log was read; each with its checksum.

A line is `CRC NUMBER KEY FIELDS`: CRC-32 of all that follows it, in hexadecimal digits, and a
number that only grows. Of two lines with one key the higher number is the newer, wherever it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address
from urllib.parse import quote, unquote
from zlib import crc32

from attrs import astuple, fields, frozen

from maasha.model.lease import BindingState, Lease

MARK = "@"
NOTHING = "-"
FIXED, POOLED = "f", "p"

Key = IPv4Address | str
"""An address, or MARK."""


@frozen
class Mark:
    """All of the logs before `source`, and of that one the first `position` bytes, are here."""

    source: str
    position: int


@frozen
class Word:
    """What is known newest of a key."""

    number: int
    said: Lease | Mark

    @property
    def key(self) -> Key:
        """What it is about."""
        return MARK if isinstance(self.said, Mark) else self.said.ip


@frozen
class State:
    """What is safe on disk, and what of it a region has."""

    acknowledged: int = 0
    """The number up to which a region has everything."""
    highest: int = 0
    """The highest number that was written."""
    segment: int = 0
    size: int = 0
    """All segments before this one are safe, and of this one so many bytes."""
    total: int = 0
    """The sum of the newest numbers of all keys in what is safe, modulo 2**64."""


def line_of(word: Word) -> bytes:
    """Write a word; times are whole seconds, as dhcpd's are."""
    said = word.said
    if isinstance(said, Mark):
        return sealed(f"{word.number} {MARK} {said.position} {quote(said.source)}")
    return sealed(
        f"{word.number} {said.ip} {said.state.value} {said.mac or NOTHING}"
        f" {_seconds(said.starts)} {_seconds(said.ends)} {_seconds(said.last_transaction)}"
        f" {FIXED if said.fixed else POOLED} {quote(said.hostname)}"
    )


def word_of(line: bytes) -> Word | None:
    """Read a line without its newline; None: it is not as it was written."""
    text = opened(line)
    if text is None:
        return None
    parts = text.split(" ")
    try:
        if parts[1] == MARK:
            return Word(int(parts[0]), Mark(unquote(parts[3]), int(parts[2])))
        return Word(int(parts[0]), _lease(*parts[1:]))
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def state_line(state: State) -> bytes:
    """Write a state; every one is as long as any other, so that it is overwritten in place."""
    return sealed(" ".join(f"{number:020d}" for number in astuple(state)))


def state_of(line: bytes) -> State | None:
    """Read a state's line with its newline; None: it is not as it was written."""
    text = opened(line.removesuffix(b"\n"))
    parts = (text or "").split(" ")
    if len(parts) != len(fields(State)) or not all(part.isdecimal() for part in parts):
        return None
    return State(*map(int, parts))


def sealed(text: str) -> bytes:
    """Put the checksum before a text and a newline behind it."""
    body = text.encode()
    return b"%08x %s\n" % (crc32(body), body)


def opened(line: bytes) -> str | None:
    """Take the checksum off; None: it does not fit."""
    body = line[9:]
    if line[:9] != b"%08x " % crc32(body):
        return None
    return body.decode("utf-8", "replace")


def _lease(
    ip: str, state: str, mac: str, starts: str, ends: str, spoken: str, kind: str, name: str
) -> Lease:
    return Lease(
        ip=IPv4Address(ip),
        state=BindingState(state),
        mac="" if mac == NOTHING else mac,
        starts=_instant(starts),
        ends=_instant(ends),
        last_transaction=_instant(spoken),
        hostname=unquote(name),
        fixed=kind == FIXED,
    )


def _seconds(instant: datetime | None) -> str:
    return NOTHING if instant is None else str(int(instant.timestamp()))


def _instant(seconds: str) -> datetime | None:
    return None if seconds == NOTHING else datetime.fromtimestamp(int(seconds), UTC)
