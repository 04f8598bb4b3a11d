"""From one submitted text to one value: each parser's ValueError names the text and its mend."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeVar

from maasha.model.network import HOSTNAME, Network

E = TypeVar("E", bound=Enum)
Address = IPv4Address | IPv6Address

TRUE = ("true", "t", "1", "yes", "on")
FALSE = ("false", "f", "0", "no", "off")
MAX_TEXT = 4096
"""Characters; a description longer than this is a file in the wrong place."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")


def shown(text: str) -> str:
    """Quote a submitted text for a message, cut where it gets long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def text(submitted: str) -> str:
    """Take any text of up to `MAX_TEXT` characters; control characters are refused."""
    if len(submitted) > MAX_TEXT:
        raise ValueError(f"{len(submitted)} characters are too many; give at most {MAX_TEXT}.")
    if any(ord(letter) < 32 and letter not in "\t\r\n" for letter in submitted):
        raise ValueError(f"{shown(submitted)} has control characters; leave them out.")
    if any("\ud800" <= letter <= "\udfff" for letter in submitted):
        raise ValueError(f"{shown(submitted)} has broken Unicode; send whole characters.")
    return submitted


def name(submitted: str) -> str:
    """Take a name: letters, digits, space, dot, underscore and dash, letter or digit first."""
    if not NAME.fullmatch(submitted):
        raise ValueError(
            f"{shown(submitted)} is not a name; use 1 to 100 letters, digits, spaces, '.', '_' "
            "and '-', a letter or digit first."
        )
    return submitted


def name_or_empty(submitted: str) -> str | None:
    """Take a name, or the empty text for none."""
    return name(submitted) if submitted else None


def seat(submitted: str) -> tuple[str, int]:
    """Take a worker: the host name (or system id) of its region, a slash and its slot."""
    found = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]{0,254})/([0-9]{1,4})", submitted)
    if not found:
        raise ValueError(f"{shown(submitted)} is not a worker; give one as region-1/0.")
    return found[1], int(found[2])


def boolean(submitted: str) -> bool:
    """Take true/false, yes/no, on/off or 1/0 in any case."""
    if submitted.lower() in TRUE:
        return True
    if submitted.lower() in FALSE:
        return False
    raise ValueError(f"{shown(submitted)} is neither true nor false; give one of them.")


def integer(low: int, high: int) -> Callable[[str], int]:
    """Make a parser for whole decimal numbers from `low` to `high`, both included."""

    def parse(submitted: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,18}", submitted) and low <= int(submitted) <= high:
            return int(submitted)
        raise ValueError(
            f"{shown(submitted)} is not a whole number from {low} to {high}; give one."
        )

    return parse


def integer_or_zero(low: int, high: int, zero: str) -> Callable[[str], int]:
    """Make a parser as `integer` does, that takes 0 too; `zero` says what that means."""

    def parse(submitted: str) -> int:
        if submitted == "0":
            return 0
        try:
            return integer(low, high)(submitted)
        except ValueError:
            what = f"{shown(submitted)} is not a whole number from {low} to {high}"
            raise ValueError(f"{what}; give one, or 0 for {zero}.") from None

    return parse


def choice(kind: type[E]) -> Callable[[str], E]:
    """Make a parser for the values of an Enum of texts."""

    def parse(submitted: str) -> E:
        try:
            return kind(submitted)
        except ValueError:
            values = ", ".join(str(member.value) for member in kind)
            raise ValueError(f"{shown(submitted)} is not a choice; give one of {values}.") from None

    return parse


def address(submitted: str) -> Address:
    """Take an IPv4 or IPv6 address."""
    try:
        return ip_address(submitted)
    except ValueError:
        raise ValueError(
            f"{shown(submitted)} is not an IP address; give one as 10.0.0.1."
        ) from None


def address_or_empty(submitted: str) -> Address | None:
    """Take an address, or the empty text for none."""
    return address(submitted) if submitted else None


def addresses(submitted: str) -> tuple[Address, ...]:
    """Take addresses parted by commas or spaces; the empty text is none."""
    return tuple(address(part) for part in re.split(r"[,\s]+", submitted) if part)


def network(submitted: str) -> Network:
    """Take a network in CIDR notation, its host bits zero."""
    try:
        return ip_network(submitted)
    except ValueError as wrong:
        if "host bits" in str(wrong):
            mend = f"write {ip_network(submitted, strict=False)}"
        else:
            mend = "give one as 10.0.0.0/24"
        raise ValueError(f"{shown(submitted)} is not a network in CIDR notation; {mend}.") from None


def mac(submitted: str) -> str:
    """Take a MAC address in any of the usual ways to write it; it becomes `00:aa:..`."""
    digits = re.sub("[:.-]", "", submitted.lower())
    if not re.fullmatch("[0-9a-f]{12}", digits):
        raise ValueError(f"{shown(submitted)} is not a MAC address; give one as 00:16:3e:00:00:01.")
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def hostname_or_empty(submitted: str) -> str:
    """Take a host name, one label of a domain name, in lower case; the empty text is none."""
    if submitted and not re.fullmatch(HOSTNAME, submitted, re.ASCII):
        raise ValueError(
            f"{shown(submitted)} is not a host name; use 1 to 63 letters, digits and '-', a letter "
            "or digit first and last."
        )
    return submitted.lower()


def instant(submitted: str) -> datetime:
    """Take an instant as ISO 8601 has it; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(submitted)
    except ValueError:
        raise ValueError(
            f"{shown(submitted)} is not an instant; give one as 2026-01-31T12:00:00Z."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def listed(words: Sequence[str]) -> str:
    """Join words for a message: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
