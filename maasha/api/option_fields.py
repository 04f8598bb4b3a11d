"""Parsers of what DHCP tells clients: boot files, domains, servers of one address family."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from maasha.api.fields import address, listed, shown, text
from maasha.dhcp.snippets import snippet_fault
from maasha.model.options import MAX_BOOT_FILE, RACK, BootFile

ARCHITECTURES = {
    "pxe": 0x00,
    "uefi-i386": 0x06,
    "uefi-amd64": 0x07,
    "uefi-ebc": 0x09,
    "uefi-arm": 0x0A,
    "uefi-arm64": 0x0B,
    "powernv": 0x0E,
    "uefi-http-i386": 0x0F,
    "uefi-http-amd64": 0x10,
    "uefi-http-arm": 0x12,
    "uefi-http-arm64": 0x13,
    "uefi-riscv64": 0x1B,
    "uefi-http-riscv64": 0x1C,
}
"""IANA's "Processor Architecture Types" (RFC 5970, RFC 4578) by our names."""
DEFAULT = "default"
NAMES = {number: name for name, number in ARCHITECTURES.items()}
MAX_DOMAINS = 16
DOMAIN = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*",
    re.ASCII,
)
FILE = re.compile(r"[A-Za-z0-9._~:/?#@!$&()*+;=%\[\]{}-]+", re.ASCII)
"""Without quotes, blanks and backslashes: dhcpd.conf(5) quotes it."""


def architecture_name(number: int | None) -> str:
    """Give the name of an architecture as `boot_files` takes it."""
    if number is None:
        return DEFAULT
    return NAMES.get(number, str(number))


def boot_files(submitted: str) -> tuple[BootFile, ...]:
    """Take `ARCHITECTURE=FILE` parted by blanks or commas; the empty text is none."""
    found = [_boot_file(part) for part in re.split(r"[,\s]+", submitted) if part]
    numbers = [entry.architecture for entry in found]
    twice = sorted({architecture_name(one) for one in numbers if numbers.count(one) > 1})
    if twice:
        raise ValueError(f"{listed(twice)} has more than one file; give one.")
    return tuple(sorted(found, key=_order))


def domains(submitted: str) -> tuple[str, ...]:
    """Take domain names parted by commas or blanks; the empty text is none."""
    names = tuple(part.rstrip(".") for part in re.split(r"[,\s]+", submitted) if part)
    for name in names:
        if not DOMAIN.fullmatch(name):
            raise ValueError(f"{shown(name)} is not a domain name; give one as example.org.")
    if len(names) > MAX_DOMAINS:
        raise ValueError(f"{len(names)} domains are too many; give at most {MAX_DOMAINS}.")
    return names


def ipv4_or_empty(submitted: str) -> IPv4Address | None:
    """Take an IPv4 address, or the empty text for none."""
    found = address(submitted) if submitted else None
    if found is None or isinstance(found, IPv4Address):
        return found
    raise ValueError(f"{found} is not an IPv4 address; give one as 10.0.0.1.")


def snippet(submitted: str) -> str:
    """Take statements of dhcpd.conf(5) that do not break what maasha's own do."""
    found = text(submitted.replace("\r\n", "\n").replace("\r", "\n"))
    if not found.isascii():
        raise ValueError("It has letters beyond ASCII; leave them out, also in comments.")
    fault = snippet_fault(found)
    if fault:
        raise ValueError(f"This cannot be a snippet: {fault}.")
    return found


def _boot_file(part: str) -> BootFile:
    name, equals, file = part.partition("=")
    if not equals or not file:
        raise ValueError(
            f"{shown(part)} is not ARCHITECTURE=FILE; give one as uefi-amd64=bootx64.efi."
        )
    if not FILE.fullmatch(file) or "{" in file.replace(RACK, "") or "}" in file.replace(RACK, ""):
        raise ValueError(
            f"{shown(file)} cannot name a boot file; use the letters of a URL, and {RACK} for the "
            "rack's address."
        )
    length = len(file.replace(RACK, "255.255.255.255"))
    if length > MAX_BOOT_FILE:
        raise ValueError(
            f"{shown(file)} has {length} bytes, and a DHCP message carries {MAX_BOOT_FILE}; give a "
            "shorter one."
        )
    return BootFile(_architecture(name), file)


def _architecture(name: str) -> int | None:
    if name == DEFAULT:
        return None
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    if re.fullmatch(r"[0-9]{1,5}", name) and int(name) <= 0xFFFF:
        return int(name)
    raise ValueError(
        f"{shown(name)} is no architecture; give a number of RFC 4578, {DEFAULT}, or one of "
        f"{', '.join(ARCHITECTURES)}."
    )


def _order(entry: BootFile) -> tuple[bool, int]:
    return entry.architecture is None, entry.architecture or 0
