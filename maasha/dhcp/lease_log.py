"""Leases of hosts with fixed addresses, which dhcpd.leases(5) never lists, out of dhcpd's log.

dhcpd writes a line when it acknowledges one. Only `on commit` is ours to use: of such a host
neither `on release` nor `on expiry` ever fires, and dhcpd copies both into every record of its
leases file. That a host released its address dhcpd says by itself, as of one that it does not know.

A client chooses what is in `hardware` and in its host name: both are written as hexadecimal digits,
and dhcpd itself prints no control character of a client's, so no line can be forged.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from ipaddress import AddressValueError, IPv4Address

from attrs import frozen

from maasha.model.lease import BindingState, Lease, normal_mac

TAG = "maasha-lease"
MAX_LINE = 4096
"""Bytes; dhcpd cuts its own lines at 1 KiB, and an unfinished one longer than this is damage."""
INFINITE = 0xFFFFFFFF
"""The lease time of a lease that never ends (RFC 2131, 3.3)."""
UNSAID = "-"

STATEMENTS = f"""\
on commit {{
    if static {{
        log(info, concat("{TAG} ", binary-to-ascii(10, 8, ".", leased-address), " ",
            binary-to-ascii(16, 8, ":", hardware), " ",
            pick-first-value(binary-to-ascii(10, 32, "", encode-int(lease-time, 32)), "{UNSAID}"),
            " ", pick-first-value(binary-to-ascii(16, 8, ":", option host-name), "{UNSAID}")));
    }}
}}
"""
"""For the top level of dhcpd.conf(5); a network's own `on commit` would silence it.

To be there before there are hosts: one that comes by OMAPI is logged without a restart then. Of a
lease from a pool dhcpd asks for `static` and does nothing more.
"""

COMMIT = re.compile(rf"{TAG} ([0-9.]+) 1:([0-9a-f:]+) ([0-9]+|{UNSAID}) ([0-9a-f:]*|{UNSAID})")
"""The 1 is Ethernet (RFC 1700); dhcpd leaves out leading zeros."""
RELEASE = re.compile(r"DHCPRELEASE of ([0-9.]+) from ([0-9a-f:]+) .*\(not found\)")
"""dhcpd's own words when a client gives back what is not of a pool (server/dhcp.c)."""


@frozen
class Released:
    """A client gave up an address that is not of a pool, if it is the one who had it."""

    ip: IPv4Address
    mac: str
    at: datetime


class LogParser:
    """Takes the bytes of a log in pieces of any size; one parser reads one file onwards.

    `consumed` counts the bytes of whole lines, the ones that say nothing too.
    """

    def __init__(self) -> None:
        self.consumed = 0
        self._rest = b""

    def feed(self, piece: bytes, at: datetime) -> tuple[Lease | Released, ...]:
        """Read on; give what whole lines say, in their order.

        No line says when it was written: `at` is to be when the last one was. So of lines that were
        written while nobody read, the leases end later than in truth, and never earlier.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self.consumed += sum(len(line) + 1 for line in lines)
        if len(self._rest) > MAX_LINE:
            self.consumed += len(self._rest)
            self._rest = b""
        found = (read(line.decode("ascii", "replace").rstrip(), at) for line in lines)
        return tuple(each for each in found if each is not None)


def read(line: str, at: datetime) -> Lease | Released | None:
    """Read one line; None: it is about something else."""
    try:
        if match := COMMIT.fullmatch(line):
            return _granted(at, *match.groups())
        if match := RELEASE.fullmatch(line):
            return Released(IPv4Address(match[1]), normal_mac(match[2]), at)
    except AddressValueError:
        return None
    return None


def _granted(at: datetime, ip: str, hardware: str, seconds: str, name: str) -> Lease:
    endless = seconds == UNSAID or int(seconds) >= INFINITE
    return Lease(
        ip=IPv4Address(ip),
        state=BindingState.ACTIVE,
        mac=normal_mac(hardware),
        starts=at,
        ends=None if endless else at + timedelta(seconds=int(seconds)),
        last_transaction=at,
        hostname="" if name == UNSAID else _shown(name),
        fixed=True,
    )


def _shown(digits: str) -> str:
    """Read bytes as dhcpd writes them; what cannot be shown becomes a question mark."""
    raw = bytes(int(byte, 16) & 255 for byte in digits.split(":") if byte)
    text = raw.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)
