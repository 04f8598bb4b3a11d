"""A DHCPDISCOVER that wants no address, and the offers that answer it: RFC 2131, 791 and 768.

It asks as a client of its own, whom the instance's dhcpds ignore by a line of their configuration:
nothing is reserved there. Other servers hold an address for this one client until they find that it
does not come back, the same one each time.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import IPv4Address

from attrs import frozen

ETHERTYPE = 0x0800
"""IPv4."""
SERVER_PORT, CLIENT_PORT = 67, 68
IP = struct.Struct("!BBHHHBBH4s4s")
UDP = struct.Struct("!HHHH")
BOOTP = struct.Struct("!BBBBIHHIIII16s64s128s")
COOKIE = bytes((99, 130, 83, 99))
NOWHERE, EVERYWHERE = bytes(4), b"\xff" * 4
UDP_NUMBER, LIFE = 17, 64
REQUEST, REPLY = 1, 2
ETHERNET = (1, 6)
"""Hardware type and length of addresses."""
WAITED = 60
"""Seconds that the client claims to have waited: a pair's second server answers too."""
BROADCAST_FLAG = 0x8000
"""The answer is to go to all: no station has the client's address."""
PAD, TYPE, WANTED, SERVER, CLASS, END = 0, 53, 55, 54, 60, 255
DISCOVER, OFFER = 1, 2
NAMES = bytes((1, 3, 6, 15, 51, SERVER))
"""What a client asks for: some servers answer nobody who asks for nothing."""
WHO = b"maasha-probe"
"""For the people who read the other server's log."""
SHORTEST = 300
"""Bytes of a message; some relays and servers drop shorter ones (RFC 1542, 2.1)."""
FRAGMENT = 0x1FFF
"""Part of the IP header's field that is 0 in a datagram's beginning."""

OFFERS_ONLY: Sequence[tuple[int, int, int, int]] = (
    (0x30, 0, 0, 23),  # the protocol
    (0x15, 0, 6, UDP_NUMBER),
    (0x28, 0, 0, 20),  # the fragment's place
    (0x45, 4, 0, FRAGMENT),
    (0xB1, 0, 0, 14),  # the IP header's length
    (0x48, 0, 0, 16),  # the port that it goes to
    (0x15, 0, 1, CLIENT_PORT),
    (0x06, 0, 0, 0xFFFF),
    (0x06, 0, 0, 0),
)
"""Lets a socket hear only what goes to DHCP clients: classic BPF, see socket(7), bpf(4)."""


@frozen
class Client:
    """As whom we ask, and what tells the answers to this question from others."""

    mac: bytes
    xid: int
    """32 bits."""


@frozen
class Offer:
    """An offer to our client."""

    server: IPv4Address


def discover(client: Client) -> bytes:
    """Give the payload of a frame to all."""
    bootp = BOOTP.pack(
        *(REQUEST, *ETHERNET, 0, client.xid, WAITED, BROADCAST_FLAG, 0, 0, 0, 0),
        *(client.mac, b"", b""),
    )
    options = ((TYPE, bytes((DISCOVER,))), (CLASS, WHO), (WANTED, NAMES))
    written = b"".join(bytes((code, len(value))) + value for code, value in options)
    message = (bootp + COOKIE + written + bytes((END,))).ljust(SHORTEST, b"\0")
    return _ip(_udp(message))


def offer(payload: bytes, client: Client) -> Offer | None:
    """Read the payload of a frame; None where it is no offer to this client."""
    source, message = _datagram(payload)
    if len(message) < BOOTP.size + len(COOKIE):
        return None
    op, kind, length, _, xid, *_, mac, _, _ = BOOTP.unpack_from(message)
    known = (op, kind, length, xid) == (REPLY, *ETHERNET, client.xid)
    if not known or mac[: len(client.mac)] != client.mac:
        return None
    rest = message[BOOTP.size :]
    options = _options(rest[len(COOKIE) :]) if rest.startswith(COOKIE) else {}
    if options.get(TYPE) != bytes((OFFER,)):
        return None
    named = options.get(SERVER, b"")
    return Offer(IPv4Address(named if len(named) == len(source) else source))


def _udp(message: bytes) -> bytes:
    """Address a message from a client that has no address to all servers."""
    length = UDP.size + len(message)
    pseudo = NOWHERE + EVERYWHERE + struct.pack("!BBH", 0, UDP_NUMBER, length)
    unsummed = UDP.pack(CLIENT_PORT, SERVER_PORT, length, 0) + message
    summed = _checksum(pseudo + unsummed) or 0xFFFF
    return UDP.pack(CLIENT_PORT, SERVER_PORT, length, summed) + message


def _ip(datagram: bytes) -> bytes:
    head = (0x45, 0, IP.size + len(datagram), 0, 0, LIFE, UDP_NUMBER)
    ends = (NOWHERE, EVERYWHERE)
    summed = _checksum(IP.pack(*head, 0, *ends))
    return IP.pack(*head, summed, *ends) + datagram


def _checksum(data: bytes) -> int:
    """Give the complement of the ones' complement sum (RFC 1071)."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _datagram(payload: bytes) -> tuple[bytes, bytes]:
    """Give the sender's address and the message of a DHCP server's datagram; empty: it is none.

    Its checksums are not looked at: a host's own are not made yet when we hear them.
    """
    if len(payload) < IP.size:
        return b"", b""
    first, _, length, _, place, _, protocol, _, source, _ = IP.unpack_from(payload)
    head, whole = (first & 0x0F) * 4, payload[:length]
    if first >> 4 != 4 or head < IP.size or protocol != UDP_NUMBER or place & FRAGMENT:
        return b"", b""
    if len(whole) < head + UDP.size:
        return b"", b""
    ports = UDP.unpack_from(whole, head)[:2]
    return (source, whole[head + UDP.size :]) if ports[1] == CLIENT_PORT else (b"", b"")


def _options(data: bytes) -> dict[int, bytes]:
    """Read what is whole."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != END:
        if data[at] == PAD:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else len(data)
        value = data[at + 2 : at + 2 + length]
        if len(value) < length:
            break
        found.setdefault(data[at], value)
        at += 2 + length
    return found
