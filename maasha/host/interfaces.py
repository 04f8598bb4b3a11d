"""The host's network interfaces, read from `ip -d -j addr` (ip-address(8), ip-link(8))."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from twisted.internet.interfaces import IReactorProcess
from twisted.internet.utils import getProcessOutputAndValue

from maasha.model.network import Interface

IP_PROGRAM = "/usr/sbin/ip"
WHOLES = frozenset({"bond", "bridge", "team"})
"""Interfaces that take the frames of those they are made of; only they are heard."""


def parse(text: str) -> tuple[Interface, ...]:
    """Read the answer of `ip -d -j addr`, loopback and link-local addresses left out.

    What a bond or a bridge is made of is left out too: DHCP is served on the whole.
    """
    return tuple(_interface(entry) for entry in json.loads(text) if _is_wired(entry))


async def read(reactor: IReactorProcess) -> tuple[Interface, ...]:
    """Ask the kernel; raises OSError where `ip` is missing or fails."""
    output, words, status = await getProcessOutputAndValue(
        IP_PROGRAM, ("-d", "-j", "addr", "show"), reactor=reactor
    )
    if status != 0:
        reason = words.decode("utf-8", "replace").strip() or f"exit status {status}"
        raise OSError(f"{IP_PROGRAM}: {reason}")
    return parse(output.decode("utf-8"))


def _is_wired(entry: Mapping[str, Any]) -> bool:
    wired = bool(entry) and entry.get("link_type") == "ether" and "UP" in entry.get("flags", ())
    return wired and entry.get("linkinfo", {}).get("info_slave_kind") not in WHOLES


def _interface(entry: Mapping[str, Any]) -> Interface:
    vid = _vid(entry.get("linkinfo", {}))
    return Interface(
        name=str(entry["ifname"]).split("@", maxsplit=1)[0],
        mac=str(entry.get("address", "")).lower(),
        addresses=tuple(_addresses(entry)),
        mtu=int(entry.get("mtu", 0)),
        vid=vid,
        # a veth has a link too: its other end. A link in another namespace has no name here
        parent=str(entry.get("link", "")) if vid else "",
    )


def _vid(kind: Mapping[str, Any]) -> int:
    """Give the VID of an interface that tags its frames, 0 of any other."""
    tags = kind.get("info_data", {})
    if kind.get("info_kind") != "vlan" or tags.get("protocol", "802.1Q") != "802.1Q":
        return 0
    return int(tags.get("id", 0))


def _addresses(entry: Mapping[str, Any]) -> Iterator[IPv4Interface | IPv6Interface]:
    for info in entry.get("addr_info", ()):
        if info.get("scope") == "global" and "local" in info:
            yield ip_interface(f"{info['local']}/{info['prefixlen']}")
