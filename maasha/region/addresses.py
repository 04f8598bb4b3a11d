"""Which addresses and ports a worker publishes for racks to reach it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from maasha.model.cluster import Endpoint
from maasha.model.network import Interface, Network

Address = IPv4Address | IPv6Address


def published(
    interfaces: Iterable[Interface],
    port: int,
    *,
    addresses: Sequence[Address] = (),
    networks: Sequence[Network] = (),
) -> tuple[Endpoint, ...]:
    """Give the endpoints of a worker that listens on `port` of every address of its host.

    `addresses`, where given, stand instead of the host's own; `networks`, where given, let only the
    addresses inside them through. A host with no address but loopback publishes that.
    """
    candidates = addresses or tuple(_own(interfaces))
    chosen = [a for a in candidates if not networks or any(a in network for network in networks)]
    return tuple(Endpoint(str(address), port) for address in dict.fromkeys(chosen))


def own_addresses(
    interfaces: Iterable[Interface], networks: Sequence[Network]
) -> tuple[Address, ...]:
    """Give the host's own addresses; `networks`, where given, let only those inside them through.

    None where nothing is known of its interfaces.
    """
    found = [a.ip for interface in interfaces for a in interface.addresses]
    return tuple(a for a in found if not networks or any(a in network for network in networks))


def _own(interfaces: Iterable[Interface]) -> Iterable[Address]:
    return own_addresses(interfaces, ()) or [IPv4Address("127.0.0.1")]
