"""The addresses in an `ia-na` record of dhcpd.leases(5): who has them, what is said of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import AddressValueError, IPv6Address

from attrs import frozen

HEAD = re.compile(r'ia-na "((?:[^"\\]|\\.)*)" \{')
ADDRESS = re.compile(r"\s+iaaddr ([0-9a-fA-F:.]+) \{")
END = re.compile(r"\s+\}")
ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
IAID_LENGTH = 4
"""Bytes before the client's DUID in the name of a record."""
ETHERNET = {1: 8, 3: 4}
"""By the type of a DUID (RFC 8415, 11): where its link-layer address begins."""
MAC_LENGTH = 6


@frozen
class Bound:
    """An address of an IA: its client's DUID, and the statements about it and about the whole."""

    address: IPv6Address
    duid: bytes
    lines: tuple[str, ...]


def bindings(lines: Sequence[str]) -> Iterator[Bound]:
    """Give the addresses of a record, its head first; none where it is another kind of record."""
    head = HEAD.fullmatch(lines[0].rstrip())
    if head is None:
        return
    duid = _plain(head[1])[IAID_LENGTH:]
    whole: list[str] = []
    opened: list[str] = []
    address: IPv6Address | None = None
    for line in lines[1:]:
        if match := ADDRESS.fullmatch(line):
            address, opened = _address(match[1]), []
        elif address is None:
            whole.append(line)
        elif END.fullmatch(line):
            yield Bound(address, duid, (*whole, *opened))
            address = None
        else:
            opened.append(line)


def hardware(duid: bytes) -> str:
    """Give the MAC address that a DUID was made of; empty: it was made otherwise.

    It is that of one of the client's interfaces, not surely of the one that it asks on.
    """
    start = ETHERNET.get(int.from_bytes(duid[:2], "big"))
    if start is None or duid[2:4] != b"\x00\x01" or len(duid) != start + MAC_LENGTH:
        return ""
    return duid[start:].hex(":")


def _address(text: str) -> IPv6Address | None:
    try:
        return IPv6Address(text)
    except AddressValueError:
        return None


def _plain(quoted: str) -> bytes:
    """Take dhcpd's escapes off."""
    return ESCAPE.sub(_unescaped, quoted.encode("latin-1", "replace"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    found = match[1]
    return bytes([int(found, 8) & 255]) if len(found) > 1 else found
