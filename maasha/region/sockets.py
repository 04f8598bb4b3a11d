"""Listening sockets that take IPv6 and IPv4 alike and can be handed to child processes."""

from __future__ import annotations

import socket

BACKLOG = 1024
"""Connections the kernel holds for us; a thousand racks may come back in one second."""


def dual_stack(port: int) -> socket.socket:
    """Listen on every address of the host, IPv4 through mapped addresses where there is IPv6.

    The socket does not block: of several processes that share it, the one that loses the race for
    a connection must not hang in accept(2). Raises OSError where the port is taken.
    """
    if not socket.has_dualstack_ipv6():
        return _listening(socket.AF_INET, "0.0.0.0", port)  # noqa: S104  every address is meant
    return _listening(socket.AF_INET6, "::", port)


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened
