"""Fixed hosts: the one text in which they travel, their stanzas for dhcpd, and how texts differ.

The text has a line `MAC ADDRESS NAME` for each address that is reserved for a client, in ascending
order; the name is `-` where it has none. dhcpd knows one host for each MAC, named after it alone:
two texts never quarrel about a name, and a client with addresses on several VLANs is one host with
all of them, from which dhcpd takes the one that fits the link.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from hashlib import sha256
from itertools import groupby, islice, takewhile
from operator import itemgetter

from attrs import frozen

from maasha.model.network import HOSTNAME

MAC = "(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"
BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
LINE = re.compile(rf"({MAC}) ({BYTE}(?:\.{BYTE}){{3}}) (-|{HOSTNAME})", re.ASCII)
MAC_LENGTH = 17
NAMELESS = "-"
UNSURE = "unsure"
"""In the place of a fingerprint: nobody knows which hosts the running dhcpd has."""


@frozen
class BadHosts(ValueError):
    """A text is not one of hosts."""

    line: str

    def __str__(self) -> str:
        return f"not a host's MAC, address and name: {self.line[:80]!r}"


@frozen
class Host:
    """A client and the addresses that are its own, at most one on each VLAN."""

    mac: str
    """Lower case with colons."""
    addresses: tuple[str, ...]
    """IPv4, with dots, in the order of the text."""
    name: str = ""
    """What DHCP tells it that it is called; empty: nothing."""

    @property
    def label(self) -> str:
        """What dhcpd calls it."""
        return _label(self.mac)

    @property
    def options(self) -> str:
        """What its stanza says beside its addresses, in the words of dhcpd.conf(5)."""
        return f'option host-name "{self.name}";' if self.name else ""


@frozen
class Drop:
    """dhcpd is to know no host of this MAC; that it knows none already is no fault."""

    mac: str


@frozen
class Move:
    """The host, which dhcpd knows, gets these addresses in place of what it has."""

    mac: str
    addresses: tuple[str, ...]


@frozen
class Add:
    """dhcpd is to know a host, and knows none of its MAC."""

    host: Host


Operation = Drop | Move | Add


@lru_cache(maxsize=4)
def fingerprint(hosts: str) -> str:
    """Give SHA-256 of the text in hex; empty: there are no hosts."""
    return sha256(hosts.encode()).hexdigest() if hosts else ""


def parse(hosts: str) -> tuple[Host, ...]:
    """Read a text; raises BadHosts."""
    return tuple(_hosts(hosts.splitlines()))


def stanzas(hosts: str) -> str:
    """Write a text as declarations of dhcpd.conf(5), one in a line; raises BadHosts."""
    return "".join(map(_stanza, _hosts(hosts.splitlines())))


def patched(declared: str, macs: Set[str], hosts: Mapping[str, Host]) -> str:
    """Put these hosts in place of whatever `stanzas` had written of these MACs.

    For one change among 10,000 hosts that is a tenth of the work of writing them all.
    """
    lines = declared.splitlines(keepends=True)
    for mac in macs:
        head = f"host {_label(mac)} "
        place = bisect_left(lines, head)
        there = place < len(lines) and lines[place].startswith(head)
        lines[place : place + there] = [_stanza(hosts[mac])] if mac in hosts else []
    return "".join(lines)


def touched(before: str, after: str) -> frozenset[str]:
    """Give the MACs about which two texts differ."""
    lines = set(before.splitlines()).symmetric_difference(after.splitlines())
    return frozenset(line[:MAC_LENGTH] for line in lines)


def select(hosts: str, macs: Set[str]) -> Mapping[str, Host]:
    """Read the hosts of these MACs; raises BadHosts."""
    lines = hosts.splitlines()
    found = (line for mac in sorted(macs) for line in _of(lines, mac))
    return {host.mac: host for host in _hosts(found)}


def operations(
    before: Mapping[str, Host], after: Mapping[str, Host], unsure: Set[str]
) -> tuple[Operation, ...]:
    """Say what leads a dhcpd that knows the hosts `before` to those `after`.

    Of the MACs that are `unsure` it may know any host, or none. Where the addresses alone differ a
    host is never gone in between; a name can only be changed by making the host anew. Addresses are
    taken away before they are given to others.
    """
    drops: list[Operation] = []
    moves: list[Operation] = []
    adds: list[Operation] = []
    for mac in sorted({*before, *after, *unsure}):
        old, new = before.get(mac), after.get(mac)
        if old == new and mac not in unsure:
            continue
        if old and new and old.name == new.name and mac not in unsure:
            moves.append(Move(mac, new.addresses))
            continue
        if old or mac in unsure:
            drops.append(Drop(mac))
        if new:
            adds.append(Add(new))
    return (*drops, *moves, *adds)


def _label(mac: str) -> str:
    return f"mac-{mac.replace(':', '')}"


def _stanza(host: Host) -> str:
    addresses = ", ".join(host.addresses)
    options = f" {host.options}" if host.name else ""
    return (
        f"host {host.label} {{ hardware ethernet {host.mac}; "
        f"fixed-address {addresses};{options} }}\n"
    )


def _of(lines: Sequence[str], mac: str) -> Iterator[str]:
    """Give the lines of a MAC, which are together."""
    first = bisect_left(lines, mac)
    return takewhile(lambda line: line.startswith(mac), islice(lines, first, None))


def _hosts(lines: Iterable[str]) -> Iterator[Host]:
    last = ""
    for mac, entries in groupby(map(_entry, lines), itemgetter(0)):
        if mac <= last:
            raise BadHosts(f"{mac} after {last}")
        last = mac
        own = tuple(entries)
        names = (name for _, _, name in own if name != NAMELESS)
        yield Host(mac, tuple(address for _, address, _ in own), next(names, ""))


def _entry(line: str) -> tuple[str, str, str]:
    match = LINE.fullmatch(line)
    if match is None:
        raise BadHosts(line)
    return match[1], match[2], match[3]
