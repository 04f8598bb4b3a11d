"""How the other end of a connection is written for people."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

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


def source_of(peer: IAddress) -> str:
    """Give whom to hold to account: an IPv4 address, or the /64 that one IPv6 host has to itself.

    Link-local addresses keep their interface.
    """
    known = isinstance(peer, IPv4Address | IPv6Peer)
    return source_at(host_of(peer)) if known else host_of(peer)


def source_at(host: str) -> str:
    """Give the source that an address belongs to."""
    if ":" not in host:
        return host
    prefix, _, zone = host.partition("%")
    network = ip_network((prefix, 64), strict=False)
    return f"{network}%{zone}" if zone else str(network)


@lru_cache(maxsize=4096)  # each connection asks several times
def _plain(host: str) -> str:
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
