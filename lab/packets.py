"""Packet sockets: frames of an interface as they pass, packet(7)."""

import socket
import sys
from collections.abc import Iterator

ETH_P_ALL = 0x0003
"""Every frame, also those of the machine itself."""

SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1

SO_RCVBUFFORCE = 33

BUFFER = 8 << 20
"""Bytes the kernel keeps while the reader is busy: 40 clients' frames many times over."""


def packet_socket(interface: str) -> socket.socket:
    """Open a non-blocking packet socket that hears every frame on an interface, for any station."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    opened.bind((interface, ETH_P_ALL))
    index = socket.if_nametoindex(interface).to_bytes(4, sys.byteorder)
    request = index + PACKET_MR_PROMISC.to_bytes(2, sys.byteorder) + bytes(10)
    opened.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)
    opened.setblocking(False)
    return opened


def arrived(opened: socket.socket) -> Iterator[bytes]:
    """Yield the frames that have arrived; those this host itself sends are left out.

    An interface that goes down (ENETDOWN) has none; when it is up again they come again.
    """
    while True:
        try:
            frame, station = opened.recvfrom(65536)
        except OSError:  # BlockingIOError is the usual one
            return
        if station[2] != socket.PACKET_OUTGOING:
            yield frame
