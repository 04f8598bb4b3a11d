"""Socket options of a link: send at once, and let the kernel notice a dead network.

Each of the three misses a case alone: keepalive does not run while data is unacknowledged, the
user timeout only then, and a frozen process is seen by the heartbeat only (tcp(7), measured). The
heartbeat is the quickest; the kernel ends what it does not watch: a link before its proof, or one
of a process that is stuck itself. While this side does not read, the heartbeat goes by what the
peer's kernel acknowledges.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from struct import Struct

from twisted.internet.interfaces import ITCPTransport

from maasha.rpc.tls import tls_below

KEEPALIVE_IDLE = 1
"""Seconds without traffic before the first probe."""
KEEPALIVE_INTERVAL = 1
"""Seconds between probes."""
KEEPALIVE_PROBES = 2
USER_TIMEOUT = 10_000
"""Milliseconds that sent data may stay unacknowledged, or unsent because the peer does not read.
The latter may be a busy peer that pushes back, hence not less."""
TCP_INFO = Struct("=24xI28xI")
"""tcpi_unacked (segments) and tcpi_last_ack_recv (milliseconds ago) of linux/tcp.h."""


def tune(transport: ITCPTransport) -> None:
    """Set the options; a transport without a socket (in a test's memory) has none to set."""
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    handle = socket_of(transport)
    if handle is None:
        return
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT)


def acknowledged(transport: ITCPTransport, seconds: float) -> bool:
    """Whether the peer's kernel has acknowledged all that was sent, or something lately.

    What is unsent because the peer does not read is nobody's fault.
    """
    handle = socket_of(transport)
    if handle is None:
        return True
    unacknowledged, since = TCP_INFO.unpack(
        handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size)
    )
    return not unacknowledged or since <= 1000 * seconds


def socket_of(transport: object) -> socket.socket | None:
    """Give the socket below a transport; the handle of a TLS layer is not one."""
    layer = tls_below(transport)
    get_handle: Callable[[], socket.socket] | None = getattr(
        transport if layer is None else layer.transport, "getHandle", None
    )
    return None if get_handle is None else get_handle()
