"""Lets the machine's localhost reach a host's port: `python -m lab.relay PORT THEIRS NETNS`.

It listens on the machine's loopback, then moves into the host's network for good: sockets stay
where they were made, so what it accepts comes from the machine and what it dials is the host.
Started inside the host's process namespace it ends with the host.
"""

import ctypes
import os
import socket
import sys
from pathlib import Path

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.protocols.portforward import ProxyFactory

CLONE_NEWNET = 0x40000000
"""setns(2)."""
BACKLOG = 128


def listening(port: int) -> list[socket.socket]:
    """Listen on the loopback addresses that the machine has; raises OSError for a taken port."""
    places = [(socket.AF_INET, "127.0.0.1")]
    if socket.has_ipv6 and Path("/proc/net/if_inet6").read_text():
        places.append((socket.AF_INET6, "::1"))
    return [_listen(family, address, port) for family, address in places]


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, port))
    opened.listen(BACKLOG)
    opened.setblocking(False)
    return opened


def enter(namespace: Path) -> None:
    """Move this process into a network namespace."""
    descriptor = os.open(namespace, os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(namespace))
    os.close(descriptor)


def main(port: int, theirs: int, namespace: Path) -> None:
    """Pass connections on until the host ends."""
    reactor = EPollReactor()
    installReactor(reactor)
    sockets = listening(port)
    enter(namespace)
    for opened in sockets:
        reactor.adoptStreamPort(opened.fileno(), opened.family, ProxyFactory("127.0.0.1", theirs))
    print("ready", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
