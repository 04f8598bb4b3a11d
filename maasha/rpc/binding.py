"""What ties a proof to the channel below it, so that no one in the middle can pass it on."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import ITCPTransport

Binding = Callable[[ITCPTransport], bytes]
"""Gives the channel's binding, the same bytes on both ends (RFC 5056)."""


def unbound(_: ITCPTransport) -> bytes:
    """Give the binding of plain TCP, which has none."""
    return b""
