"""The statements of dhcpd.conf(5) that tell clients about their network and what they boot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from maasha.model.network import Subnet
from maasha.model.options import RACK, Boot, BootFile

ARCHITECTURE = "option arch code 93 = unsigned integer 16;"
"""Declares what clients tell about their architecture; dhcpd does not know it by itself."""

HTTP = ("http://", "https://")


def subnet_options(subnet: Subnet, name_servers: Sequence[IPv4Address]) -> Iterator[str]:
    """Give the options of one subnet; what there is nothing of is left out."""
    if subnet.gateway is not None:
        yield f"option routers {subnet.gateway};"
    if name_servers:
        yield f"option domain-name-servers {', '.join(map(str, name_servers))};"
    if subnet.search_list:
        yield f'option domain-name "{subnet.search_list[0]}";'
        quoted = (f'"{name}"' for name in subnet.search_list)
        yield f"option domain-search {', '.join(quoted)};"
    if subnet.ntp_servers:
        yield f"option ntp-servers {', '.join(map(str, subnet.ntp_servers))};"


def boot_options(boot: Boot, rack: IPv4Address | None) -> Iterator[str]:
    """Give the lines that choose a boot file, for the rack that has this address on the VLAN."""
    if not boot.files:
        return
    server = boot.server or rack
    if server is not None:
        yield f"next-server {server};"
    known = [entry for entry in boot.files if entry.architecture is not None]
    rest = [entry for entry in boot.files if entry.architecture is None]
    for place, entry in enumerate(known):
        yield f"{'elsif' if place else 'if'} option arch = {_octets(entry.architecture or 0)} {{"
        yield from _file(entry, rack, "    ")
        yield "}"
    for entry in rest:
        if not known:
            yield from _file(entry, rack, "")
            continue
        yield "else {"
        yield from _file(entry, rack, "    ")
        yield "}"


def _file(entry: BootFile, rack: IPv4Address | None, indent: str) -> Iterator[str]:
    """Name the file; a client that boots over HTTP takes it only from an HTTP boot server."""
    name = entry.file.replace(RACK, str(rack) if rack else "")
    if name.startswith(HTTP):
        yield f'{indent}option vendor-class-identifier "HTTPClient";'
    yield f'{indent}filename "{name}";'


def _octets(number: int) -> str:
    return f"{number >> 8:02x}:{number & 255:02x}"
