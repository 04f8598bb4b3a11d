"""How the other end of a connection is written for people."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from twisted.internet.address import IPv4Address
from twisted.internet.address import IPv6Address as IPv6Peer
from twisted.internet.interfaces import IAddress

from maasha.model.cluster import Endpoint


def shown(peer: IAddress) -> str:
    """Write a peer as host:port; an IPv4 peer of a dual-stack listener as IPv4."""
    if not isinstance(peer, IPv4Address | IPv6Peer):
        return str(peer)
    return str(Endpoint(_plain(peer.host), peer.port))


def host_of(peer: IAddress) -> str:
    """Give the address without its port, to count what one source does."""
    return _plain(peer.host) if isinstance(peer, IPv4Address | IPv6Peer) else str(peer)


def _plain(host: str) -> str:
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
