"""Writing to a socket at once where its transport is idle, instead of asking the reactor first.

That spares a call four system calls and a turn of the reactor. It is right for a plain TCP
transport only. Under TLS clear text must never come here: there it is the transport *below* the
TLS layer that writes at once, and what reaches that one is cipher text already.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet import tcp

PLAIN = frozenset({tcp.Client, tcp.Server})
"""Exactly these classes: a TLS wrapper passes attributes on and would look like one of them."""


def is_plain(transport: object) -> bool:
    """Whether bytes may be written to the transport's own socket, as long as it has no TLS."""
    return transport.__class__ in PLAIN


def primed(transport: Any) -> None:
    """Give the transport what every write looks at as its own, which is found sooner."""
    for name in ("TLS", "dataBuffer", "disconnecting"):
        setattr(transport, name, getattr(transport, name))


def sent_at_once(transport: Any, data: bytes) -> int:
    """Send as much as the socket takes if nothing else waits to be sent; gives how much."""
    if (
        transport.TLS
        or transport.dataBuffer
        or transport._tempDataBuffer
        or transport.disconnecting
        or not transport.connected
    ):
        return 0
    try:
        count: int = transport.socket.send(data)
    except OSError:  # full or broken: the reactor finds out which
        return 0
    return count


def hasten(transport: Any) -> None:
    """Let the plain transport below a TLS layer write cipher text at once."""
    if is_plain(transport) and not transport.TLS:
        primed(transport)
        transport.write = partial(_write, transport)


def unhasten(transport: Any) -> None:
    """Undo that: the transport would refer to itself for ever."""
    vars(transport).pop("write", None)


def _write(transport: Any, data: bytes) -> None:
    sent = sent_at_once(transport, data)
    if sent < len(data):
        type(transport).write(transport, data[sent:] if sent else data)
