"""What ties a proof to the channel below it, so that no one in the middle can pass it on."""

from __future__ import annotations

from collections.abc import Callable

from OpenSSL import SSL
from twisted.internet.interfaces import ITCPTransport

from maasha.rpc.tls import tls_below

Binding = Callable[[ITCPTransport], bytes]
"""Gives the channel's binding, the same bytes on both ends (RFC 5056)."""
LABEL, LENGTH = b"EXPORTER-Channel-Binding", 32
"""Of the type tls-exporter (RFC 9266); its context is empty."""


def bound(transport: ITCPTransport) -> bytes:
    """Give the binding of the channel as it is: 32 bytes under TLS, none on plain TCP.

    Each end looks at its own: where somebody in between opens the channel they differ. Under TLS
    it is there once the handshake is complete; OpenSSL.SSL.Error before.
    """
    layer = tls_below(transport)
    if layer is None:
        return b""
    connection: SSL.Connection = layer.getHandle()
    return connection.export_keying_material(LABEL, LENGTH)
