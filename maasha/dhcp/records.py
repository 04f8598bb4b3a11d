"""The top-level records of dhcpd.leases(5), by the layout in which dhcpd itself writes them.

dhcpd begins every record at the start of a line, indents all that belongs to it, and closes it with
a brace at the start of a line; texts of clients are quoted with newlines escaped. So lines are
enough: a record cut short by a crash ends where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import AddressValueError, IPv4Address

from attrs import frozen

HEAD = re.compile(r"(lease|host|failover peer|group|subgroup|class|subclass|ia-na|ia-ta|ia-pd)\b")
LEASE = re.compile(r"lease (\d+\.\d+\.\d+\.\d+) \{")
PEER = re.compile(r'failover peer "([^"\\]*)" state \{')


@frozen
class Record:
    """Lines of one record, its head first and without the closing brace if it was `cut`."""

    lines: tuple[str, ...]
    cut: bool = False

    @property
    def address(self) -> IPv4Address | None:
        """The address that a lease record is about; None: it is something else."""
        match = LEASE.fullmatch(self.lines[0].rstrip())
        try:
            return None if match is None else IPv4Address(match[1])
        except AddressValueError:
            return None

    @property
    def peer(self) -> str:
        """The name of the failover peer whose state this is; empty: it is something else."""
        match = PEER.fullmatch(self.lines[0].rstrip())
        return "" if match is None else match[1]

    @property
    def host(self) -> bool:
        """Whether this is a host made or deleted over OMAPI."""
        return self.lines[0].startswith("host ")

    @property
    def text(self) -> str:
        """The record as it was read, newlines included."""
        return "\n".join((*self.lines, *(() if self.cut else ("}",)))) + "\n"


def prune(text: str, unwanted: Callable[[Record], bool]) -> str:
    """Give the leases file without the records that are unwanted or cut short."""
    kept: list[str] = []
    for part in split(text.splitlines()):
        if isinstance(part, str):
            kept.append(f"{part}\n")
        elif not part.cut and not unwanted(part):
            kept.append(part.text)
    return "".join(kept)


def split(lines: Sequence[str]) -> Iterator[Record | str]:
    """Give records, and the lines outside of any as they are."""
    opened: list[str] = []
    for line in lines:
        if HEAD.match(line):
            if opened:
                yield Record(tuple(opened), cut=True)
            opened = [line]
        elif not opened:
            yield line
        elif line.rstrip() == "}":
            yield Record(tuple(opened))
            opened = []
        else:
            opened.append(line)
    if opened:
        yield Record(tuple(opened), cut=True)
