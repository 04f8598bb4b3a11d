"""Leases out of dhcpd.leases(5), as they are appended."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import IPv4Address

from maasha.dhcp.records import HEAD, Record
from maasha.model.lease import BindingState, Lease, normal_mac

MAX_LINES = 1000
"""Of a record; dhcpd writes a few dozen. More is no record but damage."""
MAX_LINE = 64 * 1024
"""Bytes; an unfinished line longer than this is damage."""

STATEMENT = re.compile(r"\s+(binding state|hardware ethernet|[a-z-]+) (.*);(?:\s*#.*)?\s*")
WEEKDAY = re.compile(r"[0-6] (\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)")
"""Day of the week and UTC, dhcpd's default `db-time-format`."""
EPOCH = re.compile(r"epoch (\d{1,12})")
"""Seconds since 1970, `db-time-format local`."""
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r"\\([0-7]{3}|.)")


class LeaseParser:
    """Takes the bytes of a leases file in pieces of any size and gives the leases in them.

    Whatever is not a whole lease record of dhcpd's own making gives nothing. One parser reads one
    file from its beginning on.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._opened: list[str] = []

    def feed(self, piece: bytes) -> tuple[Lease, ...]:
        """Read on; give the leases whose records are whole now, in the file's order."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[:MAX_LINE]
        found = (self._line(line.decode("utf-8", "replace").rstrip()) for line in lines)
        return tuple(lease for lease in found if lease is not None)

    def _line(self, line: str) -> Lease | None:
        if HEAD.match(line):
            self._opened = [line]
        elif self._opened and line == "}":
            record, self._opened = Record(tuple(self._opened)), []
            return read(record)
        elif 0 < len(self._opened) < MAX_LINES:
            self._opened.append(line)
        else:
            self._opened = []
        return None


def read(record: Record) -> Lease | None:
    """Read one record; None: it is no lease, or one that makes no sense."""
    address = record.address
    if address is None:
        return None
    found = _statements(record.lines[1:])
    try:
        return _lease(address, found)
    except (KeyError, ValueError):
        return None


def _statements(lines: Iterable[str]) -> dict[str, str]:
    """Give the record's statements by their first words; the last of a name holds."""
    matches = (STATEMENT.fullmatch(line) for line in lines)
    return {match[1]: match[2] for match in matches if match is not None}


def _lease(address: IPv4Address, found: dict[str, str]) -> Lease:
    return Lease(
        ip=address,
        state=BindingState(found["binding state"]),
        mac=normal_mac(found.get("hardware ethernet", "")),
        starts=_instant(found.get("starts", "never")),
        ends=_instant(found.get("ends", "never")),
        last_transaction=_instant(found.get("cltt", "never")),
        hostname=_text(found.get("client-hostname", "")),
    )


def _instant(value: str) -> datetime | None:
    """Read a time in either of dhcpd's formats; a bad one raises ValueError."""
    if value == "never":
        return None
    if match := WEEKDAY.fullmatch(value):
        year, month, day, hour, minute, second = map(int, match.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if match := EPOCH.fullmatch(value):
        return datetime.fromtimestamp(int(match[1]), UTC)
    raise ValueError(f"{value} is no time of dhcpd.leases(5)")


def _text(value: str) -> str:
    """Take dhcpd's quotes and escapes off; unprintable characters become question marks."""
    match = QUOTED.fullmatch(value)
    if match is None:
        return ""
    plain = ESCAPE.sub(_unescaped, match[1])
    return "".join(character if character.isprintable() else "?" for character in plain)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if len(match[1]) > 1 else match[1]
