"""How Python's values travel: ipaddress and UUID types as SQL literals and back."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any

from psycopg2 import extensions, extras

INET, INET_ARRAY, CIDR, CIDR_ARRAY = 869, 1041, 650, 651
"""Object ids of pg_type, fixed by PostgreSQL's catalogue (pg_type.dat)."""

Inet = IPv4Address | IPv6Address | IPv4Interface | IPv6Interface


def read_inet(raw: str | bytes | None, _cursor: object = None) -> Inet | None:
    """Read an inet: PostgreSQL leaves out the prefix of a single host."""
    if raw is None:
        return None
    text = str(raw)
    return ip_interface(text) if "/" in text else ip_address(text)


def read_cidr(raw: str | bytes | None, _cursor: object = None) -> IPv4Network | IPv6Network | None:
    """Read a cidr."""
    return None if raw is None else ip_network(str(raw))


def _literal(value: object) -> Any:
    return extensions.QuotedString(str(value))


def register() -> None:
    """Teach psycopg2 these types; it keeps them for the whole process."""
    extras.register_uuid()
    for kind in (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network):
        extensions.register_adapter(kind, _literal)
    inet = extensions.new_type((INET,), "INET", read_inet)
    cidr = extensions.new_type((CIDR,), "CIDR", read_cidr)
    for caster in (
        inet,
        cidr,
        extensions.new_array_type((INET_ARRAY,), "INET[]", inet),
        extensions.new_array_type((CIDR_ARRAY,), "CIDR[]", cidr),
    ):
        extensions.register_type(caster)
