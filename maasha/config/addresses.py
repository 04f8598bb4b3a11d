"""Reads what a configuration file says of places: URLs, hosts, IP addresses, networks."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from maasha.config.problems import Unfit
from maasha.model.cluster import Endpoint
from maasha.model.network import Network

Address = IPv4Address | IPv6Address

MAX_PORT = 65535
_EXAMPLE = "write one like http://10.0.0.1:5240/MAAS/"
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")
_ADVERTISED = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<name>[^\[\]:]+)):(?P<port>[0-9]{1,5})")


def url(text: str) -> str:
    """Read the address of a region's API: http or https, a host and the path /MAAS/.

    A missing path is added: the full form is given, for example `http://region:5240/MAAS/`.
    """
    if "@" in text:
        raise Unfit("has a user name in it", "leave it out: keys are kept elsewhere", hidden=True)
    if re.search(r"[\s\x00-\x1f\\]", text):
        raise Unfit("has a blank or a control character in it", _EXAMPLE)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Unfit(f"is not a URL ({error})", _EXAMPLE) from None
    _check(parts, port)
    return f"{parts.scheme}://{_authority(parts)}{_path(parts)}"


def _check(parts: SplitResult, port: int | None) -> None:
    if parts.scheme not in ("http", "https"):
        raise Unfit("does not begin with http:// or https://", _EXAMPLE)
    if parts.query or parts.fragment:
        raise Unfit("has something after its path", "end it after /MAAS/")
    if port == 0:
        raise Unfit("has the port 0", _EXAMPLE)
    host(parts.hostname or "")


def _authority(parts: SplitResult) -> str:
    name = parts.hostname or ""
    return (f"[{name}]" if ":" in name else name) + (f":{parts.port}" if parts.port else "")


def _path(parts: SplitResult) -> str:
    path = parts.path.rstrip("/") or "/MAAS"
    if not path.endswith("/MAAS"):
        raise Unfit(f"has the path {parts.path}, not /MAAS/", "end it in /MAAS/")
    return f"{path}/"


def host(text: str) -> str:
    """Read a host name or an IP address (IPv6 without brackets)."""
    if not text:
        raise Unfit("has no host", "write a host name or an IP address")
    if ":" in text or re.fullmatch(r"[0-9.]+", text):
        return str(address(text))
    if not _HOST.fullmatch(text):
        raise Unfit("is not a host name", "write a host name or an IP address")
    return text


def database_host(text: str) -> str:
    """Read where PostgreSQL is: a host, or the directory of its Unix socket."""
    return text if text.startswith("/") else host(text)


def address(text: str) -> Address:
    """Read a literal IP address."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise Unfit("is not an IP address", "write one like 10.0.0.1 or 2001:db8::1") from None


def network(text: str) -> Network:
    """Read a network in CIDR notation, without host bits."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise Unfit("is not a network", _suggested_network(text)) from None


def _suggested_network(text: str) -> str:
    try:
        return f"write {ipaddress.ip_network(text, strict=False)}"
    except ValueError:
        return "write one like 10.0.0.0/24"


def endpoint(text: str) -> Endpoint:
    """Read `host:port`: a host name or an address, an IPv6 address in brackets."""
    found = _ADVERTISED.fullmatch(text)
    if not found:
        raise Unfit("is not host:port", "write one like 10.0.0.1:5250 or '[2001:db8::1]:5250'")
    port = int(found["port"])
    if not 1 <= port <= MAX_PORT:
        raise Unfit("has a port outside 1 to 65535", "write the port of worker 0")
    return Endpoint(str(address(found["six"])) if found["six"] else host(found["name"]), port)
