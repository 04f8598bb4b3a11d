"""Writes every DHCP message that passes a bridge to a file: `python -m lab.capture br0 FILE`.

A bridge in promiscuous mode passes each frame up once, after the ingress rules of its ports: what a
one-way loss `from_host` took is not heard, what it took `to_host` is.  SIGTERM ends the program
after it has written what has arrived.
"""

import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TextIO

from lab.dhcp_wire import parse
from lab.frames import parse_datagram
from lab.heard import heard
from lab.packets import arrived, packet_socket

PORTS = frozenset((67, 68))


def note(packets: socket.socket, file: TextIO) -> None:
    """Write what has arrived."""
    for frame in arrived(packets):
        datagram = parse_datagram(frame)
        if datagram is None or datagram.target_port not in PORTS:
            continue
        message = parse(datagram.payload)
        if message is not None:
            record = heard(message, datagram, time.monotonic(), time.time())
            file.write(record.to_line() + "\n")
    file.flush()


def main(interface: str, path: Path) -> None:
    """Listen until SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    packets = packet_socket(interface)
    print("ready", flush=True)
    with path.open("a") as file:
        while not signal.sigtimedwait({signal.SIGTERM}, 0):
            select.select([packets], [], [], 0.05)
            note(packets, file)
        note(packets, file)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
