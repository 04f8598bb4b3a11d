"""What a VLAN's or a subnet's DHCP tells clients, and the numbers of its failover pair."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import NewType

from attrs import frozen

DEFAULT_MCLT = 3600
DEFAULT_SPLIT = 255
DEFAULT_MAX_RESPONSE_DELAY = 60
MIN_MCLT, MAX_MCLT = 15, 86_400
MIN_SPLIT, MAX_SPLIT = 0, 256
MIN_MAX_RESPONSE_DELAY, MAX_MAX_RESPONSE_DELAY = 5, 3600
MAX_BOOT_FILE = 127
"""Bytes: a DHCP message has 128 for the name of the file, the last of them zero (RFC 2131)."""
RACK = "{rack}"
"""Stands in the name of a boot file for the address of the rack that answers."""


SnippetId = NewType("SnippetId", int)


@frozen
class Snippet:
    """Statements of dhcpd.conf(5) that a person wrote, for the place where it is held."""

    id: SnippetId
    name: str
    text: str


@frozen
class PairNumbers:
    """The numbers of a failover pair that people may choose; the defaults are the manual's."""

    mclt: int = DEFAULT_MCLT
    """Seconds by which a server may extend a lease beyond what its peer knows."""
    split: int = DEFAULT_SPLIT
    """Of 256 shares of the clients, how many the primary answers first."""
    max_response_delay: int = DEFAULT_MAX_RESPONSE_DELAY
    """Seconds without a message until the peer counts as lost."""

    def __str__(self) -> str:
        return f"mclt={self.mclt} split={self.split} max_response_delay={self.max_response_delay}"


MANUAL = PairNumbers()


@frozen
class BootFile:
    """The file that clients of one architecture boot: a name for TFTP, or a URL for HTTP boot."""

    architecture: int | None
    """The client's own number (RFC 4578, option 93); None: every other client."""
    file: str

    def __str__(self) -> str:
        who = "default" if self.architecture is None else self.architecture
        return f"{who}={self.file}"


@frozen
class Boot:
    """Where clients boot from; without files DHCP tells them nothing about it."""

    files: tuple[BootFile, ...] = ()
    server: IPv4Address | None = None
    """Who has the files (`next-server`); None: the rack that answers."""

    def __str__(self) -> str:
        return f"[{' '.join(map(str, self.files))}] of {self.server or 'the rack'}"


NO_BOOT = Boot()
